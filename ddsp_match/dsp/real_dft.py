"""The Fourier transform of short real sequences as two real matrices, so that it is a matrix product."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float


def analysis_matrix(n_samples: int, size: int, first: int = 0) -> Float[torch.Tensor, "rows n_samples"]:
    """The matrix that takes `n_samples` samples, zero-padded to `size`, to their spectrum.

    Rows ``2 b`` and ``2 b + 1`` give the real and the imaginary part of bin ``b``, for the
    ``size // 2 + 1`` bins.

    Args:
        n_samples: Length of the sequence.
        size: Length of the transform.
        first: Time of the first sample; negative where the sequence starts before time zero.
    """
    angle = _angles(torch.arange(first, first + n_samples), size)
    return torch.stack((angle.cos(), -angle.sin()), 1).flatten(0, 1).float()


def synthesis_matrix(n_samples: int, size: int) -> Float[torch.Tensor, "n_samples rows"]:
    """The matrix that takes a spectrum, laid out as by `analysis_matrix`, to its first samples."""
    angle = _angles(torch.arange(n_samples), size)
    weight = torch.full((size // 2 + 1, 1), 2.0 / size, dtype=torch.float64)
    weight[0] = 1.0 / size
    if size % 2 == 0:
        weight[-1] = 1.0 / size
    return torch.stack((weight * angle.cos(), -weight * angle.sin()), 1).flatten(0, 1).T.contiguous().float()


def _angles(times: torch.Tensor, size: int) -> torch.Tensor:
    bins = torch.arange(size // 2 + 1)
    # The product is reduced modulo the size first: exact integers, and small angles.
    return (2 * math.pi / size) * torch.remainder(bins[:, None] * times, size).double()
