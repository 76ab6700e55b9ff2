# ruff: noqa: D103 — what each does stands in `kinds.EDITS`
"""The functions of the edits, under the edits' names: from a patch and checked values to its new controls."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from ddsp_match.core.controls import Controls
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.timebase import Timebase
from ddsp_match.edits import pitch, time, tone
from ddsp_match.edits.stems import parts_of, separated_controls
from ddsp_match.patch import Patch

Values = Mapping[str, Any]


def transpose(patch: Patch, values: Values) -> Controls:
    return pitch.transpose(patch.controls, patch.timebase, values["semitones"], values["formant"])


def f0_depth(patch: Patch, values: Values) -> Controls:
    return pitch.contour(patch.controls, patch.timebase, values["depth"])


def vibrato(patch: Patch, values: Values) -> Controls:
    return pitch.vibrato(patch.controls, patch.timebase, values["rate_hz"], values["depth_cents"], values["delay_s"])


def brightness(patch: Patch, values: Values) -> Controls:
    return tone.brightness(patch.controls, values["db_per_octave"], patch.timebase)


def odd_even(patch: Patch, values: Values) -> Controls:
    return tone.odd_even(patch.controls, values["db"])


def harmonic(patch: Patch, values: Values) -> Controls:
    return tone.levels(*parts_of(patch), harmonic_db=values["db"])


def noise(patch: Patch, values: Values) -> Controls:
    return tone.levels(*parts_of(patch), noise_db=values["db"])


def fade_in(patch: Patch, values: Values) -> Controls:
    return time.fade(patch.controls, patch.timebase, in_s=values["seconds"], curve=values["curve"])


def fade_out(patch: Patch, values: Values) -> Controls:
    return time.fade(patch.controls, patch.timebase, out_s=values["seconds"], curve=values["curve"])


def f0_curve(patch: Patch, values: Values) -> Controls:
    controls, timebase = patch.controls, patch.timebase
    times_s, f0_hz = (np.array(values[name]) for name in ("times_s", "f0_hz"))
    if len(times_s) != len(f0_hz) or not (f0_hz > 0).any() or (np.diff(times_s) <= 0).any():
        raise ConfigError(
            f"{len(times_s)} times and {len(f0_hz)} frequencies",
            where="f0_curve",
            needed="as many of one as of the other, times that grow, and an f0 somewhere",
        )
    voiced = f0_hz > 0  # where nothing is voiced f0 goes straight on to where something is
    wanted_s = np.arange(controls.n_frames) / timebase.frame_rate
    octaves = np.interp(wanted_s, times_s[voiced], np.log2(f0_hz[voiced]))
    return pitch.replace_f0(controls, timebase, torch.from_numpy(2.0**octaves).to(controls.f0_hz))


def f0(patch: Patch, values: Values) -> Controls:
    controls, timebase = patch.controls, patch.timebase
    return pitch.replace_f0(controls, timebase, torch.full_like(controls.f0_hz[0], float(values["hz"])))


def _covering(seconds: float, timebase: Timebase) -> float:
    """The end of the frame in which a length ends, so that there is enough to cut it from."""
    return math.ceil(seconds * timebase.frame_rate - 1e-6) / timebase.frame_rate


def stretch(patch: Patch, values: Values) -> Controls:
    controls, timebase = patch.controls, patch.timebase
    last = controls.n_frames - 1
    factor = math.ceil(last * values["factor"] - 1e-6) / max(1, last)
    return time.stretch(controls, timebase, factor, separated_controls(patch))


def hold(patch: Patch, values: Values) -> Controls:
    controls, timebase = patch.controls, patch.timebase
    return time.hold(controls, timebase, _covering(values["seconds"], timebase))


def freeze(patch: Patch, values: Values) -> Controls:
    controls, timebase = patch.controls, patch.timebase
    seconds = values["seconds"]
    return time.freeze(controls, timebase, values["at_s"], None if seconds is None else _covering(seconds, timebase))


def trim(patch: Patch, values: Values) -> Controls:
    controls, timebase = patch.controls, patch.timebase
    start_s, stop_s = values["start_s"], values["stop_s"]
    if stop_s is None:
        return time.trim(controls, timebase, start_s)
    first_s = timebase.frame_at(start_s) / timebase.frame_rate
    return time.trim(controls, timebase, start_s, first_s + _covering(stop_s - start_s, timebase))
