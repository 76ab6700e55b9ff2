"""Run folders: claimed before any work is done, and what every run notes down in one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

import yaml

from ddsp_match.core.files import check_folder, claimed, write_text

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

P = ParamSpec("P")
T = TypeVar("T")

# A folder with one of these is a run of ours, which `force` may replace; any other holds the user's own files.
# A run over many sounds is not among them: the fit of one sound must not take its place.
MARKS = ("report.html", "features.csv", "sweep.csv", "through.patch.safetensors")


def is_run(folder: Path) -> bool:
    """True if a folder is a run that may be replaced, because it can be made again."""
    return any((folder / mark).is_file() for mark in MARKS)


def claims_out(task: Callable[P, T]) -> Callable[P, T]:
    """Has a task with the keyword arguments ``out``, a run folder, and ``force`` claim its folder before it begins.

    Raises:
        OutputError: The folder holds something that must not be lost, another process is writing there, or nothing can
            be written there.
    """

    @functools.wraps(task)
    def claiming(*args: P.args, **kwargs: P.kwargs) -> T:
        out = cast("Any", kwargs.get("out"))
        if out is None:
            return task(*args, **kwargs)
        with claimed(Path(out)):
            check_folder(Path(out), force=bool(kwargs.get("force")), replaceable=is_run)
            return task(*args, **kwargs)

    return claiming


def write_config(path: Path, command: str, settings: DataclassInstance) -> None:
    """Writes the settings of a run as YAML, below the command line that asked for it, whole or not at all.

    Raises:
        OutputError: The disk is full or the place cannot be written to; what was there before stays.
    """
    write_text(path, f"# {command}\n" + yaml.safe_dump(asdict(settings), sort_keys=False))
