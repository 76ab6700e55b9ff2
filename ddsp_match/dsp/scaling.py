"""The scaling of free numbers to amplitudes that DDSP introduced, and its inverse."""

from __future__ import annotations

import math

import torch

EXPONENT = 10.0
MAX_VALUE = 2.0
THRESHOLD = 1e-7


def exp_sigmoid(x: torch.Tensor, max_value: float = MAX_VALUE) -> torch.Tensor:
    """``max_value * sigmoid(x) ** ln 10 + 1e-7``: any number to an amplitude.

    Exponential far below zero, so that a step changes a quiet sound by as many dB as a loud one. Engel et al. 2020,
    "DDSP", appendix B.5.
    """
    return max_value * torch.sigmoid(x) ** math.log(EXPONENT) + THRESHOLD


def inverse_exp_sigmoid(y: torch.Tensor, max_value: float = MAX_VALUE) -> torch.Tensor:
    """The number that `exp_sigmoid` takes to `y`, for amplitudes clamped into its open range."""
    share = ((y - THRESHOLD) / max_value).clamp(1e-13, 1 - 1e-6)
    return torch.logit(share ** (1 / math.log(EXPONENT)))
