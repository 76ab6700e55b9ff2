"""A CSV file of sounds: a row a sound, its path in one column."""

from __future__ import annotations

import csv
import os
from pathlib import Path

from ddsp_match.core.errors import SoundError
from ddsp_match.datasets.item import Item, Listing
from ddsp_match.datasets.naming import safe, unique
from ddsp_match.datasets.scanning import shortened, twice_notes
from ddsp_match.dsp.notes import midi_number

NAME, FAMILY, PITCH = "name", "family", "pitch"
_HIGHEST_PITCH = 140.0  # MIDI; above it no sound file can hold the note


def csv_listing(source: Path, column: str, limit: int | None = None) -> Listing:
    """List the sounds that a CSV file names.

    Besides the column of paths it may have ``name`` (else the file's name counts), ``family`` and ``pitch`` (MIDI: 57,
    A3). Commas, semicolons or tabs part the columns.

    Args:
        source: The file, UTF-8.
        column: The column of paths; relative ones start at the CSV file.
        limit: Most sounds, the first rows; None: all.

    Raises:
        SoundError: It cannot be read, lacks the column, names no sound, or none that is there.
    """
    notes: list[str] = []
    base = source.resolve().parent
    items: list[Item] = []
    first: dict[str, str] = {}
    twice, empty, odd = [], [], []
    for line, row in _rows(source, column):
        text = (row.get(column) or "").strip()
        if not text:
            empty.append(str(line))
            continue
        path = Path(os.path.normpath(base / text))
        real = os.path.realpath(path)
        if real in first:
            twice.append((first[real], text))
            continue
        first[real] = text
        pitch = _pitch(row.get(PITCH))
        if pitch is None and (row.get(PITCH) or "").strip():
            odd.append(str(line))
        name = (row.get(NAME) or "").strip() or _name(path, base)
        items.append(Item(safe(name), path, (row.get(FAMILY) or "").strip(), pitch))
    if not items:
        raise SoundError("no row with a path", where=source, needed=f"paths of sounds in the column {column!r}")
    if not any(item.path.exists() for item in items):
        raise SoundError(
            f"{len(items)} paths, none of which is there (the first: {items[0].path})",
            where=source,
            needed="sound files; relative paths start at the CSV file's folder",
            hint="check the paths, or dataset.column if they are in another column",
        )
    if empty:
        notes.append(f"{len(empty)} rows of {source.name} name no sound (line {shortened(empty)})")
    if odd:
        notes.append(f"{len(odd)} pitches in {source.name} are no MIDI notes and are left out (line {shortened(odd)})")
    names = unique([item.name for item in items], [item.path.suffix for item in items])
    items = [Item(name, item.path, item.family, item.pitch_midi) for name, item in zip(names, items, strict=True)]
    return Listing(items[:limit], [*notes, *twice_notes(twice)])


def _rows(source: Path, column: str) -> list[tuple[int, dict[str, str | None]]]:
    """The rows with their line numbers."""
    if not source.is_file():
        raise SoundError("a device or a pipe", where=source, needed="a CSV file", hint="copying it to a file first")
    try:
        with source.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            delimiter = max(",;\t", key=head.count)
            names = next(csv.reader([head], delimiter=delimiter), [])
            names = [name.strip() for name in names]
            if column not in names:
                raise SoundError(
                    f"the columns {', '.join(names)}" if any(names) else "no columns",
                    where=source,
                    needed=f"a column {column!r} with the paths of the sounds",
                    hint="dataset.column=NAME, or a first line that names the columns",
                )
            reader = csv.reader(file, delimiter=delimiter)
            return [(reader.line_num + 1, dict(zip(names, row, strict=False))) for row in reader if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        text = (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
        raise SoundError(text, where=source, needed="a CSV file in UTF-8") from error


def _name(path: Path, base: Path) -> str:
    """The path without suffix from the CSV file on; the file's name alone where it lies elsewhere."""
    whole = path.with_suffix("")
    return whole.relative_to(base).as_posix() if whole.is_relative_to(base) else whole.name


def _pitch(text: str | None) -> float | None:
    value = midi_number(text or "")
    return value if 0 <= value <= _HIGHEST_PITCH else None
