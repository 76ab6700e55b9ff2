"""The multi-resolution STFT loss against one fixed target."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import torch
from jaxtyping import Float

from ddsp_match.dsp.rows import Rows
from ddsp_match.dsp.spectra import OVERLAP, TargetSpectra, magnitude_distance
from ddsp_match.dsp.spectra_compiled import CompiledTarget, compilable, compiled_distance

SIZES_AT_16_KHZ = (2048, 1024, 512, 256, 128, 64)
# A rendering to the three distances of each sound, and the gradient of their weighted sum.
Resolution = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


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
        owners: Sound of each row, counted from 0, where there are several; None: all rows are one sound's.
        lengths: Samples of each row, where they differ; what lies behind is padding.
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
        owners: Sequence[int] | None = None,
        lengths: Sequence[int] | None = None,
    ) -> None:
        self.weights = (linear, log, convergence)
        self.rows = Rows(target.shape[0], target.shape[1], owners, lengths, target.device)
        self._several = owners is not None
        self._resolutions: list[Resolution] = []
        for size in sizes:
            if size % OVERLAP:
                raise ValueError(f"FFT size {size} must be divisible by {OVERLAP}")
            if compilable(target):
                compiled = CompiledTarget.of(target, size, self.rows)
                self._resolutions.append(partial(compiled_distance, target=compiled, weights=self.weights))
            else:
                spectra = TargetSpectra.of(target, size, self.rows)
                self._resolutions.append(partial(magnitude_distance, target=spectra, weights=self.weights))
        # Whole resolutions are the coarsest work to share: no two threads ever wait for each other inside one.
        self._pool = ThreadPoolExecutor(workers - 1, "stft") if workers > 1 else None

    def __call__(self, match: Float[torch.Tensor, "batch samples"]) -> torch.Tensor:
        """The loss, differentiable with respect to `match`: one number, or ``(sounds,)`` where owners were given."""
        distance = _Distance.apply(match, self)
        assert isinstance(distance, torch.Tensor)
        return distance if self._several else distance[0]

    def terms(
        self, match: Float[torch.Tensor, "batch samples"]
    ) -> tuple[Float[torch.Tensor, "sounds 3"], Float[torch.Tensor, "batch samples"]]:
        """Each sound's mean distances (linear, log, convergence) and the gradient of their weighted sum."""
        if self._pool is None:
            results = [one(match) for one in self._resolutions]
        else:
            # This thread takes the last ones itself instead of only waiting.
            shared = len(self._resolutions) - len(self._resolutions) // (self._pool._max_workers + 1)
            waiting = [self._pool.submit(torch.no_grad()(one), match) for one in self._resolutions[:shared]]
            mine = [one(match) for one in self._resolutions[shared:]]
            results = [future.result() for future in waiting] + mine
        distances = torch.stack([distance for distance, _ in results]).mean(0)
        gradient = results[0][1]
        for _, slope in results[1:]:
            gradient += slope
        return distances, gradient.div_(len(results))


class _Distance(torch.autograd.Function):
    @staticmethod
    def forward(ctx, match, loss: MultiResolutionSTFT):
        distances, gradient = loss.terms(match)
        ctx.save_for_backward(gradient)
        ctx.rows = loss.rows
        return sum(w * d for w, d in zip(loss.weights, distances.unbind(1), strict=True) if w)

    @staticmethod
    def backward(ctx, upstream):
        (gradient,) = ctx.saved_tensors
        return gradient * ctx.rows.spread(upstream).unsqueeze(1), None
