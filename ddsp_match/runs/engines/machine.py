"""The machine's resources for workers: cores, GPUs, and the environment that keeps them out of each other's way.

Nothing here imports torch: the process that only hands out jobs should stay small, and start at once.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path

from ddsp_match.core.free_memory import free_bytes

# Each library reads its own; all of them before it is first loaded.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
WORKER_BYTES = 1 << 30  # libraries, the pitch network and a batch took 0.8 GB
_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUPS = Path("/proc/self/cgroup")


def cores() -> int:
    """Count the cores that this process may use: its affinity, and the quota of its containers where that is less."""
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    return max(1, min([allowed, *_quotas()]))


def gpus() -> list[str]:
    """Return the GPUs this process may use, as CUDA_VISIBLE_DEVICES would name each of them; none: an empty list."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        names: list[str] = []
        for name in (part.strip() for part in visible.split(",")):
            if not name or name.startswith("-"):
                break  # CUDA, too, stops reading there
            names.append(name)
        return names
    return [str(index) for index in range(_counted_gpus())]


def worker_count(workers: int | None, device: str) -> int:
    """Count the workers that a device feeds: one a core that memory suffices for, one a GPU, one on mps; or as set.

    Args:
        workers: What the user asked for, or None.
        device: ``cpu``, ``cuda``, ``mps``, or ``auto``: cuda where there is a GPU, mps on Apple's own processors, cpu.
    """
    if workers is not None:
        return workers
    if on_gpus(device):
        return max(1, len(gpus()))
    if device == "mps" or (device == "auto" and (platform.system(), platform.machine()) == ("Darwin", "arm64")):
        return 1
    return max(1, min(cores(), free_bytes() // WORKER_BYTES))


def on_gpus(device: str) -> bool:
    """Say whether the jobs compute on CUDA's GPUs, as far as that can be told without torch."""
    return device == "cuda" or (device == "auto" and bool(gpus()))


def threads_each(threads: int | None, workers: int) -> int:
    """Threads of each worker: as many as were asked for, or a fair share of the cores, at least one."""
    return threads if threads is not None else max(1, cores() // workers)


def thread_environment(threads: int) -> dict[str, str]:
    """Return the variables that hold the numeric libraries of a process to a number of threads.

    OMP_WAIT_POLICY: threads that wait for work sleep. They spin otherwise, and two torch processes that spin
    beside each other on the same cores have been seen to run 70 times slower than one.
    """
    return {**dict.fromkeys(THREAD_VARIABLES, str(threads)), "OMP_WAIT_POLICY": "PASSIVE"}


def _quotas() -> list[int]:
    """Return the whole cores that the CPU quotas of our cgroups allow, version 2 and 1, and those of their parents."""
    quotas = []
    try:
        lines = _OWN_CGROUPS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    for line in lines:
        _, controllers, name = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = _CGROUPS / "cpu" if controllers else _CGROUPS
        folder = root / name.lstrip("/")
        for place in (folder, *folder.parents):
            if place.is_relative_to(root):
                quotas += _quota(place)
    return quotas


def _quota(folder: Path) -> list[int]:
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text(encoding="utf-8").split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text(encoding="utf-8").strip()
            period = (folder / "cpu.cfs_period_us").read_text(encoding="utf-8").strip()
        return [] if quota in ("max", "-1") else [max(1, int(quota) // int(period))]
    except (OSError, ValueError, ZeroDivisionError):
        return []


def _counted_gpus() -> int:
    try:
        listed = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20, check=True, stdin=subprocess.DEVNULL
        ).stdout
    except (OSError, subprocess.SubprocessError):
        # without the tool: the driver's device files, of which a container sees its own only
        return len([path for path in Path("/dev").glob("nvidia*") if re.fullmatch(r"nvidia\d+", path.name)])
    return len(re.findall(r"^GPU \d+:", listed, flags=re.MULTILINE))
