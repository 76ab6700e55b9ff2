"""The partials of a sound, frame by frame, on a logarithmic frequency axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WINDOW_S = 0.2
CELL_CENTS = 10.0
FIRST_HZ = 20.0
RANGE_DB = 60.0  # partials further below the strongest of their frame do not count
PROMINENCE_DB = 8.0  # … nor do those that rise less above what surrounds them
COMPRESSION = .6  # exponent of the amplitude: weak partials speak, but do not shout
KNEE_HZ, SLOPE = 500.0, 0.5  # above the knee (or the strongest partial) higher partials count less
FLOOR_WIDTH_HZ = 150.0
SPREAD_CENTS = 20.0  # a partial counts for harmonics this far away


@dataclass(frozen=True)
class PartialMap:
    """How strong the partials near each pitch are.

    Attributes:
        strength: ``(frames, cells)``: a partial's compressed amplitude relative to the strongest one of the frame,
            in the cells that it may belong to; 0 where there is none.
        total: ``(frames,)``: the sum over all partials.
        level_db: ``(frames,)``: the level of the strongest partial.
        tonality: ``(frames,)``: the share of the frame's power that lies in partials.
    """

    strength: np.ndarray
    total: np.ndarray
    level_db: np.ndarray
    tonality: np.ndarray


def cell_of(hz: np.ndarray | float) -> np.ndarray:
    """The (fractional) cell of a frequency."""
    return 1200.0 / CELL_CENTS * np.log2(np.asarray(hz) / FIRST_HZ)


def partial_map(samples: np.ndarray, sample_rate: int, centres: np.ndarray) -> PartialMap:
    """Finds the partials around the given samples.

    Args:
        samples: ``(n,)``.
        sample_rate: In Hz.
        centres: Samples at which the frames are centred.
    """
    length = round(WINDOW_S * sample_rate)
    size = 1 << int(np.ceil(np.log2(1.5 * length)))
    window = np.hanning(length + 2)[1:-1]
    window = (2 * window / window.sum()).astype(np.float32)
    padded = np.pad(samples.astype(np.float32), (length // 2, length))
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[centres] * window
    magnitude = np.abs(np.fft.rfft(frames, size, axis=1)).astype(np.float32) + 1e-9
    bin_hz = sample_rate / size
    # What lies below hearing, an offset above all, is neither a partial nor noise.
    magnitude[:, : int(FIRST_HZ / bin_hz) + 1] = 1e-9

    level_db = 20 * np.log10(magnitude)
    middle, left, right = level_db[:, 1:-1], level_db[:, :-2], level_db[:, 2:]
    floor = _surroundings(level_db, max(3, round(FLOOR_WIDTH_HZ / bin_hz)))[:, 1:-1]
    strongest = level_db[:, 1:].max(1, keepdims=True)
    is_peak = (middle > left) & (middle >= right) & (middle > floor + PROMINENCE_DB)
    is_peak &= middle > strongest - RANGE_DB
    frame, column = np.nonzero(is_peak)
    a, b, c = left[frame, column], middle[frame, column], right[frame, column]
    offset = 0.5 * (a - c) / np.minimum(a - 2 * b + c, -1e-6)
    hz = (column + 1 + offset) * bin_hz
    peak_db = b - 0.25 * (a - c) * offset

    n_cells = int(cell_of(sample_rate / 2)) + 1
    strength = np.zeros((len(centres), n_cells), dtype=np.float32)
    strongest_hz = np.zeros(len(centres))
    at_top = peak_db >= strongest[frame, 0]
    strongest_hz[frame[at_top]] = hz[at_top]
    knee_hz = np.maximum(strongest_hz, KNEE_HZ)[frame]
    value = 10 ** (COMPRESSION * (peak_db - strongest[frame, 0]) / 20)
    value *= np.minimum(1.0, knee_hz / np.maximum(hz, 1.0)) ** SLOPE
    centre = np.round(cell_of(np.maximum(hz, 1.0))).astype(int)
    spread = round(SPREAD_CENTS / CELL_CENTS)
    for shift in range(-spread, spread + 1):
        cell = centre + shift
        inside = (cell >= 0) & (cell < n_cells)
        np.maximum.at(strength, (frame[inside], cell[inside]), value[inside])
    total = np.bincount(frame, value, len(centres))
    # A partial's power lies in its main lobe: 1.5 bins of the window's own resolution.
    power = np.bincount(frame, 10 ** (peak_db / 10), len(centres)) * 1.5 * size / length
    tonality = np.minimum(power / (magnitude.astype(float) ** 2).sum(1), 1.0)
    return PartialMap(strength, total, strongest[:, 0], tonality)


def _surroundings(level_db: np.ndarray, width: int) -> np.ndarray:
    """The mean level around each bin: what a partial has to rise above."""
    padded = np.pad(level_db, ((0, 0), (width, width)), mode="reflect").astype(np.float64)
    sums = np.cumsum(np.pad(padded, ((0, 0), (1, 0))), 1)
    return (sums[:, 2 * width + 1 :] - sums[:, : -2 * width - 1]) / (2 * width + 1)
