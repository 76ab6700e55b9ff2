"""Cross-correlation of two sounds, whitened to several degrees, also from waveshaped copies of the first.

A clipped guitar correlates with a clipped copy of the clean one far more sharply than with the clean one itself, and a
bass note shows its delay only where the spectrum is whitened. So all are tried, and the sharpest peak is taken.

Source: Knapp and Carter, "The generalized correlation method for estimation of time delay", IEEE TASSP 24(4), 1976
(table I: the weights of Roth and PHAT).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float
from scipy import signal

from ddsp_match.dsp.convolution import fast_length

LONGEST = 1 << 21  # samples that are analysed; the loudest stretch of longer sounds
DRIVES = (0.0, 4.0, 30.0)  # of tanh(drive x / rms); 0 leaves x alone
REGULARISATION = (3e-2, 1e-3)  # of the mean power
ENVELOPE_S = 0.001  # over which the power is averaged
NEAR_S = 0.001  # what lies this close to a peak belongs to it
SHAPED_HANDICAP = 0.15  # by which a waveshaped copy must be sharper than the sound itself

Whitening: TypeAlias = Literal["none", "roth", "phat"]


@dataclass(frozen=True)
class Correlation:
    """One correlation over the lags -limit to limit.

    Attributes:
        values: ``(2 limit + 1,)``, the highest absolute value is 1.
        kernel: What one single arrival looks like, ``(4 limit + 1,)``, 1 in the middle; empty where levels are not true
            or the sound went through a waveshaper.
        drive: Of the waveshaper that the first sound went through.
        whitening: ``none``; ``roth``, by dry's spectrum: an impulse response, in which levels are true; ``phat``.
        sharpness: How far the highest peak stands above the next one, 0 to 1.
        deviations: How many standard deviations of the rest the highest peak stands for.
        likeness: Correlation coefficient at the highest peak of the plain correlation; 0 for others.
    """

    values: Float[np.ndarray, " lags"]
    kernel: Float[np.ndarray, " lags2"]
    drive: float
    whitening: Whitening
    sharpness: float
    deviations: float
    likeness: float = 0.0

    @property
    def lag(self) -> int:
        """Lag of the highest peak."""
        return int(np.abs(self.values).argmax()) - len(self.values) // 2


def shaped(samples: Float[np.ndarray, "channels n"], drive: float) -> Float[np.ndarray, "channels n"]:
    """The sound through a waveshaper, without offset."""
    if drive == 0:
        return samples
    bent = np.tanh(drive * samples / max(float(np.sqrt(np.square(samples).mean())), 1e-300))
    return bent - bent.mean(1, keepdims=True)


def correlations(
    dry: Float[np.ndarray, "channels n"], wet: Float[np.ndarray, "channels m"], limit: int, sample_rate: int
) -> list[Correlation]:
    """Correlate the waveforms with every whitening and drive; the first result is the plain correlation.

    Args:
        dry: Without offset.
        wet: Without offset, as many channels.
        limit: Longest lag, either way, in samples.
        sample_rate: In Hz.
    """
    x, y = stretch(dry, wet)
    near = max(4, round(NEAR_S * sample_rate))
    n = _length(x, y, limit)
    fy = np.fft.rfft(y, n)
    whitened: list[tuple[Whitening, float]] = [(kind, share) for share in REGULARISATION for kind in ("roth", "phat")]
    candidates: list[Correlation] = []
    for drive in DRIVES:
        fx = np.fft.rfft(shaped(x, drive), n)
        candidates += _correlations(fx, fy, n, limit, near, drive, whitened if drive else [("none", 0.0), *whitened])
    return candidates


def envelope_correlations(
    dry: Float[np.ndarray, "channels n"], wet: Float[np.ndarray, "channels m"], limit: int, sample_rate: int
) -> list[Correlation]:
    """Correlate the fine envelopes, for effects that leave nothing of the waveform (ring modulation)."""
    x, y = (_envelope(one, sample_rate) for one in stretch(dry, wet))
    near = max(4, round(4 * NEAR_S * sample_rate))
    n = _length(x, y, limit)
    fx, fy = np.fft.rfft(x, n), np.fft.rfft(y, n)
    return _correlations(fx, fy, n, limit, near, 0.0, [("none", 0.0), ("roth", REGULARISATION[0])])


def stretch(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The loudest stretch of both, where they are longer than needed: more would only cost time and memory."""
    if x.shape[1] <= LONGEST and y.shape[1] <= LONGEST:
        return x, y
    size = min(LONGEST, x.shape[1], y.shape[1])
    power = np.concatenate([[0.0], np.cumsum(np.square(x).sum(0))])
    starts = np.arange(0, min(x.shape[1], y.shape[1]) - size + 1, 4096)
    first = int(starts[np.argmax(power[starts + size] - power[starts])])
    return x[:, first : first + size], y[:, first : first + size]


def sharpest(candidates: list[Correlation]) -> Correlation:
    """Return the correlation whose highest peak stands out most."""
    return max(candidates, key=lambda one: one.sharpness - (SHAPED_HANDICAP if one.drive else 0.0))


def _envelope(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    window = np.hanning(max(1, round(ENVELOPE_S * sample_rate)) + 2)
    power = signal.fftconvolve(np.square(samples), window[None] / window.sum(), mode="same", axes=1)
    bent = np.maximum(power, 0) ** 0.25  # close to how loud it is: quiet passages count too
    return bent - bent.mean(1, keepdims=True)


def _length(x: np.ndarray, y: np.ndarray, limit: int) -> int:
    return fast_length(max(x.shape[1], y.shape[1]) + 2 * limit + 1)


def _correlations(
    fx: np.ndarray, fy: np.ndarray, n: int, limit: int, near: int, drive: float, ways: Sequence[tuple[Whitening, float]]
) -> list[Correlation]:
    """Correlate two spectra, by each whitening and its regularisation."""
    cross, power = (fx.conj() * fy).sum(0), np.square(np.abs(fx)).sum(0)
    size = np.abs(cross)
    candidates = []
    for whitening, share in ways:
        own = {"none": np.ones_like(power), "roth": power, "phat": size}[whitening]
        weight = 1 / (own + share * own.mean() + 1e-300)
        values = _lags(cross * weight, n, limit)
        level = np.abs(values)
        top, at = max(float(level.max()), 1e-300), int(level.argmax())
        others = np.concatenate([level[: max(0, at - near)], level[at + near + 1 :]])
        second = float(others.max()) / top if others.size else 0.0
        spread = max(float(np.median(level)) / 0.6745, 1e-6 * top)
        kernel, likeness = np.zeros(0), 0.0
        if whitening == "none":
            # The spectra are one-sided: by Parseval's theorem energies are 2 / n of their sums.
            energies = float(power.sum()) * float(np.square(np.abs(fy)).sum())
            likeness = top * n / 2 / max(np.sqrt(energies), 1e-300)
        elif whitening == "roth" and drive == 0:
            kernel = _lags(power * weight, n, 2 * limit)
            kernel /= max(float(np.abs(kernel).max()), 1e-300)
        candidates.append(Correlation(values / top, kernel, drive, whitening, 1 - second, top / spread, likeness))
    return candidates


def _lags(spectrum: np.ndarray, n: int, limit: int) -> np.ndarray:
    wrapped = np.fft.irfft(spectrum, n)
    return np.concatenate([wrapped[n - limit :], wrapped[: limit + 1]])
