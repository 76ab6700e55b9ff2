"""Files and folders written whole or not at all: under a name beside, which then takes the place."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ddsp_match.core.errors import OutputError
from ddsp_match.core.files.claims import anchor, claimed, is_ours, settled
from ddsp_match.core.files.names import beside, printable
from ddsp_match.core.files.refusal import refusal


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yields the name of a file to write beside `path`, which takes its place, on the disk, when the block ends well.

    Raises:
        OutputError: The disk is full or the place cannot be written to; what was there before stays.
    """
    target = settled(path)
    part = beside(target, f"{os.getpid()}.part")
    try:
        if os.path.lexists(target) and not os.path.isfile(target):  # os.replace would take the place of a device
            raise OSError("a folder or a device has that name")
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, target)
    except OSError as error:
        raise refusal(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes a text file in UTF-8, whole or not at all; names in it that are no UTF-8 as `printable` has them.

    Raises:
        OutputError: See `new_file`.
    """
    with new_file(path) as part:
        part.write_text(printable(text), encoding="utf-8", newline="")


@contextlib.contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yields a folder to fill, whose content takes the place of `folder` when the block ends well.

    It lies beside `folder`. Where nothing can be made there, or `folder` is a mounted disk, it lies inside, and its
    files are moved one by one.

    Raises:
        OutputError: The disk is full or the place cannot be written to, or another process is writing there; what was
            there before stays.
    """
    target = settled(folder)
    with claimed(folder):
        inside = anchor(target) == target
        scratch, old = (beside(target / target.name if inside else target, suffix) for suffix in ("part", "old"))
        try:
            for leftover in (scratch, old):
                shutil.rmtree(leftover, ignore_errors=True)
            scratch.mkdir()
            yield scratch
            if inside:
                _move_into(scratch, target)
            else:
                if target.exists():
                    target.replace(old)
                scratch.replace(target)
        except OSError as error:
            if old.exists() and not target.exists():
                old.replace(target)
            raise refusal(folder, error) from error
        except OutputError as error:  # of a file in it
            if not isinstance(error.where, Path) or not error.where.is_relative_to(scratch):
                raise
            where = folder / error.where.relative_to(scratch)
            raise OutputError(
                error.found, where=where, needed=error.needed, hint=error.hint, cures=error.cures
            ) from error.__cause__
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)


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


def _move_into(scratch: Path, target: Path) -> None:
    for path in target.iterdir():
        if is_ours(path, target):
            continue
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for path in scratch.iterdir():
        path.replace(target / path.name)
