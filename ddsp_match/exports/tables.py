"""A patch as tables, and as JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ddsp_match.core.errors import ConfigError
from ddsp_match.effects.rack import Rack
from ddsp_match.exports.formats import tables
from ddsp_match.patch import Patch
from ddsp_match.runs.store.as_json import dumps


def export_csv(patch: Patch, out: Path, *, every: int = 1) -> list[Path]:
    """Writes two tables: f0 and levels of every frame, and frequency and level of every partial.

    Args:
        patch: What to write.
        out: The first table; the second goes beside it, as ``NAME.partials.csv``.
        every: Only each so-manieth frame.

    Returns:
        Both files.

    Raises:
        ConfigError: `every` is less than 1.
    """
    if every < 1:
        raise ConfigError(f"every {every}", where="export to csv", needed="a whole number of frames, 1 or more")
    beside = out.with_name(f"{out.stem}.partials.csv")
    _write(out, tables.frame_rows(patch.controls, patch.timebase, every))
    _write(beside, tables.partial_rows(patch.controls, patch.timebase, every))
    return [out, beside]


def _write(path: Path, rows: Iterable[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def export_json(patch: Patch, out: Path) -> list[Path]:
    """Writes everything in a patch as JSON, whose ``keys`` explain the others."""
    more = {
        "noise_seed": patch.noise_seed,
        "phase": patch.phase,
        "pitch_hz": patch.pitch_hz,
        "grid": patch.grid,
        "offset": list(patch.offset),
        "effects": None if patch.effects is None else _rack(patch.effects),
        "provenance": json.loads(dumps(patch.provenance)),
    }
    found = tables.document(patch.controls, patch.timebase, patch.n_samples, more)
    # One key a line: a person who opens it sees what there is.
    lines = [f" {json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in found.items()]
    out.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return [out]


def _rack(rack: Rack) -> dict[str, Any]:
    return {
        "chain": rack.spec,
        "knobs": {name: value.tolist() for name, value in rack.knobs.items()},
        "sample_rate": rack.sample_rate,
        "polarity": rack.polarity,
    }
