"""The A-weighting curve: loudness of a tone against frequency, at moderate levels (IEC 61672-1)."""

from __future__ import annotations

import torch
from jaxtyping import Float


def a_weighting_power(frequencies_hz: Float[torch.Tensor, "*shape"]) -> Float[torch.Tensor, "*shape"]:
    """The gain on power of A-weighting (IEC 61672-1, Annex E); 1 at 1 kHz, 0 at 0 Hz."""
    square = frequencies_hz.double() ** 2
    response = 12194.0**2 * square**2 / ((square + 20.6**2) * (square + 12194.0**2))
    response = response / torch.sqrt((square + 107.7**2) * (square + 737.9**2))
    return (response * 10 ** (2.0 / 20)).square().to(frequencies_hz.dtype)
