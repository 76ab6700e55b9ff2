"""The partials of a sound, frame by frame, on a logarithmic frequency axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

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
    from ddsp_match.analysis import partial_kernels as kernels

    length = round(WINDOW_S * sample_rate)
    size = 1 << int(np.ceil(np.log2(1.5 * length)))
    magnitude = _magnitudes(samples, centres, length, size) + np.float32(1e-9)
    bin_hz = sample_rate / size
    # What lies below hearing, an offset above all, is neither a partial nor noise.
    bins_hz = np.arange(magnitude.shape[1]) * bin_hz
    audible = np.where(bins_hz > FIRST_HZ - bin_hz, np.minimum(1.0, bins_hz / RUMBLE_HZ) ** 2, 0.0)
    weight_db = 20 * np.log10(audible + 1e-9).astype(np.float32)
    flat_db = 20 * np.log10(magnitude)
    strongest = (flat_db + weight_db)[:, 1:].max(1)
    least_db = strongest[:, None] - RANGE_DB - weight_db

    n_frames, n_bins = flat_db.shape
    # No two neighbours are both peaks.
    frame, column = np.empty((2, n_frames * (n_bins // 2)), dtype=np.int64)
    width = max(3, round(FLOOR_WIDTH_HZ / bin_hz))
    prominence = np.where(bins_hz < 800.0, *PROMINENCE_DB)
    sums = np.empty(n_bins + 2 * width + 1)
    found = kernels.peaks(flat_db, least_db, prominence, width, frame, column, sums)
    frame, column = frame[:found], column[:found]
    a, b, c = (flat_db[frame, column + side] for side in (-1, 0, 1))
    offset = 0.5 * (a - c) / np.minimum(a - 2 * b + c, -1e-6)
    hz = (column + offset) * bin_hz
    peak_db = b + weight_db[column] - 0.25 * (a - c) * offset

    strongest_hz = np.zeros(n_frames)
    at_top = peak_db >= strongest[frame]
    strongest_hz[frame[at_top]] = hz[at_top]
    knee_hz = np.maximum(strongest_hz, KNEE_HZ)[frame]
    value = 10 ** (COMPRESSION * (peak_db - strongest[frame]) / 20)
    value *= np.minimum(1.0, knee_hz / np.maximum(hz, 1.0)) ** SLOPE
    # A partial's power lies in its main lobe: 1.727 bins of the window's own resolution.
    heard = magnitude * audible.astype(np.float32) + np.float32(1e-9)
    all_power = np.einsum("fb,fb->f", heard, heard, dtype=float)
    share = 10 ** (peak_db / 10) * (NOISE_BANDWIDTH * size / length) / all_power[frame]
    n_cells = int(cell_of(sample_rate / 2)) + 1
    cell = np.round(cell_of(np.maximum(hz, 1.0))).astype(int)
    maps = np.zeros((2, n_cells, n_frames), dtype=np.float32)
    for values, out in zip((value, share), maps, strict=True):
        kernels.spread(frame, cell, values.astype(np.float32), round(SPREAD_CENTS / CELL_CENTS), out)
    return PartialMap(
        strength=maps[0].T,
        total=np.bincount(frame, value, n_frames),
        share=maps[1].T,
        level_db=strongest,
        tonality=np.minimum(np.bincount(frame, share, n_frames), 1.0),
    )


def _magnitudes(samples: np.ndarray, centres: np.ndarray, length: int, size: int) -> np.ndarray:
    """Magnitude spectra ``(frames, size // 2 + 1)`` in float32, a sinusoid's its amplitude."""
    window = np.blackman(length + 2)[1:-1]  # side lobes 58 dB down: they are not taken for partials
    window = (2 * window / window.sum()).astype(np.float32)
    padded = np.pad(samples.astype(np.float32), (length // 2, length))
    blocks = np.zeros((len(centres), size), dtype=np.float32)
    np.multiply(np.lib.stride_tricks.sliding_window_view(padded, length)[centres], window, out=blocks[:, :length])
    # A third of the time of numpy's transform (measured at 8192 points).
    return np.abs(torch.fft.rfft(torch.from_numpy(blocks)).numpy())
