"""Where results go: nothing is overwritten unasked, and a run folder is written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from ddsp_match.errors import OutputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# A folder with one of these is a run of ours, which --force may replace; any other is somebody's work.
# A run over many sounds is not among them: the fit of one sound must not take its place.
MARKS = ("report.html", "features.csv", "sweep.csv", "through.patch.safetensors")


def check_free(folder: Path, *, force: bool) -> None:
    """Refuses, before any work is done, a folder that could not be written in the end. Leaves no trace.

    Raises:
        OutputError: The folder exists and is not empty and `force` is not given, or it is no run of ours, or nothing
            can be written there.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError("a file of that name", where=folder, needed="a folder to write to", hint="another -o")
    if folder.is_dir() and any(folder.iterdir()):
        if not force:
            raise OutputError(
                "a folder with files in it",
                where=folder,
                needed="a new or empty folder, so that nothing is overwritten",
                hint="--force to replace it, or another -o",
            )
        if not any((folder / mark).exists() for mark in MARKS):
            raise OutputError(
                "a folder that is no run of ddsp-match",
                where=folder,
                needed="a new folder, or a run that --force may replace",
                hint="another -o",
            )
    near = next(parent for parent in folder.absolute().parents if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=near) as probe:
            probe.write(b"\0" * 4096)
    except OSError as error:
        raise _refused(folder, error) from error


def check_new(path: Path, *, force: bool, anywhere: bool = False) -> None:
    """Refuses, before any work is done, the name of a file that exists, or that lies in a folder that does not.

    Args:
        path: Of the file.
        force: Whether one that exists may be replaced.
        anywhere: Whether its folder will be made.

    Raises:
        OutputError: It exists and `force` is not given, or there is no such folder.
    """
    if not anywhere and not path.absolute().parent.is_dir():
        raise OutputError(
            f"no folder {path.parent}", where=path, needed="a folder that is there", hint=f"mkdir -p {path.parent}"
        )
    if path.exists() and not force:
        raise OutputError(
            "a file of that name", where=path, needed="a new name", hint="--force to replace it, or another -o"
        )


@contextlib.contextmanager
def written_whole(folder: Path) -> Iterator[Path]:
    """A scratch folder beside `folder` that takes its place when the block ends well, and vanishes when it does not.

    Raises:
        OutputError: The disk is full or the place cannot be written to; what was there before stays.
    """
    folder = folder.absolute()
    scratch = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    try:
        scratch.mkdir(parents=True)
        yield scratch
        if folder.exists():
            folder.replace(old)
        scratch.replace(folder)
    except OSError as error:
        if old.exists() and not folder.exists():
            old.replace(folder)
        raise _refused(folder, error) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def write_config(path: Path, command: str, settings: DataclassInstance) -> None:
    """Writes the settings of a run as YAML, below the command line that asked for it, whole or not at all.

    Raises:
        OutputError: The disk is full or the place cannot be written to; what was there before stays.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(f"# {command}\n" + yaml.safe_dump(asdict(settings), sort_keys=False), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise _refused(path.parent, error) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _refused(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        (error.strerror or str(error)).lower(),
        where=folder,
        needed="a place that can be written to, with some megabytes free",
        hint="another folder with -o",
    )
