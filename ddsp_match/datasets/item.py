"""One sound of many: where it lies and what it is called."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Item:
    """A sound that is to be fitted.

    Attributes:
        name: Unique within its listing, and a relative path that is safe to make folders of: ``strings/violin-a4``.
        path: The sound file, absolute.
        family: What it is grouped by in tables: NSynth's instrument family, a CSV's column, or the folder it lies in.
        pitch_midi: MIDI note it is known to sound, if it is.
    """

    name: str
    path: Path
    family: str = ""
    pitch_midi: float | None = None


@dataclass(frozen=True)
class Listing:
    """The sounds of a listing, and remarks for the user on them (left out, named twice)."""

    items: list[Item]
    notes: list[str] = field(default_factory=list)
