"""The partials of a sound, frame by frame, on a logarithmic frequency axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WINDOW_S = 0.2
CELL_CENTS = 10.0
FIRST_HZ = 20.0
RANGE_DB = 55.0  # partials further below the strongest of their frame do not count
PROMINENCE_DB = 8.0, 12.0  # … below and above 800 Hz, … nor do those that rise less above what surrounds them
COMPRESSION = 0.5  # exponent of the amplitude: weak partials speak, but do not shout
KNEE_HZ, SLOPE = 500.0, 0.5  # above the knee (or the strongest partial) higher partials count less
FLOOR_WIDTH_HZ = 150.0
NOISE_BANDWIDTH = 1.727  # of the window, in bins of its own length
RUMBLE_HZ = 60.0  # 12 dB an octave less below
SPREAD_CENTS = 20.0  # a partial counts for harmonics this far away


@dataclass(frozen=True)
class PartialMap:
    """How strong the partials near each pitch are.

    Attributes:
        strength: ``(frames, cells)``: a partial's compressed amplitude relative to the strongest one of the
            frame, in the cells that it may belong to; 0 where there is none.
        total: ``(frames,)``: the sum over all partials.
        share: ``(frames, cells)``: its share of the frame's power, noise included, in the same cells.
        level_db: ``(frames,)``: the level of the strongest partial.
        tonality: ``(frames,)``: the share of the frame's power that lies in partials.
    """

    strength: np.ndarray
    total: np.ndarray
    share: np.ndarray
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
    window = np.blackman(length + 2)[1:-1]  # side lobes 58 dB down: they are not taken for partials
    window = (2 * window / window.sum()).astype(np.float32)
    padded = np.pad(samples.astype(np.float32), (length // 2, length))
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[centres] * window
    magnitude = np.abs(np.fft.rfft(frames, size, axis=1)).astype(np.float32) + 1e-9
    bin_hz = sample_rate / size
    # What lies below hearing, an offset above all, is neither a partial nor noise.
    bins_hz = np.arange(magnitude.shape[1]) * bin_hz
    audible = np.where(bins_hz > FIRST_HZ - bin_hz, np.minimum(1.0, bins_hz / RUMBLE_HZ) ** 2, 0.0)

    flat_db = 20 * np.log10(magnitude)
    middle, left, right = flat_db[:, 1:-1], flat_db[:, :-2], flat_db[:, 2:]
    magnitude = magnitude * audible.astype(np.float32) + 1e-9
    level_db = flat_db + 20 * np.log10(audible + 1e-9).astype(np.float32)
    weighted = level_db[:, 1:-1]
    floor = _surroundings(flat_db, max(3, round(FLOOR_WIDTH_HZ / bin_hz)))[:, 1:-1]
    strongest = level_db[:, 1:].max(1, keepdims=True)
    prominence = np.where(bins_hz[1:-1] < 800.0, *PROMINENCE_DB)
    is_peak = (middle > left) & (middle >= right) & (middle > floor + prominence)
    is_peak &= weighted > strongest - RANGE_DB
    frame, column = np.nonzero(is_peak)
    a, b, c = left[frame, column], middle[frame, column], right[frame, column]
    offset = 0.5 * (a - c) / np.minimum(a - 2 * b + c, -1e-6)
    hz = (column + 1 + offset) * bin_hz
    peak_db = weighted[frame, column] - 0.25 * (a - c) * offset

    strongest_hz = np.zeros(len(centres))
    at_top = peak_db >= strongest[frame, 0]
    strongest_hz[frame[at_top]] = hz[at_top]
    knee_hz = np.maximum(strongest_hz, KNEE_HZ)[frame]
    value = 10 ** (COMPRESSION * (peak_db - strongest[frame, 0]) / 20)
    value *= np.minimum(1.0, knee_hz / np.maximum(hz, 1.0)) ** SLOPE
    # A partial's power lies in its main lobe: 1.727 bins of the window's own resolution.
    all_power = (magnitude.astype(float) ** 2).sum(1)
    share = 10 ** (peak_db / 10) * (NOISE_BANDWIDTH * size / length) / all_power[frame]
    n_cells = int(cell_of(sample_rate / 2)) + 1
    cell = np.round(cell_of(np.maximum(hz, 1.0))).astype(int)
    return PartialMap(
        strength=_spread(frame, cell, value, (len(centres), n_cells)),
        total=np.bincount(frame, value, len(centres)),
        share=_spread(frame, cell, share, (len(centres), n_cells)),
        level_db=strongest[:, 0],
        tonality=np.minimum(np.bincount(frame, share, len(centres)), 1.0),
    )


def _spread(frame: np.ndarray, cell: np.ndarray, value: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A map of values at their cells and the cells around; the larger one where two meet."""
    result = np.zeros(shape, dtype=np.float32)
    reach = round(SPREAD_CENTS / CELL_CENTS)
    for shift in range(-reach, reach + 1):
        inside = (cell + shift >= 0) & (cell + shift < shape[1])
        np.maximum.at(result, (frame[inside], cell[inside] + shift), value[inside].astype(np.float32))
    return result


def _surroundings(level_db: np.ndarray, width: int) -> np.ndarray:
    """The mean level around each bin: what a partial has to rise above."""
    padded = np.pad(level_db, ((0, 0), (width, width)), mode="reflect").astype(np.float64)
    sums = np.cumsum(np.pad(padded, ((0, 0), (1, 0))), 1)
    return (sums[:, 2 * width + 1 :] - sums[:, : -2 * width - 1]) / (2 * width + 1)
