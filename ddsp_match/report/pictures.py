"""The page's pictures: spectrograms and heat maps, of a bounded size however long the sound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

MAX_COLUMNS = 720
SPECTRUM_ROWS = 240
MAX_ROWS = 360
RANGE_DB = 80.0
FLOOR_DB = -160.0
# Lowest frequency of the logarithmic axis: just below A0, the lowest note of a piano.
LOWEST_HZ = 25.0
# 128 levels over 80 dB are finer than the eye tells apart and compress a third better than 256.
_LEVELS = 128


@dataclass(frozen=True)
class Picture:
    """A matrix in dB with the times its edges stand for.

    Attributes:
        db: ``(rows, columns)``, the lowest row first.
        first_s: Time of the left edge, in seconds.
        last_s: Time of the right edge, in seconds.
    """

    db: np.ndarray
    first_s: float
    last_s: float


def to_db(power: np.ndarray) -> np.ndarray:
    """Power to dB, at least `FLOOR_DB`."""
    return 10 * np.log10(np.maximum(power, 10 ** (FLOOR_DB / 10)))


def shade(db: np.ndarray, low_db: float, high_db: float) -> np.ndarray:
    """Palette indices of a picture, turned so that the top row comes first as in an image file."""
    share = ((db[::-1] - low_db) / (high_db - low_db)).clip(0, 1)
    step = 255 / (_LEVELS - 1)
    return ((share * (_LEVELS - 1)).round() * step).round().astype(np.uint8)


def pool(values: np.ndarray, n_max: int, axis: int = -1) -> tuple[np.ndarray, int]:
    """Means over whole groups along an axis, so that at most `n_max` are left; and the group's size."""
    n = values.shape[axis]
    size = max(1, -(-n // n_max))
    if size == 1:
        return values, 1
    starts = np.arange(0, n, size)
    counts = np.diff(np.append(starts, n))
    shape = [1] * values.ndim
    shape[axis] = -1
    return np.add.reduceat(values, starts, axis=axis) / counts.reshape(shape), size


def fft_size(sample_rate: int) -> int:
    """Samples of the window: about 0.1 s, enough to part the harmonics of a bass note."""
    return 2 ** max(6, round(np.log2(0.11 * sample_rate)))


def columns(n_samples: int, sample_rate: int) -> tuple[int, int, int]:
    """Columns of a spectrogram, transforms averaged into one column, and samples between two transforms."""
    wanted_hop = n_samples / MAX_COLUMNS
    per_column = max(1, round(wanted_hop / (fft_size(sample_rate) / 2)))
    hop = max(1, -(-n_samples // (MAX_COLUMNS * per_column)))
    return -(-n_samples // (hop * per_column)), per_column, hop


def spectrogram(samples: np.ndarray, sample_rate: int) -> Picture:
    """A spectrogram in dB in which a sine of amplitude 1 reaches 0 dB, with at most `MAX_COLUMNS` columns.

    Long sounds are read in pieces, and power is averaged within a column, so nothing falls between columns.

    Args:
        samples: ``(n,)`` float32.
        sample_rate: In Hz.

    Returns:
        One row a bin from 0 Hz to Nyquist.
    """
    size = fft_size(sample_rate)
    window = torch.hann_window(size)
    n_columns, per_column, hop = columns(len(samples), sample_rate)
    padded = np.zeros(n_columns * per_column * hop + size, np.float32)
    # Transform j covers the middle of its hop, so column edges fall on whole multiples of hop * per_column.
    start = size // 2 - hop // 2
    padded[start : start + len(samples)] = samples
    frames = torch.from_numpy(padded).unfold(0, size, hop)[: n_columns * per_column]
    power = torch.empty(n_columns, size // 2 + 1)
    columns_at_once = max(1, 2**20 // (size * per_column))
    for first in range(0, n_columns, columns_at_once):
        last = min(first + columns_at_once, n_columns)
        part = torch.fft.rfft(frames[first * per_column : last * per_column] * window).abs().square_()
        power[first:last] = part.view(last - first, per_column, -1).mean(1)
    power *= float(2 / window.sum()) ** 2
    return Picture(to_db(power.numpy().T), 0.0, n_columns * per_column * hop / sample_rate)


def lowest_hz(sample_rate: int) -> float:
    """Lower end of the logarithmic axis."""
    return min(LOWEST_HZ, sample_rate / 64)


def linear_rows(db: np.ndarray) -> np.ndarray:
    """The spectrogram's bins gathered to `SPECTRUM_ROWS` rows, keeping the loudest of each."""
    edges = np.linspace(0, db.shape[0] - 1, SPECTRUM_ROWS + 1)
    return _rows(db, edges)


def log_rows(db: np.ndarray, sample_rate: int) -> np.ndarray:
    """The spectrogram's bins on `SPECTRUM_ROWS` rows spaced evenly in octaves."""
    hz_per_bin = sample_rate / 2 / (db.shape[0] - 1)
    edges = np.geomspace(lowest_hz(sample_rate), sample_rate / 2, SPECTRUM_ROWS + 1) / hz_per_bin
    return _rows(db, edges)


def _rows(db: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Rows between edges counted in bins: the maximum where they span bins, interpolated where they do not.

    A mean would dim partials at the top of a logarithmic axis, where a row spans dozens of bins.
    """
    middles = ((edges[:-1] + edges[1:]) / 2).clip(0, db.shape[0] - 1)
    below = np.minimum(middles.astype(int), db.shape[0] - 2)
    share = (middles - below)[:, None].astype(db.dtype)
    rows = db[below] * (1 - share) + db[below + 1] * share
    wide = np.diff(edges) > 1
    if wide.any():
        loudest = np.maximum.reduceat(db, edges[:-1].round().astype(int).clip(0, db.shape[0] - 1), axis=0)
        rows[wide] = loudest[wide]
    return rows


def heat_map(magnitudes: np.ndarray, frame_s: float) -> Picture:
    """Magnitudes at the frame rate as a picture in dB.

    Args:
        magnitudes: ``(rows, frames)``, linear.
        frame_s: Seconds between frames; frame ``k`` is centred on ``k * frame_s``.

    Returns:
        At most `MAX_ROWS` by `MAX_COLUMNS`, power averaged where frames or rows were gathered.
    """
    power, _ = pool(magnitudes.astype(np.float64) ** 2, MAX_ROWS, axis=0)
    power, size = pool(power, MAX_COLUMNS, axis=1)
    last = (power.shape[1] * size - 0.5) * frame_s
    return Picture(to_db(power), -0.5 * frame_s, last)


def top_db(*pictures: Picture) -> float:
    """The upper end of a shared scale: the loudest point, rounded up to 5 dB."""
    return float(5 * np.ceil(max(picture.db.max() for picture in pictures) / 5))
