"""Choose the folder that keeps compiled loops from one run to the next.

numba keeps them beside the source or in the user's cache, and refuses to compile at all where it may write to neither:
a read-only image, or an account without a home. Then a folder for temporary files serves.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import MutableMapping
from pathlib import Path

VARIABLE = "NUMBA_CACHE_DIR"


def settle_cache(environment: MutableMapping[str, str] = os.environ) -> None:
    """Name a folder for compiled loops where numba finds none; to be called before numba is imported."""
    if VARIABLE in environment:
        return
    user = Path(environment.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    folder = cache_folder(Path(__file__).parent, user, Path(tempfile.gettempdir()))
    if folder is not None:
        environment[VARIABLE] = str(folder)


def cache_folder(package: Path, user: Path, temporary: Path) -> Path | None:
    """Return a folder for compiled loops that others cannot write to; None where numba finds one itself.

    Args:
        package: Folder of sources.
        user: The user's caches.
        temporary: Where a folder may be made; if it cannot, numba reports that.
    """
    if _writable(package / "__pycache__") or _writable(user / "numba"):
        return None
    number = os.getuid() if hasattr(os, "getuid") else 0
    folder = temporary / f"ddsp-match-{number}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
        # Its contents are executed: it must be a folder, ours, and closed to everybody else.
        if stat.S_ISDIR(status.st_mode) and status.st_uid == number and not status.st_mode & 0o022:
            return folder
        return Path(tempfile.mkdtemp(prefix="ddsp-match-", dir=temporary))
    except OSError:
        return None


def _writable(folder: Path) -> bool:
    """Tell if files can be made in a folder, or the folder itself where it is missing."""
    there = next((place for place in (folder, *folder.parents) if os.path.exists(place)), folder)
    return os.path.isdir(there) and os.access(there, os.W_OK | os.X_OK)
