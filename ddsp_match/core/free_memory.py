"""What the machine has of memory to give, told without torch: who only hands out jobs asks, too."""

from __future__ import annotations

import os
from pathlib import Path

UNKNOWN_FREE = 2 << 30  # where the system does not tell, bytes that most machines have
CGROUPS = Path("/sys/fs/cgroup")


def free_bytes() -> int:
    """Bytes to be had without swapping, within the limits of the control groups around this process."""
    return min([_system_free(), *_group_free()])


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


def _group_free() -> list[int]:
    """What each control group around this process has left, innermost first; none where there are no limits."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root, names = CGROUPS, ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            root, names = CGROUPS / "memory", (
                "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file",
            )  # fmt: skip
        else:
            continue
        inside = Path(path.lstrip("/"))
        # In a container the path may be that of the host, which cannot be seen: then only the root is left to ask.
        for group in [inside, *inside.parents]:
            left = _left_in(root / group, *names)
            if left is not None:
                found.append(left)
    return found


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
