"""Measure the free memory of the machine, without importing torch, for the pool of workers needs it too."""

from __future__ import annotations

import os
from pathlib import Path

UNKNOWN_FREE = 2 << 30  # where the system does not tell, bytes that most machines have
CGROUPS, MEMBERSHIP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def free_bytes(groups: Path = CGROUPS, membership: Path = MEMBERSHIP) -> int:
    """Return the bytes to be had without swapping, within the limits of the control groups around this process.

    Args:
        groups: Where control groups are mounted.
        membership: The file that lists those of this process.
    """
    return max(0, min([_system_free(), *_group_free(groups, membership)]))


def _system_free() -> int:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    except OSError:
        pass
    try:
        # Without a figure for what is free: half of what there is.
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, OSError, ValueError):
        return UNKNOWN_FREE


def _group_free(groups: Path, membership: Path) -> list[int]:
    """List the free bytes of each control group around this process, innermost first; none without limits."""
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    free = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root, names = groups, ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            root, names = groups / "memory", (
                "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file",
            )  # fmt: skip
        else:
            continue
        inside = Path(path.lstrip("/"))
        # In a container the path may be that of the host, which cannot be seen: then only the root group can be read.
        for group in [inside, *inside.parents]:
            remaining = _left_in(root / group, *names)
            if remaining is not None:
                free.append(remaining)
    return free


def _left_in(group: Path, limit: str, usage: str, cache: str) -> int | None:
    """Bytes until a control group's limit, its page cache counted as free; None where it has no limit."""
    try:
        text = (group / limit).read_text(encoding="ascii").strip()
        if text == "max":
            return None
        used = int((group / usage).read_text(encoding="ascii"))
        statistics = dict(line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines())
    except (OSError, ValueError):
        return None
    return int(text) - used + int(statistics.get(cache, 0))
