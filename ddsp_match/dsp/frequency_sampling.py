"""Linear filters by their transfer function, sampled on a circle outside the unit circle.

A spectrum sampled at `size` points stands for a periodic signal, so that the tail of a long impulse response folds back
onto its beginning. Sampled on the circle ``|z| = r`` instead, the signals are damped by ``r^-n`` before the transform
and undone after it, and what folds back is weaker by ``r^-size`` (exponentially weighted frequency sampling; the
chirp-z circle of Rabiner, Schafer and Rader 1969). With ``r^size = 1e9`` and twice the length of the sound, the folded
tail is 1e-9 of itself, and rounding is raised by no more than ``r^n = 3e4``, to about 1e-11: both below what any
comparison of sounds asks for, as long as the arithmetic is in double precision, which it is here for any input. The
response should be as well conditioned: high orders as products of second-order sections, not as one polynomial.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Complex, Float, Int

from ddsp_match.dsp.convolution import fast_length

FOLDED = 1e-9  # what remains of a tail that folds back
SMALLEST = 32  # shortest transform
CHUNK_BYTES = 1 << 28  # of spectra that are multiplied and transformed back at once


class Circle:
    """The points at which a sound of a given length is filtered.

    Attributes:
        n: Samples of the sound.
        size: Length of the transform, at least twice that.
        log_radius: Natural logarithm of the circle's radius.
    """

    def __init__(self, n: int, device: torch.device | None = None) -> None:
        self.n = n
        self.size = fast_length(max(2 * n, SMALLEST))
        self.log_radius = -math.log(FOLDED) / self.size
        self.device = device

    @property
    def z(self) -> Complex[torch.Tensor, " bins"]:
        """The points, from the positive real axis to the negative: ``r exp(j w)``."""
        angle = torch.arange(self.size // 2 + 1, device=self.device, dtype=torch.float64) * (2 * math.pi / self.size)
        return torch.polar(torch.full_like(angle, math.exp(self.log_radius)), angle)

    def weights(self, times: torch.Tensor) -> torch.Tensor:
        """Return the factor ``r^-n`` of a sample at each time before the transform."""
        return torch.exp(times.double() * -self.log_radius)

    def spectrum(self, audio: Float[torch.Tensor, "*batch samples"]) -> Complex[torch.Tensor, "*batch bins"]:
        """The z-transform of a sound at the points."""
        return torch.fft.rfft(audio.double() * self.weights(torch.arange(self.n, device=self.device)), n=self.size)

    def sound(self, spectrum: Complex[torch.Tensor, "*batch bins"]) -> Float[torch.Tensor, "*batch samples"]:
        """The first `n` samples of the sound with that z-transform: inverse of `spectrum`."""
        damped = torch.fft.irfft(spectrum, n=self.size)[..., : self.n]
        return damped / self.weights(torch.arange(self.n, device=self.device))

    def fir(
        self, taps: Float[torch.Tensor, "batch taps"], first: Int[torch.Tensor, " batch"]
    ) -> Complex[torch.Tensor, "batch bins"]:
        """The z-transform of short impulse responses that start late: one transform each, whatever the delay.

        Args:
            taps: The coefficients.
            first: Time of the first of them, in samples; a little below zero is allowed.
        """
        times = first[:, None] + torch.arange(taps.shape[1], device=taps.device)
        inside = times < self.n
        damped = torch.where(inside, taps.double() * self.weights(torch.where(inside, times, 0)), 0.0)
        buffer = torch.zeros(taps.shape[0], self.size, dtype=torch.float64, device=taps.device)
        return torch.fft.rfft(buffer.scatter_add(1, torch.where(inside, times % self.size, 0), damped))

    def late(self, delay: int) -> Complex[torch.Tensor, " bins"]:
        """``z^-delay`` for a whole number of samples."""
        bins = torch.arange(self.size // 2 + 1, device=self.device)
        # Reduced in whole numbers first, so that the angle of a long delay at a high bin is exact.
        angle = torch.remainder(bins * delay, self.size).double() * (-2 * math.pi / self.size)
        return torch.polar(torch.full_like(angle, math.exp(-delay * self.log_radius)), angle)

    def filtered(
        self,
        spectrum: Complex[torch.Tensor, "b1 channels bins"],
        response: Complex[torch.Tensor, "b2 c bins"],
        chunk_bytes: int = CHUNK_BYTES,
    ) -> Float[torch.Tensor, "batch channels samples"]:
        """Return the sounds of products of spectra, as many settings at a time as `chunk_bytes` hold."""
        rows = max(1, chunk_bytes // (16 * self.size * spectrum.shape[1]))
        if response.shape[0] <= rows:
            return self.sound(spectrum * response)
        wide = spectrum.expand(response.shape[0], -1, -1)
        parts = [self.sound(s * r) for s, r in zip(wide.split(rows), response.split(rows), strict=True)]
        return torch.cat(parts)


def circle_filter(
    audio: Float[torch.Tensor, "b1 channels samples"],
    response: Callable[[Complex[torch.Tensor, " bins"]], torch.Tensor],
) -> Float[torch.Tensor, "batch channels samples"]:
    """Filters sounds by a stable, causal transfer function; exact to about 1e-9 of the output.

    Differentiable through the sound and through whatever the response is made of.

    Args:
        audio: Of any float type; the result has the same. One sound may meet many responses, and the reverse.
        response: Takes the points ``z``, complex128 and outside the unit circle, to the transfer function there,
            ``(batch, bins)`` or ``(batch, channels, bins)``. A few acausal taps do no harm.
    """
    circle = Circle(audio.shape[-1], audio.device)
    transfer = response(circle.z)
    transfer = transfer.unsqueeze(-2) if transfer.ndim < 3 else transfer
    transfer = transfer.expand(*transfer.shape[:-1], circle.size // 2 + 1)
    return circle.filtered(circle.spectrum(audio), transfer).to(audio.dtype)
