"""Writing so that it is on the disk, and saying it in our words where that fails."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from pathlib import Path

from ddsp_match.errors import MatchError, OutputError, SoundError

_NAME_TROUBLE = (errno.ENAMETOOLONG, errno.EILSEQ)


def refused(where: object, error: OSError) -> MatchError:
    """An operating system's error in our words.

    Args:
        where: What was to be written.
        error: What the system said.

    Returns:
        `OutputError` for trouble that every other sound would meet (a full disk, no permission), `SoundError` for a
        name that this disk cannot hold, which is that sound's alone.
    """
    said = (error.strerror or str(error)).lower()
    if error.errno in _NAME_TROUBLE:
        return SoundError(f"a name that cannot be written ({said})", where=where, hint="a shorter, plainer name")
    return OutputError(
        said,
        where=where,
        needed="a place that can be written to, with room for the results",
        hint="free some space, or another folder with -o",
    )


def free_space(folder: Path) -> str:
    """What is free on the disk of a folder, in words."""
    free = shutil.disk_usage(folder).free
    return f"{free / 1e9:.1f} GB" if free >= 1e9 else f"{free / 1e6:.1f} MB" if free >= 1e6 else f"{free // 1000} kB"


def sync_tree(folder: Path) -> None:
    """Put every file below a folder, and the folders' lists of names, on the disk."""
    for parent, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(parent, name), "rb+") as file:
                os.fsync(file.fileno())
        sync_folder(Path(parent))


def sync_folder(folder: Path) -> None:
    """Put a folder's list of names on the disk, where the system has such a thing."""
    if os.name == "nt":  # Windows opens no folders, and keeps their lists itself
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network disks refuse; the files themselves are synced
            os.fsync(handle)
    finally:
        os.close(handle)
