"""The curves of the page as short lists of numbers: thinned out so that no sound makes them long."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch

from ddsp_match.core.features import Features
from ddsp_match.dsp.erb import edges_hz
from ddsp_match.edits.stems import stem_levels_db
from ddsp_match.fitting.optimise import Trace
from ddsp_match.patch import Patch
from ddsp_match.report.pictures import pool

MAX_POINTS, MAX_MOMENTS = 1000, 300
FLOOR_DB = -120.0


def _rounded(values: np.ndarray, digits: int) -> list[float]:
    """Plain numbers with no more digits than a screen shows."""
    return [round(float(value), digits) for value in values]


def _level_db(amplitude: np.ndarray) -> np.ndarray:
    return 20 * np.log10(np.maximum(amplitude, 10 ** (FLOOR_DB / 20)))


def feature_series(features: Features, frame_s: float) -> dict[str, list]:
    """f0 and what is known about it, for the first channel (all channels share one f0).

    Where frames are gathered, f0 is that of the middle frame, never a mean across a jump, and one frame in
    doubt marks the group.

    Args:
        features: f0, periodicity and loudness.
        frame_s: Seconds between frames.

    Returns:
        Lists of equal length: ``time_s``, ``f0_hz``, ``periodicity``, ``voiced``, ``doubt``.
    """
    f0_hz = features.f0_hz[0].numpy()
    size = max(1, -(-len(f0_hz) // MAX_POINTS))
    starts = np.arange(0, len(f0_hz), size)
    middles = np.minimum(starts + (size - 1) // 2, len(f0_hz) - 1)
    periodicity, _ = pool(features.periodicity[0].numpy(), MAX_POINTS)
    return {
        "time_s": _rounded(middles * frame_s, 4),
        "f0_hz": _rounded(f0_hz[middles], 2),
        "periodicity": _rounded(periodicity, 3),
        "voiced": features.voiced[0].numpy()[middles].astype(int).tolist(),
        "doubt": np.maximum.reduceat(features.doubt[0].numpy().astype(int), starts).tolist(),
    }


def level_series(patch: Patch) -> dict[str, list[float]]:
    """The levels of both stems over time in dB, power averaged over channels.

    Returns:
        Lists of equal length: ``time_s``, ``harmonic_db`` and ``noise_db``, the RMS of either stem.
    """
    frame_s = patch.timebase.hop / patch.timebase.sample_rate
    amplitudes = [10 ** (level.numpy() / 20) for level in stem_levels_db(patch)]
    (harmonic, size), (noise, _) = (pool(amplitude, MAX_POINTS) for amplitude in amplitudes)
    return {
        "time_s": _rounded((np.arange(len(harmonic)) + 0.5) * size * frame_s - 0.5 * frame_s, 4),
        "harmonic_db": _rounded(_level_db(harmonic), 2),
        "noise_db": _rounded(_level_db(noise), 2),
    }


def timbre_series(patch: Patch) -> dict[str, list] | None:
    """The timbre frames: what sounds at each moment at which the timbre of the tone or of the noise has a knot.

    Levels are those of a sine of the same power, 0 dB at full scale, power averaged over channels.

    Returns:
        ``tone_s`` and ``noise_s``, the times of the knots; ``time_s``, ``f0_hz``, ``tone_db`` and ``noise_db``, a row a
        moment; ``harmonic`` of each partial and ``edges_hz`` of the noise bands. None where the patch has no frames.
    """
    frames, timebase = patch.frames, patch.timebase
    if frames is None:
        return None
    voices, names = frames.voices, ("tone", "noise")
    knots = {name: sorted({int(t) for voice in voices for t in getattr(voice, name).times}) for name in names}
    moments = sorted({*knots["tone"], *knots["noise"]})
    moments = moments[:: -(-len(moments) // MAX_MOMENTS)]
    size = patch.controls.partial_amplitudes[:, frames.partials - 1][..., moments]
    length = frames.n_frames
    noise_db = torch.stack([voice.noise.curve(length) + voice.noise_level.curve(length) for voice in voices])
    edges = edges_hz(noise_db.shape[1], frames.nyquist_hz).numpy() if frames.n_bands else np.zeros(0)
    widths = np.diff(edges)[:, None] / frames.nyquist_hz
    power = 2 * widths * (10 ** (noise_db[..., moments] / 10)).mean(0).numpy()
    at_s = np.asarray(timebase.times(length))
    return {
        **{f"{name}_s": _rounded(at_s[times], 3) for name, times in knots.items()},
        "time_s": _rounded(at_s[moments], 3),
        "f0_hz": _rounded(frames.f0_hz[0, moments].numpy(), 2),
        "harmonic": _rounded(frames.partials.numpy() / frames.divisions, 3),
        "edges_hz": _rounded(edges, 1),
        "tone_db": [_rounded(row, 0) for row in _level_db(size.square().mean(0).sqrt().numpy()).T],
        "noise_db": [_rounded(row, 0) for row in _level_db(np.sqrt(power)).T],
    }


def loss_series(trace: Trace) -> dict[str, list[float]]:
    """The loss curve, with points spaced evenly on a logarithmic axis, first and last kept.

    Points that are not finite or not positive cannot stand on a logarithmic axis and are left out.
    """
    steps = rising(trace.steps)
    keep = thinned([i for i, value in enumerate(trace.loss) if math.isfinite(value) and value > 0], MAX_POINTS)

    def pick(values: Sequence[float], digits: int) -> list[float]:
        return [round(float(values[i]), digits) for i in keep]

    return {"step": pick(steps, 0), "loss": pick(trace.loss, 5), "best": pick(trace.best, 5)}


def rising(steps: Sequence[int]) -> list[int]:
    """Step numbers; of several runs one after the other a running number, which stands for the step."""
    starts_anew = any(later <= earlier for earlier, later in pairwise(steps))
    return list(range(len(steps))) if starts_anew else list(steps)


def thinned(indices: Sequence[int], most: int) -> list[int]:
    """At most so many of them, evenly spaced on a logarithmic axis, first and last kept."""
    if len(indices) <= most:
        return list(indices)
    spaced = np.geomspace(1, len(indices), most).round().astype(int) - 1
    return [indices[i] for i in sorted(set(spaced.tolist()))]
