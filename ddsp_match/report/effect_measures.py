"""Measure a pair of sounds for the effect between them: transfer function, waveshape, gain over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

MAX_POINTS = 320
LOWEST_HZ = 20.0
SHAPE_CELLS = 180
_BINS_AS_ONE = 2.3  # of Hann windows that overlap by half, this many neighbouring bins say as much as one alone
_MAX_PAIRS = 1_000_000  # pairs of samples that a waveshape is drawn from; more change no pixel


@dataclass(frozen=True)
class Transfer:
    """A measured transfer function; NaN where the input has no energy.

    Attributes:
        hz: Middle of each band, evenly spaced in octaves where the resolution allows.
        gain_db: Magnitude of the cross-spectral estimate.
        spread_db: Its standard error.
        coherence: Share of the output's energy that a linear filter of the input explains, 0 to 1.
        edges_hz: Ends of the bands, one more than bands.
    """

    hz: Float[np.ndarray, " bands"]
    gain_db: Float[np.ndarray, " bands"]
    spread_db: Float[np.ndarray, " bands"]
    coherence: Float[np.ndarray, " bands"]
    edges_hz: Float[np.ndarray, " edges"]


def transfer(
    source: Float[np.ndarray, "channels samples"], output: Float[np.ndarray, "channels samples"], sample_rate: int
) -> Transfer:
    """Transfer function by the H1 estimate, S_xy / S_xx, gathered in bands.

    Averaged over half-overlapping Hann windows of about 0.17 s and over channels (Bendat and Piersol, "Random Data",
    equations 6.37, 6.39 and, for the standard error, 9.52).

    Args:
        source: The input.
        output: What became of it.
        sample_rate: In Hz.

    Returns:
        At most `MAX_POINTS` bands from `LOWEST_HZ` to Nyquist.
    """
    n = source.shape[1]
    size = 2 ** max(5, min(round(np.log2(0.17 * sample_rate)), int(np.log2(max(n // 4, 32)))))
    s_xx, s_yy, s_xy, count = _spectra(source, output, size)
    bin_hz = sample_rate / size
    first = max(1, int(np.ceil(LOWEST_HZ / bin_hz)))
    bins = np.arange(first, size // 2)
    grid = np.geomspace(bins[0] - 0.5, bins[-1] + 0.5, MAX_POINTS + 1)
    starts = np.unique(np.searchsorted(bins, grid[:-1]))

    def gathered(values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values[bins], starts)

    # Bins without energy would divide nothing by nothing, and leakage from loud neighbours would fill them.
    audible = s_xx > 1e-9 * s_xx.max(initial=1e-30)
    explained = np.where(audible, np.abs(s_xy) ** 2 / np.maximum(s_xx, 1e-300), 0.0)
    x, y, by_x = (gathered(np.where(audible, part, 0.0)) for part in (s_xx, s_yy, explained))
    independent = 1 + (np.diff(np.append(starts, len(bins))) - 1) / _BINS_AS_ONE
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.where(x > 0, by_x / x, np.nan)
        coherence = np.where(y > 0, by_x / y, np.nan).clip(0, 1)
        share = np.sqrt((1 - coherence) / (2 * coherence * count * independent))
        gain_db = 10 * np.log10(np.maximum(gain, 1e-20))
    edges_hz = (np.append(bins[starts], bins[-1] + 1) - 0.5) * bin_hz
    return Transfer(
        hz=np.sqrt(edges_hz[:-1] * edges_hz[1:]),
        gain_db=gain_db,
        spread_db=20 * np.log10(1 + np.minimum(np.nan_to_num(share, nan=10.0), 10.0)),
        coherence=coherence,
        edges_hz=edges_hz,
    )


def _spectra(
    source: np.ndarray, output: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Auto spectra, cross spectrum, and the number of windows that stand for independent ones."""
    hop = size // 2
    window = np.hanning(size + 1)[:-1]
    missing = max(0, size - source.shape[1])
    n_windows = 1 + (source.shape[1] + missing - size) // hop
    s_xx, s_yy, s_xy = np.zeros(size // 2 + 1), np.zeros(size // 2 + 1), np.zeros(size // 2 + 1, complex)
    at_once = max(1, 2**20 // size)
    for x, y in zip(source, output, strict=True):
        x, y = np.pad(x, (0, missing)), np.pad(y, (0, missing))
        for first in range(0, n_windows, at_once):
            index = (np.arange(first, min(first + at_once, n_windows)) * hop)[:, None] + np.arange(size)
            big_x, big_y = np.fft.rfft(x[index] * window), np.fft.rfft(y[index] * window)
            s_xx += (np.abs(big_x) ** 2).sum(0)
            s_yy += (np.abs(big_y) ** 2).sum(0)
            s_xy += (big_x.conj() * big_y).sum(0)
    return s_xx, s_yy, s_xy, n_windows


def in_bands(
    hz: Float[np.ndarray, " points"], gain_db: Float[np.ndarray, " points"], measured: Transfer
) -> Float[np.ndarray, " bands"]:
    """A finely sampled response in the bands of a measured one: mean power in each, or the value at its middle."""
    at = np.interp(measured.hz, hz, gain_db)
    power = 10 ** (gain_db / 10)
    index = np.searchsorted(measured.edges_hz, hz) - 1
    inside = (index >= 0) & (index < len(measured.hz))
    counts = np.bincount(index[inside], minlength=len(measured.hz))
    sums = np.bincount(index[inside], weights=power[inside], minlength=len(measured.hz))
    return np.where(counts > 3, 10 * np.log10(np.maximum(sums / np.maximum(counts, 1), 1e-20)), at)


@dataclass(frozen=True)
class Waveshape:
    """The frequency of each pair of input and output values, and the output to expect at each input.

    Attributes:
        density_db: ``(cells, cells)``, input to the right, output upwards, lowest row first; 0 dB at the most frequent.
        x: Inputs of the curves.
        middle: Median of the outputs there.
        low: Tenth percentile.
        high: Ninetieth percentile.
    """

    density_db: Float[np.ndarray, "cells cells"]
    x: Float[np.ndarray, " points"]
    middle: Float[np.ndarray, " points"]
    low: Float[np.ndarray, " points"]
    high: Float[np.ndarray, " points"]


def waveshape(
    source: Float[np.ndarray, "channels samples"],
    output: Float[np.ndarray, "channels samples"],
    x_limit: float,
    y_limit: float,
) -> Waveshape:
    """Output against input, sample by sample.

    Args:
        source: The input.
        output: What became of it, aligned.
        x_limit: Largest input to show.
        y_limit: Largest output to show.
    """
    step = -(-source.size // _MAX_PAIRS)
    x, y = source.ravel()[::step], output.ravel()[::step]
    edges = [np.linspace(-limit, limit, SHAPE_CELLS + 1) for limit in (x_limit, y_limit)]
    counts = np.histogram2d(x, y, bins=edges)[0].T
    density_db = 10 * np.log10(np.maximum(counts / max(counts.max(), 1.0), 1e-9))
    grid = np.linspace(-x_limit, x_limit, 82)
    order = np.argsort(x)
    ends = np.searchsorted(x[order], grid)
    curves = np.full((3, len(grid) - 1), np.nan)
    for i in range(len(grid) - 1):
        if ends[i + 1] - ends[i] >= 12:
            curves[:, i] = np.percentile(y[order[ends[i] : ends[i + 1]]], (10, 50, 90))
    return Waveshape(density_db, (grid[:-1] + grid[1:]) / 2, curves[1], curves[0], curves[2])


def limits(*sounds: Float[np.ndarray, "channels samples"]) -> float:
    """The largest value worth showing: lone peaks do not squeeze the picture."""
    top = max(float(np.quantile(np.abs(sound).max(0), 0.9999)) for sound in sounds)
    return 1.05 * top if top > 0 else 1.0


@dataclass(frozen=True)
class Gains:
    """Level of an output over its input; NaN where the input is too faint.

    Attributes:
        time_s: Middle of each block.
        gain_db: One row for each output.
    """

    time_s: Float[np.ndarray, " blocks"]
    gain_db: Float[np.ndarray, "outputs blocks"]


def gain_over_time(
    source: Float[np.ndarray, "channels samples"],
    outputs: list[Float[np.ndarray, "channels samples"]],
    sample_rate: int,
) -> Gains:
    """Energy of outputs over that of the input, in blocks of 20 ms or, in long sounds, an 800th of the whole."""
    n = source.shape[1]
    block = max(1, min(n, max(round(0.02 * sample_rate), -(-n // 800))))
    starts = np.arange(0, n - n % block, block)
    energy = [np.add.reduceat((sound**2).sum(0, dtype=np.float64), starts) for sound in (source, *outputs)]
    loud = energy[0] > 1e-6 * energy[0].max(initial=1e-20)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.stack(energy[1:]) / energy[0]
        gain_db = np.where(loud, 10 * np.log10(np.maximum(ratios, 1e-12)), np.nan)
    return Gains((starts + block / 2) / sample_rate, gain_db)
