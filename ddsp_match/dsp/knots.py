"""Curves of straight lines between knots: where the knots should lie, and the best values there.

The knots with the least sum of squared errors and a price for each are found exactly, by dynamic programming over the
frames (Bellman 1961, "On the approximation of curves by line segments using dynamic programming").
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int

LEAST_WEIGHT = 1e-4  # where nothing counts a curve is still kept from going anywhere
RIDGE = 1e-6


class KnotSearch:
    """Finds the knots of a curve for any price.

    Args:
        values: The curve, ``(dims, frames)``; all its dimensions share the knots.
        weights: What a squared error counts at each place.
        longest: Most frames between two knots.
    """

    def __init__(
        self, values: Float[torch.Tensor, "dims frames"], weights: Float[torch.Tensor, "dims frames"], longest: int
    ) -> None:
        from ddsp_match.dsp import knots_kernels

        rows = np.ascontiguousarray(values.T.double().cpu().numpy())
        counts = np.ascontiguousarray(weights.T.double().cpu().numpy()) + LEAST_WEIGHT
        self.frames, self.dims = rows.shape
        self._kernels = knots_kernels
        self._costs = knots_kernels.line_costs(rows, counts, max(1, min(longest, self.frames - 1)))
        mean = (counts * rows).sum(0) / counts.sum(0)
        self._constant = float((counts * (rows - mean) ** 2).sum()) if self.frames <= longest else np.inf

    def at(self, price: float) -> Int[np.ndarray, " knots"]:
        """The frames of the knots at a price for each; one knot alone stands for a constant."""
        if self.frames == 1 or not self.dims:
            return np.zeros(1, np.int64)
        knots, total = self._kernels.cheapest(self._costs, price)
        return np.zeros(1, np.int64) if self._constant + price < total else knots


def hats(times: Int[torch.Tensor, " knots"], frames: int) -> Float[torch.Tensor, "knots frames"]:
    """The share of every knot in every frame: values ``(dims, knots)`` times these are the curve.

    Args:
        times: Frames of the knots, rising; before the first and behind the last the curve is level.
        frames: Frames of the curve, from 0.
    """
    left, share = _places(times, frames)
    weights, t = torch.zeros(len(times), frames), torch.arange(frames)
    weights[left + (1 if len(times) > 1 else 0), t] = share
    weights[left, t] = 1 - share
    return weights


def curve(
    times: Int[torch.Tensor, " knots"], values: Float[torch.Tensor, "dims knots"], frames: int
) -> Float[torch.Tensor, "dims frames"]:
    """Curves of straight lines between knots, at every frame; level beyond the outer ones."""
    if len(times) == 1:
        return values.expand(-1, frames).clone()
    left, share = _places(times, frames)
    return values[:, left] * (1 - share) + values[:, left + 1] * share


def values_at(
    times: Int[torch.Tensor, " knots"],
    values: Float[torch.Tensor, "dims frames"],
    weights: Float[torch.Tensor, "dims frames"],
) -> Float[torch.Tensor, "dims knots"]:
    """The values of the knots with the least weighted squared error: a tridiagonal system for each dimension."""
    from ddsp_match.dsp import knots_kernels

    left, share = _places(times, values.shape[1])
    share = share.double()
    counts, right = weights.double() + LEAST_WEIGHT, min(1, len(times) - 1)
    empty = counts.new_zeros(len(values), len(times))
    diagonal = empty + RIDGE
    diagonal.index_add_(1, left, counts * (1 - share).square()).index_add_(1, left + right, counts * share.square())
    beside = empty.clone().index_add_(1, left, counts * share * (1 - share))
    moment = counts * values.double()
    sums = empty.clone().index_add_(1, left, moment * (1 - share)).index_add_(1, left + right, moment * share)
    solved = knots_kernels.solve_tridiagonal(diagonal.numpy(), beside.numpy(), sums.numpy())
    return torch.from_numpy(solved).to(values)


def _places(times: Int[torch.Tensor, " knots"], frames: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The knot at or before each frame, as its place, and the share of the one behind it."""
    t = torch.arange(frames)
    if len(times) == 1:
        return torch.zeros_like(t), torch.zeros(frames)
    left = (torch.searchsorted(times, t, right=True) - 1).clamp(0, len(times) - 2)
    return left, ((t - times[left]) / (times[left + 1] - times[left])).clamp(0, 1).float()
