"""The impulse response between a dry and a wet sound, by penalised least squares."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from ddsp_match.dsp.convolution import fast_length

DEEPEST_DB = 80.0  # the prior variance of the response falls this far and no further
LEAST_FALL_DB = 40.0  # it falls by this much at least over the length of the response
FIRST_PENALTY = 1e-6  # of the dry sound's energy
LEAST_PENALTY = 1e-11
ROUNDS = 4
STEPS = 120  # of conjugate gradients a round, at most
TOLERANCE = 1e-7  # of the right side: they end where no more is left
SETTLED = 0.2  # a change of the penalty, in nepers of energy, that makes no difference


def response_between(
    dry: Float[np.ndarray, "channels samples"],
    wet: Float[np.ndarray, "channels samples"],
    taps: int,
    *,
    rounds: int = ROUNDS,
) -> Float[np.ndarray, " taps"]:
    """The impulse response that makes `wet` of `dry`, one for all channels.

    Minimises ``sum_n (wet - ir * dry)^2 + sum_k p_k ir_k^2`` where ``p_k``, the variance of what no response explains
    over the variance of tap ``k``, grows exponentially as the response decays. Both variances are estimated from the
    response of the round before, as an empirical Bayes prior (van Waterschoot, Rombouts and Moonen 2008, "Optimally
    regularized adaptive filtering algorithms for room acoustic signal enhancement", there for adaptive filters).
    A wet sound that is cut off while it rings is no harm.

    Args:
        dry: Input.
        wet: Output, as long.
        taps: Length of the response.
        rounds: How often the penalty is set anew.
    """
    wanted_taps, taps = taps, min(taps, dry.shape[1])
    energy = float(np.square(dry).sum())
    ir = np.zeros(taps)
    if energy > 0 and wet.any():
        problem = NormalEquations(dry, wet, taps)
        penalty = np.full(taps, FIRST_PENALTY * energy)
        for index in range(rounds):
            ir = problem.solve(penalty, ir)
            if index < rounds - 1:
                noise = max(problem.error(ir), 1e-13 * problem.wet_energy) / problem.freedom(penalty)
                variance = prior_variance(ir, problem.uncertainty(penalty, noise))
                before, penalty = penalty, np.maximum(noise / variance, LEAST_PENALTY * energy)
                if np.abs(np.log(penalty / before)).max() < SETTLED:
                    break
    return np.pad(ir, (0, wanted_taps - taps))


class NormalEquations:
    """``(D' D) ir = D' wet``, where ``D`` convolves with the dry sound and stops with the wet one.

    ``D' D`` is the Toeplitz matrix of the dry sound's autocorrelation, less what the convolution would have made after
    the end, which the last `taps` samples decide: both cost FFTs of two responses' length, however long the sound.
    """

    def __init__(self, dry: np.ndarray, wet: np.ndarray, taps: int) -> None:
        self.taps, self.samples, n = taps, dry.size, dry.shape[1]
        self.length = n
        self.whole = fast_length(n + taps - 1)
        spectrum = np.fft.rfft(dry, self.whole)
        self.power = np.square(np.abs(spectrum)).sum(0)
        cross = (spectrum.conj() * np.fft.rfft(wet, self.whole)).sum(0)
        self.target = np.fft.irfft(cross, self.whole)[:taps]
        self.wet_energy = float(np.square(wet).sum())
        self.size = fast_length(2 * taps - 1)
        self.toeplitz = self._embedded(self.power)
        self.end = np.fft.rfft(dry[:, n - taps :], self.size)

    def _embedded(self, power: np.ndarray) -> np.ndarray:
        """Spectrum, at the short FFT's size, of the Toeplitz matrix that a spectrum at the long one's gives."""
        correlation = np.fft.irfft(power, self.whole)[: self.taps]
        around = np.zeros(self.size)
        around[: self.taps] = correlation
        around[self.size - self.taps + 1 :] = correlation[:0:-1]
        return np.fft.rfft(around).real

    def apply(self, ir: np.ndarray) -> np.ndarray:
        """``D' D ir``."""
        # D stops with the wet sound, so D' D is not Toeplitz: the Toeplitz product less the energy after the end.
        spectrum = np.fft.rfft(ir, self.size)
        after = np.fft.irfft(self.end * spectrum, self.size)
        after[:, : self.taps] = 0  # within the wet sound
        beyond = (self.end.conj() * np.fft.rfft(after)).sum(0)
        return np.fft.irfft(self.toeplitz * spectrum - beyond, self.size)[: self.taps]

    def error(self, ir: np.ndarray) -> float:
        """Energy of the residual."""
        return float(self.wet_energy - 2 * ir @ self.target + ir @ self.apply(ir))

    def freedom(self, penalty: np.ndarray) -> float:
        """Degrees of freedom of the residual: samples of the wet sound less the effective number of taps."""
        typical = float(np.exp(np.log(penalty).mean()))
        spent = self.taps * float((self.power / (self.power + typical)).mean())
        return max(self.samples - spent, 0.02 * self.samples)

    def uncertainty(self, penalty: np.ndarray, noise: float) -> np.ndarray:
        """Posterior variance of each tap: at frequencies where the dry sound is weak, the prior's.

        Without it, taps that the pair does not determine would look silent, and the next round would silence them.
        """
        power = np.sort(self.power)
        power = np.array([part.mean() for part in np.array_split(power, min(256, len(power)))])
        # A late tap meets only the first part of the dry sound.
        overlap = 1 - np.arange(self.taps) / self.length
        places = np.linspace(0, self.taps - 1, min(256, self.taps)).astype(int)
        variance = (noise / (overlap[places, None] * power + penalty[places, None])).mean(1)
        return np.interp(np.arange(self.taps), places, variance)

    def solve(self, penalty: np.ndarray, start: np.ndarray) -> np.ndarray:
        """Conjugate gradients, preconditioned by division in the spectrum."""
        inverse = self._embedded(1 / (self.power + float(np.exp(np.log(penalty).mean()))))
        return _conjugate_gradients(
            lambda x: self.apply(x) + penalty * x,
            lambda x: np.fft.irfft(np.fft.rfft(x, self.size) * inverse, self.size)[: self.taps],
            self.target,
            start,
        )


def _conjugate_gradients(
    apply: Callable[[np.ndarray], np.ndarray],
    precondition: Callable[[np.ndarray], np.ndarray],
    target: np.ndarray,
    start: np.ndarray,
) -> np.ndarray:
    x = start.copy()
    residual = target - apply(x)
    direction = preconditioned = precondition(residual)
    size = residual @ preconditioned
    stop = TOLERANCE**2 * float(target @ precondition(target))
    for _ in range(STEPS):
        if size <= stop:
            break
        image = apply(direction)
        step = size / (direction @ image)
        x += step * direction
        residual -= step * image
        preconditioned = precondition(residual)
        before, size = size, residual @ preconditioned
        direction = preconditioned + size / before * direction
    return x


def prior_variance(
    ir: Float[np.ndarray, " taps"], uncertainty: Float[np.ndarray, " taps"]
) -> Float[np.ndarray, " taps"]:
    """Return the prior variance of each tap: from the loudest moment on, the nearest curve that only falls."""
    count = min(64, len(ir))
    energy = np.array([block.mean() for block in np.array_split(np.square(ir) + uncertainty, count)])
    first = int(energy.argmax())
    peak = max(float(energy[first]), 1e-30)
    decibels = 10 * np.log10(np.maximum(energy / peak, 10 ** (-DEEPEST_DB / 10)))
    falling = np.minimum(_falling(decibels[first:]), -LEAST_FALL_DB / count * np.arange(count - first))
    at = (np.arange(len(ir)) + 0.5) * (count / len(ir)) - 0.5
    return peak * 10 ** (np.interp(at, np.arange(first, count), falling) / 10)


def _falling(values: np.ndarray) -> np.ndarray:
    """The nearest sequence that never rises (pool adjacent violators)."""
    means: list[float] = []
    sizes: list[int] = []
    for value in values.tolist():
        means.append(value)
        sizes.append(1)
        while len(means) > 1 and means[-2] < means[-1]:
            size = sizes[-2] + sizes[-1]
            means[-2:] = [(means[-2] * sizes[-2] + means[-1] * sizes[-1]) / size]
            sizes[-2:] = [size]
    return np.repeat(means, sizes)
