"""The lock of a run folder: one writer at a time, and none that outlives its process."""

from __future__ import annotations

import errno
import json
import os
import socket
import weakref
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from ddsp_match.errors import OutputError
from ddsp_match.store.disk import refused

LOCK_NAME = "run.lock"
_HELD_BY_OTHER = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
_FAR = 1 << 30  # Windows locks bytes and keeps others from reading them: one that is not there
_held: weakref.WeakSet[RunLock] = weakref.WeakSet()


class RunLock:
    """Held by the process that writes a run folder; the system frees it when the process ends, also at kill -9.

    ``flock`` on POSIX (``msvcrt.locking`` on Windows). The file stays when the lock is given back: to delete it would
    let two processes hold locks on two files of one name.

    Args:
        folder: The run folder; it exists.

    Raises:
        OutputError: Another process holds it, or the disk has no locks.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / LOCK_NAME
        try:
            # Not "w": what the other process wrote of itself must stay until we hold the lock.
            self._file: IO[str] | None = open(path, "a+", encoding="utf-8")
        except OSError as error:
            raise refused(folder, error) from error
        try:
            _lock(self._file)
        except OSError as error:
            other = _who(self._file)
            self._file.close()
            if error.errno in _HELD_BY_OTHER:
                raise OutputError(
                    f"another run is writing there{other}",
                    where=folder,
                    needed="a folder that no other run writes to",
                    hint="wait until it is done, or another -o",
                ) from None
            raise OutputError(
                f"no file locks on this disk ({(error.strerror or str(error)).lower()})",
                where=folder,
                needed="a disk with locks, so that two runs cannot write into one folder",
                hint="-o on a local disk",
            ) from error
        self._file.truncate(0)
        said = {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat("T", "seconds")}
        self._file.write(json.dumps(said) + "\n")
        self._file.flush()
        _held.add(self)

    def release(self) -> None:
        """Give it back."""
        if self._file is not None:
            self._file.close()
        self._file = None


def _lock(file: IO[str]) -> None:
    if os.name == "nt":
        import msvcrt

        os.lseek(file.fileno(), _FAR, os.SEEK_SET)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # pyright: ignore[reportAttributeAccessIssue]
    else:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


def _who(file: IO[str]) -> str:
    """What the holder wrote of itself, in words."""
    try:
        file.seek(0)
        said = json.loads(file.read())
        return f" (process {said['pid']} on {said['host']}, since {said['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _forget() -> None:
    """In a forked child: its copy of the handle would keep the lock beyond its parent's end."""
    for lock in list(_held):
        lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
