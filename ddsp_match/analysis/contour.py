"""Shape an f0 contour: mask voiced frames, fill the gaps, interpolate between frames."""

from __future__ import annotations

import numpy as np

SHORTEST_VOICED_FRAMES = 4
QUIETEST_DB, RANGE_DB = -90.0, 50.0  # absolute, and below the loudest frame
NO_PITCH_HZ = 100.0
TRANSITION_OCTAVES = 1 / 12  # pitches further apart than a semitone are two notes, with nothing between them


def runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """Return the stretches ``(start, stop)`` in which a mask is true."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return list(zip(edges[0::2].tolist(), edges[1::2].tolist(), strict=True))


def voiced_frames(
    periodicity: np.ndarray, level_db: np.ndarray, threshold: float, shortest: int = SHORTEST_VOICED_FRAMES
) -> np.ndarray:
    """Mask the frames that are periodic and audible, for at least a few frames on end.

    Args:
        periodicity: ``(frames,)``, 0 to 1.
        level_db: ``(frames,)``: level of the strongest partial, relative to full scale.
        threshold: Periodicity from which a frame is periodic.
        shortest: Frames on end that make a pitch.
    """
    audible = level_db > max(level_db.max(initial=-np.inf) - RANGE_DB, QUIETEST_DB)
    voiced = (periodicity >= threshold) & audible
    for start, stop in runs(voiced):
        if stop - start < shortest:
            voiced[start:stop] = False
    return voiced


def filled(f0_hz: np.ndarray, voiced: np.ndarray) -> np.ndarray:
    """Return f0 with unvoiced frames interpolated in log-frequency, the ends held; a constant if all are."""
    if not voiced.any():
        return np.full(len(f0_hz), NO_PITCH_HZ)
    frames = np.arange(len(f0_hz))
    return 2.0 ** np.interp(frames, frames[voiced], np.log2(f0_hz[voiced]))


def at_times(f0_hz: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return f0 between frames: interpolated in log-frequency, but the nearer one where two notes meet.

    Args:
        f0_hz: ``(frames,)``, positive.
        positions: Where to read it, in frames; the ends are held.
    """
    grid = np.arange(len(f0_hz))
    octaves = np.log2(f0_hz)
    nearest = octaves[np.clip(np.floor(positions + 0.5).astype(int), 0, len(grid) - 1)]
    between = np.interp(positions, grid, octaves)
    lower = np.clip(np.floor(positions).astype(int), 0, len(grid) - 1)
    step = np.abs(octaves[np.minimum(lower + 1, len(grid) - 1)] - octaves[lower])
    return 2.0 ** np.where(step > TRANSITION_OCTAVES, nearest, between)
