"""The multi-resolution STFT loss against one fixed target."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

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
        workers: Threads that share the FFT sizes among them. The sum is made in the same order with any number.
    """

    def __init__(
        self,
        target: Float[torch.Tensor, "batch samples"],
        sizes: list[int],
        *,
        linear: float = 1.0,
        log: float = 1.0,
        convergence: float = 0.0,
        workers: int = 1,
    ) -> None:
        self.weights = (linear, log, convergence)
        self._sides = []
        for size in sizes:
            if size % OVERLAP:
                raise ValueError(f"FFT size {size} must be divisible by {OVERLAP}")
            window = torch.hann_window(size, device=target.device, dtype=target.dtype)
            magnitude = magnitudes(target, window)
            self._sides.append((window, magnitude, magnitude.log()))
        # Whole resolutions are the coarsest work to share: no two threads ever wait for each other inside one.
        self._pool = ThreadPoolExecutor(workers - 1, "stft") if workers > 1 else None

    def __call__(self, match: Float[torch.Tensor, "batch samples"]) -> Float[torch.Tensor, ""]:
        """The loss, differentiable with respect to `match`."""
        return _Distance.apply(match, self)

    def terms(self, match: Float[torch.Tensor, "batch samples"]) -> tuple[torch.Tensor, torch.Tensor]:
        """The three mean distances (linear, log, convergence) and the gradient of their weighted sum."""
        def one(side: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
            return magnitude_distance(match, *side, self.weights)

        if self._pool is None:
            results = [one(side) for side in self._sides]
        else:
            # This thread takes the last ones itself instead of only waiting.
            own = len(self._sides) // (self._pool._max_workers + 1)
            waiting = [self._pool.submit(torch.no_grad()(one), side) for side in self._sides[: len(self._sides) - own]]
            mine = [one(side) for side in self._sides[len(self._sides) - own :]]
            results = [future.result() for future in waiting] + mine
        distances = torch.stack([distance for distance, _ in results]).mean(0)
        gradient = torch.stack([slope for _, slope in results]).mean(0)
        return distances, gradient


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
