"""The scaling of free numbers to amplitudes that DDSP introduced, its inverse, and the shares and phasors of a fit.

Gradients are written out: these functions run in every step of a fit, and autograd would revisit each of their parts.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Complex, Float
from torch.autograd.function import once_differentiable

EXPONENT = 10.0
MAX_VALUE = 2.0
THRESHOLD = 1e-7
POWER = math.log(EXPONENT)


def exp_sigmoid(x: torch.Tensor, max_value: float | torch.Tensor = MAX_VALUE) -> torch.Tensor:
    """``max_value * sigmoid(x) ** ln 10 + 1e-7``: any number to an amplitude.

    Exponential far below zero, so that a step changes a quiet sound by as many dB as a loud one. Engel et al. 2020,
    "DDSP", appendix B.5.

    Args:
        x: Free numbers.
        max_value: The largest amplitude, or one for each number; it gets no gradient.
    """
    scaled: torch.Tensor = _ExpSigmoid.apply(x, max_value)  # pyright: ignore[reportAssignmentType]
    return scaled


def inverse_exp_sigmoid(y: torch.Tensor, max_value: float | torch.Tensor = MAX_VALUE) -> torch.Tensor:
    """The number that `exp_sigmoid` takes to `y`, for amplitudes clamped into its open range."""
    share = ((y - THRESHOLD) / max_value).clamp(1e-13, 1 - 1e-6)
    return torch.logit(share ** (1 / POWER))


def shares(
    x: Float[torch.Tensor, "batch partials frames"], audible: Float[torch.Tensor, "batch partials frames"]
) -> Float[torch.Tensor, "batch partials frames"]:
    """`exp_sigmoid` of free numbers, masked and normalised to sum to one over partials.

    Args:
        x: Free numbers.
        audible: 1 where a partial counts, 0 where not; where none counts, all shares are zero.
    """
    normalised: torch.Tensor = _Shares.apply(x, audible)  # pyright: ignore[reportAssignmentType]
    return normalised


def phasors(
    amplitude: Float[torch.Tensor, "batch frames"],
    distribution: Float[torch.Tensor, "batch partials frames"],
    phases: Float[torch.Tensor, "batch partials frames"],
) -> Complex[torch.Tensor, "batch partials frames"]:
    """``amplitude * distribution * exp(1j * phases)``."""
    numbers: torch.Tensor = _Phasors.apply(amplitude, distribution, phases)  # pyright: ignore[reportAssignmentType]
    return numbers


def _power(s: torch.Tensor) -> torch.Tensor:
    # Through the logarithm: a quarter of the time of `pow`, and as good.
    return s.log().mul_(POWER).exp_()


class _ExpSigmoid(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, max_value):  # pyright: ignore[reportIncompatibleMethodOverride]
        s = torch.sigmoid(x)
        above = _power(s).mul_(max_value)
        ctx.save_for_backward(s, above)
        return above + THRESHOLD

    @staticmethod
    @once_differentiable
    def backward(ctx, slope):  # pyright: ignore[reportIncompatibleMethodOverride]
        s, above = ctx.saved_tensors
        return torch.addcmul(above, above, s, value=-1).mul_(slope).mul_(POWER), None


class _Shares(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, audible):  # pyright: ignore[reportIncompatibleMethodOverride]
        s = torch.sigmoid(x)
        above = _power(s).mul_(audible).mul_(MAX_VALUE)
        distribution = torch.add(above, audible, alpha=THRESHOLD)
        inverse = distribution.sum(1, keepdim=True).clamp_(min=THRESHOLD).reciprocal_()
        distribution.mul_(inverse)
        ctx.save_for_backward(s, above, inverse, distribution)
        return distribution

    @staticmethod
    @once_differentiable
    def backward(ctx, slope):  # pyright: ignore[reportIncompatibleMethodOverride]
        s, above, inverse, distribution = ctx.saved_tensors
        common = (slope * distribution).sum(1, keepdim=True)
        gradient = (slope - common).mul_(inverse * POWER).mul_(above)
        return gradient.addcmul_(gradient, s, value=-1), None


class _Phasors(torch.autograd.Function):
    @staticmethod
    def forward(ctx, amplitude, distribution, phases):  # pyright: ignore[reportIncompatibleMethodOverride]
        size = distribution * amplitude.unsqueeze(1)
        # torch.polar takes three times as long as sine and cosine on their own.
        real, imaginary = phases.cos(), phases.sin()
        ctx.save_for_backward(amplitude, distribution, size, real, imaginary)
        return torch.complex(real * size, imaginary * size)

    @staticmethod
    @once_differentiable
    def backward(ctx, slope):  # pyright: ignore[reportIncompatibleMethodOverride]
        amplitude, distribution, size, real, imaginary = ctx.saved_tensors
        # The slope comes transposed from an FFT: put in order once, not in each product.
        to_real, to_imaginary = slope.real.contiguous(), slope.imag.contiguous()
        along = (to_real * real).addcmul_(to_imaginary, imaginary)
        across = (to_imaginary * real).addcmul_(to_real, imaginary, value=-1)
        to_amplitude = (along * distribution).sum(1)
        return to_amplitude, along.mul_(amplitude.unsqueeze(1)), across.mul_(size)
