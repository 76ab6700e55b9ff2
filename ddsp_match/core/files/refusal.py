"""An operating system's error about a file, as a refusal."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from ddsp_match.core.errors import OUT, OutputError

FULL = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EACCES, errno.EPERM)
NAME = (errno.ENAMETOOLONG, errno.EILSEQ)
_NEEDED = {
    errno.ENOSPC: "free space",
    errno.EDQUOT: "free space within the quota",
    errno.EACCES: "permission to write there",
    errno.EPERM: "permission to write there",
    errno.EROFS: "a place that can be written to",
    **dict.fromkeys(NAME, "a shorter, plainer name"),
}


def refusal(where: object, error: OSError) -> OutputError:
    """The refusal of a place that could not be written to.

    Args:
        where: The file or folder, as the user named it.
        error: What the system said.
    """
    said = "a file of that name" if error.errno == errno.EEXIST else (error.strerror or str(error)).lower()
    return OutputError(
        said,
        where=where,
        needed=_NEEDED.get(error.errno or 0, "a place that can be written to, with room for the results"),
        hint="making room" if error.errno in FULL else "",
        cures=[OUT],
    )


def explained(error: OSError) -> OutputError | None:
    """The refusal of a file that met an unexpected error; None where the error is a bug."""
    if error.errno not in _NEEDED:
        return None
    path = error.filename
    if path is not None and error.errno in FORBIDDEN and not _may_write(path):
        try:
            os.close(os.open(path, os.O_RDONLY))
        except PermissionError:
            said = (error.strerror or str(error)).lower()
            return OutputError(said, where=path, needed="permission to read it", hint=f"chmod u+r {path}")
        except OSError:
            pass
    return refusal(path, error)


def _may_write(path: str | bytes | int) -> bool:
    """True if a missing file could be made, or an existing one changed."""
    if isinstance(path, int) or os.path.exists(path):
        return os.access(path, os.W_OK)
    return os.access(os.path.dirname(path) or os.curdir, os.W_OK | os.X_OK)


def check_room(folder: Path, needed_bytes: float, what: str) -> None:
    """Refuses work that a disk has no room for.

    Args:
        folder: Where it will be written; the nearest folder above it that exists counts.
        needed_bytes: How much.
        what: What needs it.

    Raises:
        OutputError: Less is free there.
    """
    near = next(place for place in (folder, *folder.absolute().parents) if os.path.exists(place))
    free = shutil.disk_usage(near).free
    if free < needed_bytes:
        raise OutputError(
            f"{in_words(free)} free",
            where=folder,
            needed=f"{in_words(needed_bytes)} for {what}",
            hint="making room, or another disk",
            cures=[OUT],
        )


def free_space(folder: Path) -> str:
    """The free space on the disk of a folder, in words."""
    return in_words(shutil.disk_usage(folder).free)


def in_words(n_bytes: float) -> str:
    """A size with a decimal unit: ``349.5 MB``."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if n_bytes >= size:
            return f"{n_bytes / size:.1f} {unit}"
    return f"{n_bytes / 1e3:.0f} kB" if n_bytes >= 1000 else f"{n_bytes:.0f} bytes"
