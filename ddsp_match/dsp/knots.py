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
    count, t = len(times), torch.arange(frames)
    if count == 1:
        return torch.ones(1, frames)
    left = (torch.searchsorted(times, t, right=True) - 1).clamp(0, count - 2)
    share = ((t - times[left]) / (times[left + 1] - times[left])).clamp(0, 1).float()
    weights = torch.zeros(count, frames)
    weights[left, t] = 1 - share
    weights[left + 1, t] = share
    return weights


def values_at(
    hats: Float[torch.Tensor, "knots frames"],
    values: Float[torch.Tensor, "dims frames"],
    weights: Float[torch.Tensor, "dims frames"],
) -> Float[torch.Tensor, "dims knots"]:
    """The values of the knots with the least weighted squared error."""
    basis, counts = hats.double(), weights.double() + LEAST_WEIGHT
    normal = torch.einsum("kt,dt,lt->dkl", basis, counts, basis) + RIDGE * torch.eye(len(hats), dtype=torch.float64)
    right = torch.einsum("kt,dt->dk", basis, counts * values.double())
    return torch.linalg.solve(normal, right.unsqueeze(-1)).squeeze(-1).to(values)
