"""What of a set is on this disk already, found out fast."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ddsp_match.download import clips
from ddsp_match.download.sets import DataSet

RECORD = ".fetched.json"
LOOKED_INTO = 64  # clips whose header is read where the set was not unpacked by us


@dataclass(frozen=True)
class Here:
    """What there is of a set below a folder.

    Attributes:
        folder: Where the set lies, or would.
        archive: Where its archive lies, or would.
        clips: How many WAV files there are.
        fault: Why they are not the set, as a clause; "" if they are, or if nothing is there.
        downloaded_bytes: Of an archive, or of an unfinished one.
        record: What we wrote down when we unpacked it.
    """

    folder: Path
    archive: Path
    clips: int = 0
    fault: str = ""
    downloaded_bytes: int = 0
    record: dict[str, Any] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether the set is there, complete."""
        return self.clips > 0 and not self.fault

    @property
    def audio(self) -> Path:
        """Where its clips lie."""
        return self.folder / "audio"


def part_of(archive: Path) -> Path:
    """Return the name of an unfinished archive."""
    return archive.with_name(f"{archive.name}.part")


def look(data_set: DataSet, below: Path) -> Here:
    """Return what there is of a set below a folder: names and lengths are looked at, not every sample."""
    folder, archive = below / data_set.name, below / data_set.archive_name
    sizes = [path.stat().st_size for path in (archive, part_of(archive)) if path.is_file()]
    downloaded = max(sizes, default=0)
    if not folder.exists():
        return Here(folder, archive, downloaded_bytes=downloaded)
    found, fault = _clips(folder / "audio", data_set)
    record = _record(folder)
    if not fault and not record:
        step = max(1, len(found) // LOOKED_INTO)
        faults = ((name, clips.fault_of_file(folder / "audio" / name, data_set)) for name in found[::step])
        fault = next((f"{name}, {text}" for name, text in faults if text), "")
    return Here(folder, archive, len(found), fault, downloaded, record)


def _clips(audio: Path, data_set: DataSet) -> tuple[list[str], str]:
    """Return the names of the clips, and what is wrong with them."""
    found, short = [], ""
    try:
        with os.scandir(audio) as entries:
            for entry in entries:
                if entry.name.endswith(".wav") and entry.is_file():
                    found.append(entry.name)
                    if entry.stat().st_size < data_set.clip_bytes:
                        short = short or f"{entry.name}, which is cut short"
    except OSError:
        return [], "no folder audio/"
    fault = f"{len(found):,} of {data_set.clips:,} clips" if len(found) != data_set.clips else short
    return sorted(found), fault


def _record(folder: Path) -> dict[str, Any]:
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
