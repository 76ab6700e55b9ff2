"""Refine f0 by the few cents that the phases of its own harmonics show.

The sound is demodulated at multiples of f0; how fast the phase of a demodulated harmonic still turns says how
far f0 is off. The turning is read from one window, as the ratio of the sound under the window's derivative to
the sound under the window (Auger and Flandrin, "Improving the readability of time-frequency and time-scale
representations by the reassignment method", 1995), so that no phase has to be unwrapped.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ddsp_match.analysis.contour import TRANSITION_OCTAVES, runs

HARMONICS = 8
PERIODS, SHORTEST_S, LONGEST_S = 6.0, 0.045, 0.24
LOPSIDED = 0.15  # centre of a frame's energy, in half windows, from which it is unusable: a note begins or ends
ROUNDS = 3
WEAK = 1e-5  # power relative to the strongest frame below which a frame is unusable
SMOOTHING = np.array([0.25, 0.75, 1.0, 0.75, 0.25])


def refine_f0(
    samples: np.ndarray, sample_rate: int, hop: int, f0_hz: np.ndarray, voiced: np.ndarray, max_cents: float
) -> np.ndarray:
    """f0 with its voiced frames corrected, nowhere by more than `max_cents`.

    Args:
        samples: ``(n,)``.
        sample_rate: In Hz.
        hop: Samples between frames; frame ``k`` is centred on sample ``k * hop``.
        f0_hz: ``(frames,)``, positive everywhere.
        voiced: ``(frames,)``: frames to correct.
        max_cents: The furthest that a frame may move.
    """
    refined = f0_hz.copy()
    notes = _notes(f0_hz, voiced)
    for _ in range(ROUNDS):
        # A correction is a mean over a window: it cannot remove what jitters faster, so that goes first.
        for start, stop in notes:
            refined[start:stop] = 2.0 ** _mean(np.log2(refined[start:stop]))
        turning, weight = _turning(samples, sample_rate, hop, refined, voiced)
        for start, stop in notes:
            part = slice(start, stop)
            total = _smoothed(weight[part])
            usable = np.flatnonzero(total > WEAK * weight.max(initial=0.0))
            if len(usable) == 0:
                continue
            correction_hz = _smoothed(turning[part])[usable] / total[usable]
            octaves = np.log2(1.0 + np.clip(correction_hz / refined[part][usable], -0.1, 0.1))
            # Frames without usable harmonics follow their neighbours.
            refined[part] *= 2.0 ** np.interp(np.arange(stop - start), usable, octaves)
        limit = 2.0 ** (max_cents / 1200.0)
        refined = np.clip(refined, f0_hz / limit, f0_hz * limit)
    return refined


def _notes(f0_hz: np.ndarray, voiced: np.ndarray) -> list[tuple[int, int]]:
    """Voiced stretches, cut where f0 jumps: smoothing must not reach across."""
    jumps = np.flatnonzero(np.abs(np.diff(np.log2(f0_hz))) > 1 / 12) + 1
    pieces = []
    for start, stop in runs(voiced):
        edges = [start, *jumps[(jumps > start) & (jumps < stop)].tolist(), stop]
        pieces += list(pairwise(edges))
    return pieces


def _smoothed(values: np.ndarray) -> np.ndarray:
    return np.convolve(values, SMOOTHING)[2:-2]


def _mean(values: np.ndarray) -> np.ndarray:
    """The weighted mean around each value; near the ends over as much as lies on both sides."""
    mean = _smoothed(values) / SMOOTHING.sum()
    if len(values) < len(SMOOTHING):
        return values
    for edge, step in ((0, 1), (len(values) - 1, -1)):
        mean[edge] = values[edge]
        mean[edge + step] = (
            values[[edge, edge + step, edge + 2 * step]] @ SMOOTHING[1:4] / SMOOTHING[1:4].sum()
        )
    return mean


def _turning(
    samples: np.ndarray, sample_rate: int, hop: int, f0_hz: np.ndarray, voiced: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the error of each frame's f0 in Hz by its harmonics, times their weight, and the weight."""
    from ddsp_match.analysis import refine_kernels as kernels

    length = (len(f0_hz) - 1) * hop + 1
    carrier = np.empty((HARMONICS, 2, length), dtype=np.float32)
    kernels.carriers(f0_hz, hop, sample_rate, TRANSITION_OCTAVES, carrier)
    padded = np.zeros(length, dtype=np.float32)
    padded[: len(samples)] = samples[:length]

    frames = np.flatnonzero(voiced)
    radius = np.clip(PERIODS / f0_hz[frames], SHORTEST_S, LONGEST_S) * sample_rate / 2
    sums, centre = np.empty((len(frames), HARMONICS, 4), dtype=np.float32), np.empty(len(frames))
    kernels.demodulate(padded, carrier, frames * hop, radius, sums, centre)
    parts = sums.astype(np.float64)
    value, change = parts[..., 0] + 1j * parts[..., 1], parts[..., 2] + 1j * parts[..., 3]
    change *= sample_rate / radius[:, None]

    harmonic = np.arange(1, HARMONICS + 1)
    power = np.abs(value / radius[:, None]) ** 2
    off_hz = -(change * value.conj()).imag / np.maximum(np.abs(value) ** 2, 1e-30) / (2 * np.pi)
    # Low partials weigh more than least squares would have it: in stiff strings the high ones are sharp.
    partial_hz = harmonic * f0_hz[frames, None]
    counts = (partial_hz < 0.45 * sample_rate) & (np.abs(off_hz) < 0.05 * partial_hz)
    balance = np.maximum(1.0 - np.abs(centre) / LOPSIDED, 0.0)
    share = np.where(counts, balance[:, None] * power * harmonic, 0.0)
    turning, weight = np.zeros(len(f0_hz)), np.zeros(len(f0_hz))
    turning[frames] = (share * off_hz / harmonic).sum(1)
    weight[frames] = share.sum(1)
    return turning, weight
