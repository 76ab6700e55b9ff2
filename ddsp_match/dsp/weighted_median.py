"""The weighted median."""

from __future__ import annotations

import torch
from jaxtyping import Float


def weighted_median(values: Float[torch.Tensor, " n"], weights: Float[torch.Tensor, " n"]) -> float:
    """The least value that, with all below it, has half of the weight; the plain median where nothing weighs.

    Args:
        values: At least one.
        weights: Not negative.
    """
    order = values.argsort()
    heap = weights.double()[order].cumsum(0)
    if not heap[-1] > 0:
        return float(values.median())
    return float(values[order[int(torch.searchsorted(heap, heap[-1] / 2))]])
