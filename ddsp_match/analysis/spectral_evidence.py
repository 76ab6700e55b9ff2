"""Evidence for each candidate pitch in the spectrum: its partials, and how well a candidate's harmonics explain them.

A candidate gains the share of the partials that its harmonics explain and pays for harmonics that are missing below
higher ones: subharmonic summation (D. J. Hermes, "Measurement of pitch by subharmonic summation", JASA 83, 1988) with
a penalty against subharmonics.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ddsp_match.analysis.pitch_grid import PitchGrid

WINDOW_S = 0.2
CELL_CENTS = 10.0
FIRST_HZ = 20.0
RANGE_DB = 55.0  # partials further below the strongest of their frame do not count
PROMINENCE_DB = 8.0, 12.0  # … below and above 800 Hz, … nor do those that rise less above what surrounds them
COMPRESSION = 0.5  # exponent of the amplitude, so that weak partials count
KNEE_HZ, SLOPE = 500.0, 0.5  # above the knee (or the strongest partial) higher partials count less
FLOOR_WIDTH_HZ = 150.0
NOISE_BANDWIDTH = 1.727  # of the window, in bins of its own length
RUMBLE_HZ = 60.0  # 12 dB an octave less below
SPREAD_CENTS = 20.0  # a partial counts for harmonics this far away
HARMONICS = 36
MISSING_COST = 0.35
FRAMES_PER_SPECTRUM = 2
SPECTRA_AT_ONCE = 512


@dataclass(frozen=True)
class PartialMap:
    """Strength of the partials near each pitch.

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
    """Return the (fractional) cell of a frequency."""
    return 1200.0 / CELL_CENTS * np.log2(np.asarray(hz) / FIRST_HZ)


def partial_map(samples: np.ndarray, sample_rate: int, centres: np.ndarray) -> PartialMap:
    """Measure the partials around the given samples.

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
    # Anything below the audible range, an offset above all, is neither a partial nor noise.
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
    count = kernels.peaks(flat_db, least_db, prominence, width, frame, column, sums)
    frame, column = frame[:count], column[:count]
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
    weighted = magnitude * audible.astype(np.float32) + np.float32(1e-9)
    all_power = np.einsum("fb,fb->f", weighted, weighted, dtype=float)
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




def harmonic_scores(partials: PartialMap, candidates_hz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return scores up to 1 and the shares of the frame's power explained, both ``(frames, candidates)``.

    A candidate gains the share of the partials that its harmonics explain, and pays for the harmonics that
    are not there although higher ones are: without the first, an octave above would win, without the second,
    every octave below.

    Args:
        partials: The partials of the frames.
        candidates_hz: ``(candidates,)`` pitches.
    """
    from ddsp_match.analysis import partial_kernels as kernels

    strength, share = (np.ascontiguousarray(part.T) for part in (partials.strength, partials.share))
    intervals = np.round(1200.0 / CELL_CENTS * np.log2(np.arange(HARMONICS, 0, -1))).astype(int)
    cells = np.round(cell_of(candidates_hz)).astype(int)[:, None] + intervals
    cells[cells >= len(strength)] = -1
    matched, missing, shares = np.empty((3, len(cells), strength.shape[1]), dtype=np.float32)
    kernels.harmonics(strength, share, cells, matched, missing, shares)
    total = np.maximum(partials.total, 1.0)
    return ((matched - MISSING_COST * missing) / total).T, np.minimum(shares, 1.0).T


@dataclass(frozen=True)
class Spectrum:
    """Evidence of the spectrum for each candidate pitch, frame by frame.

    Attributes:
        scores: ``(frames, pitches)``: how well each pitch explains the partials, up to 1.
        explained: ``(frames, pitches)``: the share of the power that its harmonics explain.
        tonality: ``(frames,)``: the share of the power that lies in partials.
        level_db: ``(frames,)``: the level of the strongest partial.
    """

    scores: np.ndarray
    explained: np.ndarray
    tonality: np.ndarray
    level_db: np.ndarray


def score_spectrum(samples: np.ndarray, sample_rate: int, hop: int, n_frames: int, grid: PitchGrid) -> Spectrum:
    """Score every candidate of the grid in every frame; one spectrum serves two frames."""
    centres = np.arange(0, n_frames, FRAMES_PER_SPECTRUM) * hop
    pieces = []
    for start in range(0, len(centres), SPECTRA_AT_ONCE):
        partials = partial_map(samples, sample_rate, centres[start : start + SPECTRA_AT_ONCE])
        scores, explained = harmonic_scores(partials, grid.hz)
        pieces.append((scores, explained, partials.tonality, partials.level_db))
    columns = (np.concatenate(column) for column in zip(*pieces, strict=True))
    return Spectrum(*(np.repeat(column, FRAMES_PER_SPECTRUM, axis=0)[:n_frames] for column in columns))
