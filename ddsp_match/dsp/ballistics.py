"""Envelope follower with separate attack and release (the memory of a compressor), and its gradient."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np
import torch
from jaxtyping import Float
from torch.autograd.function import once_differentiable


def share_per_sample(time_ms: torch.Tensor, sample_rate: int) -> torch.Tensor:
    """Return the share of the way that one sample covers, where 1 - 1/e of it takes `time_ms`."""
    return -torch.expm1(-1000 / (sample_rate * time_ms))


def share_at_cutoff(cutoff_hz: torch.Tensor, sample_rate: int) -> torch.Tensor:
    """Return the share of a one-pole lowpass of a cutoff frequency; at 0 Hz it does not move."""
    return -torch.expm1(-2 * math.pi * cutoff_hz / sample_rate)


def smooth(
    target: Float[torch.Tensor, "rows samples"],
    rise: Float[torch.Tensor, " settings"],
    fall: Float[torch.Tensor, " settings"],
    start: Float[torch.Tensor, " settings"],
) -> Float[torch.Tensor, "batch samples"]:
    """Follows a target: ``s[n] = s[n-1] + a (target[n] - s[n-1])``, a = rise where the target lies above, else fall.

    Equal speeds make a one-pole lowpass. Computed in float64; differentiable in all four arguments. The branch is
    taken as given, so the gradient is that of the smooth pieces.

    Args:
        target: One row, or as many as there are settings.
        rise: Share of the way up per sample, 0 to 1, one for each setting, or one for all.
        fall: Share of the way down, as many as `rise`.
        start: The value before the first sample, as many as `rise`.

    Source: D. Giannoulis, M. Massberg, J. D. Reiss, Digital Dynamic Range Compressor Design, JAES 60(6), 2012,
        eq. 16 (the branching detector, on any quantity).
    """
    smoothed: torch.Tensor = _Smooth.apply(target, rise, fall, start)  # pyright: ignore[reportAssignmentType]
    return smoothed


class _Smooth(torch.autograd.Function):
    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: torch.autograd.function.FunctionCtx,
        target: torch.Tensor,
        rise: torch.Tensor,
        fall: torch.Tensor,
        start: torch.Tensor,
    ) -> torch.Tensor:
        rows = max(len(target), len(rise))
        out = np.empty((rows, target.shape[1]))
        arrays = [_array(t) for t in (target, rise, fall, start)]
        _kernels().follow(*arrays, out)
        smoothed_rows = torch.from_numpy(out)
        # The state stays float64: a float32 copy could take the other branch on the way back.
        ctx.save_for_backward(target, rise, fall, start, smoothed_rows)
        return smoothed_rows.to(target)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: torch.autograd.function.FunctionCtx, slope: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        inputs = ctx.saved_tensors[:4]  # pyright: ignore[reportAttributeAccessIssue]
        smoothed_rows = ctx.saved_tensors[4].numpy()  # pyright: ignore[reportAttributeAccessIssue]
        slopes = [np.zeros(tuple(t.shape)) for t in inputs]
        _kernels().adjoint(*[_array(t) for t in inputs], smoothed_rows, _array(slope), *slopes)
        return tuple(torch.from_numpy(s).to(t) for s, t in zip(slopes, inputs, strict=True))


def _array(tensor: torch.Tensor) -> np.ndarray:
    return np.ascontiguousarray(tensor.detach().cpu().numpy(), dtype=np.float64)


def _kernels() -> ModuleType:
    from ddsp_match.dsp import ballistics_kernels

    return ballistics_kernels
