"""The lock of a place: one writer at a time, and none that outlives its process."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import weakref
from pathlib import Path
from typing import IO

from ddsp_match.core.errors import OUT, OutputError, Taken
from ddsp_match.core.files.refusal import refusal

# Not filelock: it leaves its file behind at release, and where a disk has no locks takes a marker that outlives kill -9
# instead of refusing; importing it takes 0.12 s.
_FAR = 1 << 30  # Windows locks bytes and keeps others from reading them: one that is not there
_held: weakref.WeakSet[Lock] = weakref.WeakSet()


class Lock:
    """Held by the process that writes a place; the system frees it when the process ends, also at kill -9.

    ``flock`` on POSIX (``msvcrt.locking`` on Windows).

    Args:
        path: The lock's file, in a folder that exists.
        where: What is locked.

    Raises:
        OutputError: Another process holds it, or the disk has no locks.
    """

    def __init__(self, path: Path, where: Path) -> None:
        self.path = path
        try:
            file = _locked(path)
            while file is None:
                file = _locked(path)
        except OSError as error:
            if isinstance(error, BlockingIOError):
                raise Taken(
                    f"another run is writing there{_who(path)}",
                    where=where,
                    needed="a place that no other run writes to",
                    hint="waiting until it is done",
                    cures=[OUT],
                ) from None
            if error.errno in (errno.ENOLCK, errno.ENOTSUP):
                raise OutputError(
                    f"no file locks on this disk ({(error.strerror or str(error)).lower()})",
                    where=where,
                    needed="a disk with locks, so that two runs cannot write to one place",
                    hint="a local disk",
                    cures=[OUT],
                ) from error
            raise refusal(where, error) from error
        self._file: IO[str] | None = file
        weakref.finalize(self, file.close)  # a lock that is forgotten is no lock
        try:
            file.truncate(0)
            import socket
            from datetime import UTC, datetime

            since = datetime.now(UTC).isoformat("T", "seconds")
            said = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
            file.write(json.dumps(said).ljust(4096) + "\n")  # padded, so that a full disk is noticed now
            file.flush()
        except OSError as error:
            self.release(remove=True)
            raise refusal(where, error) from error
        _held.add(self)

    def release(self, *, remove: bool = False) -> None:
        """Give it back.

        Args:
            remove: Whether to take its file away, too.
        """
        if self._file is None:
            return
        if remove and os.name != "nt":  # before others can have it, or they would lock a file that is gone
            with contextlib.suppress(OSError):
                self.path.unlink()
        with contextlib.suppress(OSError):
            self._file.close()
        if remove and os.name == "nt":
            with contextlib.suppress(OSError):
                self.path.unlink()
        self._file = None


def _locked(path: Path) -> IO[str] | None:
    """Open and lock a file; None where its last owner has just removed it, so that the lock would have no effect."""
    with contextlib.ExitStack() as stack:
        # Not "w": what the other process wrote of itself must stay until we hold the lock.
        file = stack.enter_context(open(path, "a+", encoding="utf-8"))
        if os.name == "nt":
            import msvcrt

            os.lseek(file.fileno(), _FAR, os.SEEK_SET)
            try:
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # pyright: ignore[reportAttributeAccessIssue]
            except OSError as error:
                raise BlockingIOError from error
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            try:
                if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    return None
            except FileNotFoundError:
                return None
        stack.pop_all()
        return file


def _who(path: Path) -> str:
    """The holder's own description."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return f" (process {said['pid']} on {said['host']}, since {said['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _forget() -> None:
    """In a forked child: its copy of the handle would keep the lock beyond its parent's end."""
    for lock in list(_held):
        lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
