"""A patch as tables for spreadsheets, and as JSON for other programs."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.edits.curves import FLOOR_DB, curves, midi_of, partial_hz, partial_power
from ddsp_match.edits.stems import stem_levels_db
from ddsp_match.effects.rack import Rack
from ddsp_match.models.frames import Frames, Track
from ddsp_match.patch import Patch
from ddsp_match.runs.store.as_json import dumps

FRAME_COLUMNS = ("time_s", "f0_hz", "midi", "pitched", "harmonic_db", "noise_db", "loudness_db", "centroid_hz")
FORMAT, VERSION = "ddsp-match controls", 1
# What each key of the JSON means: written into the file itself, so that it explains itself.
KEYS = {
    "sample_rate": "samples a second, in Hz",
    "hop": "samples between two frames: frame k is centred on sample k * hop",
    "n_samples": "length of the sound in samples, a channel",
    "divisions": "partial k (from 1) sounds at k / divisions times f0: with 1 the partials are the harmonics",
    "f0_hz": "fundamental frequency in Hz: [channel][frame]",
    "amplitude": "sum of the amplitudes of all partials, 1 is full scale: [channel][frame]",
    "distribution": "share of each partial in that sum: [channel][partial][frame]",
    "phases": "phase in radians of each partial, on top of k / divisions times the running phase of f0: "
    "[channel][partial][frame]; null where all are 0. A partial is amplitude * sin(...); between frames the complex "
    "amplitudes are interpolated linearly",
    "noise": "gain of white noise (standard deviation 1) at evenly spaced frequencies from 0 Hz to half the sample "
    "rate: [channel][band][frame]",
    "noise_seed": "seed of that noise",
    "phase": "how phases were kept: tracked, static or zero",
    "pitch_hz": "the note the sound is heard at, in Hz; null for a sound without a pitch",
    "grid": "what the partials are multiples of: f0, the pitch itself, or steady, frequencies that say nothing of it",
    "offset": "constant added to each channel",
    "effects": "what the sound goes through: chain, knobs, and the sample rate they were found at; null for nothing",
    "frames": "the timbre frames that the controls above are made of: curves of straight lines between knots. A "
    "row of values is a harmonic (those between two take a share of each) or a noise band; null where there are none",
    "provenance": "where the patch came from, and the edits it has seen",
}


def export_csv(patch: Patch, out: Path, *, every: int = 1) -> list[Path]:
    """Writes tables: f0 and levels of every frame, frequency and level of every partial, and the timbre frames, if any.

    Args:
        patch: What to write.
        out: The first table; the others go beside it, as ``NAME.partials.csv`` and ``NAME.frames.csv``.
        every: Only each N-th frame of the first two.

    Returns:
        The files.
    """
    tables = {out: frame_rows(patch, every)}
    tables[out.with_name(f"{out.stem}.partials.csv")] = partial_rows(patch.controls, patch.timebase, every)
    if patch.frames is not None:
        tables[out.with_name(f"{out.stem}.frames.csv")] = knot_rows(patch.frames, patch.timebase)
    for path, rows in tables.items():
        _write(path, rows)
    return list(tables)


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
        "frames": None if patch.frames is None else _stored(patch.frames, patch.timebase),
        "provenance": json.loads(dumps(patch.provenance)),
    }
    content = document(patch.controls, patch.timebase, patch.n_samples, more)
    # One key a line: a person who opens it sees what there is.
    lines = [f" {json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in content.items()]
    out.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return [out]


def _rack(rack: Rack) -> dict[str, Any]:
    return {
        "chain": rack.spec,
        "knobs": {name: value.tolist() for name, value in rack.knobs.items()},
        "sample_rate": rack.sample_rate,
        "polarity": rack.polarity,
    }


def frame_rows(patch: Patch, every: int = 1) -> Iterator[list[str]]:
    """One row for each `every`-th frame, the columns of `FRAME_COLUMNS` first."""
    controls, timebase = patch.controls, patch.timebase
    series = curves(controls, timebase)
    harmonic_db, noise_db = stem_levels_db(patch)
    yield list(FRAME_COLUMNS)
    times_s = timebase.times(controls.n_frames)
    midi = midi_of(series.f0_hz)
    for k in range(0, controls.n_frames, every):
        yield [
            f"{times_s[k]:.5f}",
            f"{series.f0_hz[k]:.4f}",
            f"{midi[k]:.4f}",
            f"{series.pitched[k]:.3f}",
            f"{harmonic_db[k]:.2f}",
            f"{noise_db[k]:.2f}",
            f"{series.loudness_db[k]:.2f}",
            f"{series.centroid_hz[k]:.1f}",
        ]


def partial_rows(controls: Controls, timebase: Timebase, every: int = 1) -> Iterator[list[str]]:
    """One row for each `every`-th frame and channel: time, channel, then frequency and level of every partial.

    The columns of a partial end in its place among the harmonics: ``hz_3`` belongs to the third, and where there are
    partials between, ``hz_2.4`` to one of them. The level is that of a root mean square, as in the other table.
    """
    names = [f"{k / controls.divisions:.4g}" for k in range(1, controls.n_partials + 1)]
    yield ["time_s", "channel", *(f"{what}_{name}" for name in names for what in ("hz", "db"))]
    hz = partial_hz(controls)
    level_db = 10 * torch.log10(partial_power(controls, timebase).clamp_min(10 ** (FLOOR_DB / 10)))
    times_s = timebase.times(controls.n_frames)
    for k in range(0, controls.n_frames, every):
        for channel in range(len(hz)):
            pairs = torch.stack([hz[channel, :, k], level_db[channel, :, k]], 1).tolist()
            cells = [text for one, db in pairs for text in (f"{one:.2f}", f"{db:.2f}")]
            yield [f"{times_s[k]:.5f}", str(channel + 1), *cells]


def _curves(frames: Frames) -> Iterator[tuple[int, str, list[float], Track]]:
    """The stored curves: channel from 1 (0 for all), name with unit, harmonic or band of each row, and the curve."""
    every = (frames.partials / frames.divisions).tolist()
    yield 0, "f0_cents", [0], frames.f0
    for channel, voice in enumerate(frames.voices, 1):
        yield channel, "tone_db", (frames.centres / frames.divisions).tolist(), voice.tone
        yield channel, "tone_level_db", [0], voice.tone_level
        yield channel, "offset_db", every, Track(torch.zeros(1, dtype=torch.int64), voice.offset_db.unsqueeze(1))
        yield channel, "phase_rad", every, voice.phase
        yield channel, "noise_db", list(range(1, 1 + len(voice.noise.values))), voice.noise
        yield channel, "noise_level_db", [0], voice.noise_level


def knot_rows(frames: Frames, timebase: Timebase) -> Iterator[list[str]]:
    """One row for each number of timbre frames: a knot of a curve, of one harmonic or noise band (0: of all)."""
    yield ["channel", "curve", "harmonic_or_band", "time_s", "value"]
    times_s = timebase.times(frames.n_frames)
    for channel, name, owners, track in _curves(frames):
        for owner, row in zip(owners, track.values.tolist(), strict=False):
            for time, value in zip(track.times.tolist(), row, strict=True):
                yield [str(channel), name, f"{owner:.6g}", f"{times_s[time]:.5f}", f"{value:.8g}"]


def _stored(frames: Frames, timebase: Timebase) -> list[dict[str, Any]]:
    times_s = timebase.times(frames.n_frames)
    return [
        {
            "channel": channel,
            "curve": name,
            "harmonic_or_band": [float(f"{owner:.6g}") for owner in owners],
            "times_s": [round(float(times_s[time]), 5) for time in track.times.tolist()],
            "values": _numbers(track.values, 8),
        }
        for channel, name, owners, track in _curves(frames)
    ]


def document(controls: Controls, timebase: Timebase, n_samples: int, more: Mapping[str, Any]) -> dict[str, Any]:
    """Everything as plain data that `controls_of` reads back to the same bits that a patch file holds.

    Args:
        controls: What is played.
        timebase: Its frames.
        n_samples: Length of the sound in samples.
        more: The rest of `KEYS`.
    """
    return {
        "format": FORMAT,
        "version": VERSION,
        "keys": KEYS,
        "sample_rate": timebase.sample_rate,
        "hop": timebase.hop,
        "n_samples": n_samples,
        "divisions": controls.divisions,
        **more,
        "f0_hz": _numbers(controls.f0_hz, 9),
        "amplitude": _numbers(controls.amplitude, 9),
        "distribution": _numbers(controls.distribution, 5),
        "phases": None if controls.phases is None else _numbers(controls.phases, 5),
        "noise": _numbers(controls.noise, 5),
    }


def controls_of(content: Mapping[str, Any]) -> tuple[Controls, Timebase, int]:
    """Read back what `document` was given: controls, frames and length.

    Raises:
        ValueError: It is no such document, or one of a later version.
    """
    if content.get("format") != FORMAT or content.get("version") != VERSION:
        found = f"{content.get('format')!r} version {content.get('version')!r}"
        raise ValueError(f"{found}, not {FORMAT!r} version {VERSION}")
    tensors = {name: _tensor(content[name]) for name in ("f0_hz", "amplitude", "distribution", "noise", "phases")}
    for name in ("distribution", "phases"):  # five digits name a float16
        value = tensors[name]
        tensors[name] = None if value is None else value.half().float()
    phases = tensors.pop("phases")
    tensors_given = {name: value for name, value in tensors.items() if value is not None}
    controls = Controls(**tensors_given, phases=phases, divisions=int(content["divisions"]))
    return controls, Timebase(int(content["sample_rate"]), int(content["hop"])), int(content["n_samples"])


def _numbers(values: torch.Tensor, digits: int) -> list[Any]:
    """Nested lists of numbers of so many significant digits: 9 tell any two float32 apart, 5 any two float16."""
    if values.ndim > 1:
        return [_numbers(part, digits) for part in values]
    short = (float(f"{value:.{digits}g}") for value in values.tolist())
    return [int(value) if value == int(value) else value for value in short]


def _tensor(values: Sequence[Any] | None) -> torch.Tensor | None:
    return None if values is None else torch.tensor(values, dtype=torch.float32)
