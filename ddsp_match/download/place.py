"""Where a set comes to lie: one writer at a time, and whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ddsp_match.errors import OutputError


@contextlib.contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Keeps others from writing `folder` meanwhile; the system ends that however the process ends.

    Raises:
        OutputError: Another process is at it.
    """
    if os.name != "posix":
        yield
        return
    lock = folder.with_name(f".{folder.name}.lock")
    file = _locked(lock)
    while file is None:
        file = _locked(lock)
    with file:
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def _locked(lock: Path) -> IO[str] | None:
    """Open and lock a file; None where its last owner has just removed it, so that the lock would keep nobody out."""
    import fcntl

    with contextlib.ExitStack() as stack:
        file = stack.enter_context(lock.open("a", encoding="utf-8"))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            where = lock.with_name(lock.stem.removeprefix("."))
            raise OutputError(
                "another ddsp-match that is fetching it", where=where, needed="one at a time", hint="waiting for it"
            ) from error
        if lock.exists() and os.path.samestat(os.fstat(file.fileno()), lock.stat()):
            stack.pop_all()
            return file
    return None


@contextlib.contextmanager
def put_whole(folder: Path) -> Iterator[Path]:
    """Yields the name of a folder to make, which takes the place of `folder` when the block ends well."""
    scratch, old = _scratch(folder), _old(folder)
    clear(folder)
    try:
        yield scratch
        if hasattr(os, "sync"):
            os.sync()  # one for all files: a name must not outlive a power cut that its content did not
        if folder.exists():
            folder.replace(old)
        scratch.replace(folder)
    finally:
        clear(folder)


def clear(folder: Path) -> None:
    """Put right what a run that was killed has left: its unfinished folder goes, the old one comes back."""
    old = _old(folder)
    if old.exists() and not folder.exists():
        old.replace(folder)
    for leftover in (_scratch(folder), old):
        shutil.rmtree(leftover, ignore_errors=True)


def _scratch(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.unpacking")


def _old(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")
