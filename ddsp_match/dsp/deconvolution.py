"""Find the lags at which a sound repeats another, or itself: linear least squares over every lag at once.

The error over a delay's length is a narrow valley in a flat plain: one sample beside the truth, the waveforms have
nothing in common, and no slope points there. But for a given lag the gains follow from a handful of correlations, and
the Fourier transform gives these for all lags together. So the plain is searched whole, and at every lag with the best
gains: the regression of the wet sound on the dry one and on late copies of both (Kay 1993, "Fundamentals of Statistical
Signal Processing", 4.5; the equation error of Ljung's "System Identification", 7.3, where the wet sound is among them).
Correlations are band-limited, so that lags between whole samples come by interpolation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from numpy.fft import irfft, rfft
from scipy.linalg import solve_toeplitz
from scipy.signal import lfilter

from ddsp_match.dsp.convolution import fast_length
from ddsp_match.dsp.fractional_delay import HALF_WIDTH, delay_kernel

RIDGE = 1e-11  # of each diagonal element: two copies of a steady tone may be the same but for rounding
MATCH_RIDGE = 1e-6  # of the energy, in the fit of a short filter


class LagFit:
    """Regression of a target on sounds as they are and on late copies of others, at any lag.

    Args:
        target: What is to be explained, ``(channels, samples)``.
        fixed: Sounds that take part as they are.
        lagged: Sounds that take part late, all by the same lag.
        longest: Longest lag, in samples.
    """

    def __init__(
        self,
        target: Float[np.ndarray, "channels samples"],
        fixed: Sequence[np.ndarray],
        lagged: Sequence[np.ndarray],
        longest: int,
    ) -> None:
        n, margin = target.shape[1], HALF_WIDTH + 2
        self.longest = min(longest, n - 1)
        size = fast_length(n + self.longest + 2 * margin)
        # One FFT gives the cross-correlation at every lag; the margin holds the lags that interpolation reaches beyond.
        late = [rfft(sound, size) for sound in lagged]
        rows = []
        for sound in (target, *fixed):
            spectrum = rfft(sound, size)
            cross = [irfft((spectrum * other.conj()).sum(0), size) for other in late]
            rows.append([np.concatenate([c[-margin:], c[: self.longest + margin]]) for c in cross])
        self.cross = np.array(rows)
        self.margin = margin
        # A late copy loses its end, so its energy depends on the lag: running sums hold it for all lags.
        overlaps = n - np.arange(self.longest + 1)
        sums = [[np.cumsum((a * b).sum(0)) for b in lagged] for a in lagged]
        self.late_gram = np.array([[total[overlaps - 1] for total in row] for row in sums])
        self.fixed_gram = np.array([[np.vdot(a, b) for b in fixed] for a in fixed])
        self.fixed_cross = np.array([np.vdot(target, a) for a in fixed])
        self.energy = float(np.vdot(target, target))

    def everywhere(self) -> tuple[np.ndarray, np.ndarray]:
        """All lags in steps of half a sample, and the share of the energy left unexplained at each."""
        steps = np.arange(0, 2 * self.longest + 1) / 2
        _, taps = delay_kernel(torch.tensor([0.5], dtype=torch.float64))
        between = np.array([[np.convolve(c, taps[0].numpy()[::-1]) for c in row] for row in self.cross])
        first = self.margin + HALF_WIDTH
        values = np.empty((*self.cross.shape[:2], len(steps)))
        values[..., ::2] = self.cross[..., self.margin : self.margin + self.longest + 1]
        values[..., 1::2] = between[..., first : first + self.longest]
        return steps, self._solved(steps, values)[0]

    def at(self, lags: Float[np.ndarray, " lags"]) -> tuple[np.ndarray, np.ndarray]:
        """Share of the energy left at some lags, whole or not, and the coefficients ``(lags, fixed + lagged)``."""
        return self._solved(*self._between(lags))

    def held(self, lags: Float[np.ndarray, " lags"], coefficients: np.ndarray) -> np.ndarray:
        """Share of the energy left at some lags if the coefficients are the same at all of them."""
        gram, right = self._normal(*self._between(lags))
        return 1 + (gram @ coefficients @ coefficients - 2 * right @ coefficients) / max(self.energy, 1e-300)

    def _between(self, lags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        lags = np.clip(lags, 0.0, self.longest - 1.0)
        first, taps = delay_kernel(torch.from_numpy(lags))
        places = first.numpy()[:, None] + np.arange(taps.shape[1]) + self.margin
        return lags, (self.cross[..., places] * taps.numpy()).sum(-1)

    def refined(
        self, lags: Float[np.ndarray, " lags"], spans: Sequence[float] = (0.5, 0.05, 0.005)
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The lags where the least is left, near given ones; what is left there; and the coefficients."""
        for span in spans:
            near = lags[:, None] + np.linspace(-span, span, 21)
            residual, _ = self.at(near.ravel())
            lags = near[np.arange(len(lags)), residual.reshape(near.shape).argmin(1)]
        return lags, *self.at(lags)

    def _normal(self, lags: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Matrices and right sides of the normal equations, given the cross-correlations at the lags."""
        fixed, count = len(self.fixed_cross), len(self.fixed_cross) + self.cross.shape[1]
        whole = np.minimum(lags.astype(int), self.longest - 1)
        part = lags - whole
        gram = np.empty((len(lags), count, count))
        gram[:, :fixed, :fixed] = self.fixed_gram
        gram[:, :fixed, fixed:] = values[1:].transpose(2, 0, 1)
        gram[:, fixed:, :fixed] = values[1:].transpose(2, 1, 0)
        between = (1 - part) * self.late_gram[..., whole] + part * self.late_gram[..., whole + 1]
        gram[:, fixed:, fixed:] = between.transpose(2, 0, 1)
        right = np.concatenate([np.broadcast_to(self.fixed_cross, (len(lags), fixed)), values[0].T], axis=1)
        return gram, right

    def _solved(self, lags: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gram, right = self._normal(lags, values)
        diagonal = np.arange(gram.shape[1])
        ridged = gram.copy()
        ridged[:, diagonal, diagonal] *= 1 + RIDGE
        ridged[:, diagonal, diagonal] += 1e-14 * self.energy + 1e-300
        solution = np.linalg.solve(ridged, right[..., None])[..., 0]
        residual = 1 - (right * solution).sum(1) / max(self.energy, 1e-300)
        return np.maximum(residual, 0.0), solution


def valleys(residual: Float[np.ndarray, " lags"], count: int) -> np.ndarray:
    """Indices of the deepest local minima, the deepest first; the ends count."""
    padded = np.pad(residual, 1, constant_values=np.inf)
    minima = np.flatnonzero((residual <= padded[:-2]) & (residual < padded[2:]))
    return minima[np.argsort(residual[minima], kind="stable")[:count]]


def wiener(
    dry: Float[np.ndarray, "channels samples"], wet: Float[np.ndarray, "channels samples"], taps: int, ridge: float
) -> Float[np.ndarray, " taps"]:
    """The causal filter of least squared error, by the normal equations (Wiener and Hopf); of silence it is zero.

    Args:
        dry: Input.
        wet: Output.
        taps: Length of the filter.
        ridge: Added to the dry sound's power, as a share of it: taps that it cannot tell stay small.
    """
    size = fast_length(dry.shape[1] + taps)
    spectrum = rfft(dry, size)
    own = irfft((np.abs(spectrum) ** 2).sum(0), size)[:taps]
    cross = irfft((rfft(wet, size) * spectrum.conj()).sum(0), size)[:taps]
    own[0] = own[0] * (1 + ridge) + 1e-300
    return np.asarray(solve_toeplitz(own, cross))


def matched(
    dry: Float[np.ndarray, "channels samples"], wet: Float[np.ndarray, "channels samples"], taps: int = 32
) -> Float[np.ndarray, "channels samples"]:
    """The dry sound through the short causal filter that brings it nearest to the wet one, by least squares.

    What a filter elsewhere in a chain did is thereby undone before lags are looked for.
    """
    return np.asarray(lfilter(wiener(dry, wet, taps, MATCH_RIDGE), [1.0], dry))
