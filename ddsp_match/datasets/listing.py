"""The list of sounds that a folder, a table or files name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ddsp_match.core.errors import SoundError
from ddsp_match.core.settings.many import DatasetSettings
from ddsp_match.datasets.folder import files_listing, folder_listing
from ddsp_match.datasets.item import Listing
from ddsp_match.datasets.nsynth import is_nsynth, nsynth_listing
from ddsp_match.datasets.table import csv_listing


def listing(source: Path | Sequence[Path], settings: DatasetSettings, limit: int | None = None) -> Listing:
    """List the sounds that a folder, NSynth, a CSV file or a list of files names; no sound is opened.

    Args:
        source: A folder, a CSV file, or sound files one by one.
        settings: Of which kind it is, or ``auto``.
        limit: Most sounds, the first in their order; None: all.

    Returns:
        The sounds in an order that stays, each file once, and notes on what was left out.

    Raises:
        SoundError: Nothing is there, or none of it is a sound.
    """
    if not isinstance(source, Path):
        return files_listing(source, limit)
    if not source.exists():
        raise SoundError("nothing of that name", where=source, needed="a folder, a CSV file or sound files")
    kind = settings.kind
    if kind == "auto":
        kind = "csv" if not source.is_dir() else "nsynth" if is_nsynth(source) else "folder"
    if kind == "csv":
        if source.is_dir():
            raise SoundError("a folder", where=source, needed="a CSV file", hint="dataset=folder")
        return csv_listing(source, settings.column, limit)
    if not source.is_dir():
        raise SoundError("a file", where=source, needed="a folder", hint="dataset=csv for a CSV file")
    return nsynth_listing(source, limit) if kind == "nsynth" else folder_listing(source, limit)
