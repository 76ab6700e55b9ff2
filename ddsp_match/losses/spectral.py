"""The multi-resolution STFT loss against one fixed target."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float

from ddsp_match.dsp.spectra import OVERLAP, magnitude_distance, magnitudes

SIZES_AT_16_KHZ = (2048, 1024, 512, 256, 128, 64)


def sizes_for(sample_rate: int) -> list[int]:
    """FFT sizes that last about as long at any rate as the six of the seed recipe do at 16 kHz.

    They are scaled by a power of two, or one and a half times that, so that the transforms stay fast.
    """
    wanted = sample_rate / 16_000
    factors = [f * 2.0**e for e in range(-2, 4) for f in (1.0, 1.5)]
    factor = min(factors, key=lambda f: abs(math.log(f / wanted)))
    return [max(16, int(size * factor)) for size in SIZES_AT_16_KHZ]


class MultiResolutionSTFT:
    """Mean over FFT sizes of the distances between magnitude spectra; equal to auraloss' loss of that name.

    The target's spectra are computed once. Steinmetz and Reiss 2020, "auraloss: audio focused loss functions in
    PyTorch"; Yamamoto et al. 2020, "Parallel WaveGAN", for the multi-resolution loss itself.

    Args:
        target: The signals that are to be matched.
        sizes: FFT sizes in samples, divisible by 4; the window is as long, the hop a quarter of it.
        linear: Weight of the mean absolute difference of magnitudes.
        log: Weight of the mean absolute difference of log magnitudes.
        convergence: Weight of the spectral convergence; its norm of the target is floored so that silence is finite.
    """

    def __init__(
        self,
        target: Float[torch.Tensor, "batch samples"],
        sizes: list[int],
        *,
        linear: float = 1.0,
        log: float = 1.0,
        convergence: float = 0.0,
    ) -> None:
        self.weights = (linear, log, convergence)
        self._sides = []
        for size in sizes:
            if size % OVERLAP:
                raise ValueError(f"FFT size {size} must be divisible by {OVERLAP}")
            window = torch.hann_window(size, device=target.device, dtype=target.dtype)
            magnitude = magnitudes(target, window)
            self._sides.append((window, magnitude, magnitude.log()))

    def __call__(self, match: Float[torch.Tensor, "batch samples"]) -> Float[torch.Tensor, ""]:
        """The loss, differentiable with respect to `match`."""
        return _Distance.apply(match, self)

    def terms(self, match: Float[torch.Tensor, "batch samples"]) -> tuple[torch.Tensor, torch.Tensor]:
        """The three mean distances (linear, log, convergence) and the gradient of their weighted sum."""
        gradient = torch.zeros_like(match)
        distances = match.new_zeros(3)
        for window, magnitude, log_magnitude in self._sides:
            part, slope = magnitude_distance(match, window, magnitude, log_magnitude, self.weights)
            distances += part
            gradient += slope
        return distances / len(self._sides), gradient / len(self._sides)


class _Distance(torch.autograd.Function):
    @staticmethod
    def forward(ctx, match, loss: MultiResolutionSTFT):
        distances, gradient = loss.terms(match)
        ctx.save_for_backward(gradient)
        return sum(w * d for w, d in zip(loss.weights, distances, strict=True) if w)

    @staticmethod
    def backward(ctx, upstream):
        (gradient,) = ctx.saved_tensors
        return gradient * upstream, None
