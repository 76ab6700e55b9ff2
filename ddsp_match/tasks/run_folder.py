"""A run folder that is written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ddsp_match.errors import OutputError


def check_free(folder: Path, *, force: bool) -> None:
    """Refuses, before any work is done, a folder that could not be written in the end.

    Raises:
        OutputError: The folder exists and is not empty and `force` is not given, or nothing can be written there.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError("a file of that name", where=folder, needed="a folder to write to", hint="another -o")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise OutputError(
            "a folder with files in it",
            where=folder,
            needed="a new or empty folder, so that nothing is overwritten",
            hint="--force to replace it, or another -o",
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder.parent) as probe:
            probe.write(b"\0" * 4096)
    except OSError as error:
        raise _refused(folder, error) from error


@contextlib.contextmanager
def written_whole(folder: Path) -> Iterator[Path]:
    """A scratch folder beside `folder` that takes its place when the block ends well, and vanishes when it does not.

    Raises:
        OutputError: The disk is full or the place cannot be written to; what was there before stays.
    """
    scratch = None
    try:
        scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        scratch.chmod(0o777 & ~_umask())
        yield scratch
        if folder.exists():
            old = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.old."))
            os.replace(folder, old / "run")
            os.replace(scratch, folder)
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.replace(scratch, folder)
    except OSError as error:
        raise _refused(folder, error) from error
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _refused(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        (error.strerror or str(error)).lower(),
        where=folder,
        needed="a place that can be written to, with some megabytes free",
        hint="another folder with -o",
    )
