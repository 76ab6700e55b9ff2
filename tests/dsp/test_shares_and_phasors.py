"""The scalings whose gradients are written out, against autograd's of the plain definition."""

from __future__ import annotations

import math

import pytest
import torch

from ddsp_match.dsp.scaling import THRESHOLD, exp_sigmoid, phasors, shares
from tests.compare import assert_close


def plain_exp_sigmoid(x, top=2.0):
    return top * torch.sigmoid(x) ** math.log(10.0) + THRESHOLD


def plain_shares(x, audible):
    scaled = plain_exp_sigmoid(x) * audible
    return scaled / scaled.sum(1, keepdim=True).clamp(min=THRESHOLD)


def randn(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def value_and_slopes(function, weight, *inputs):
    inputs = [x.clone().requires_grad_() for x in inputs]
    value = function(*inputs)
    (value * weight).sum().backward()
    return [value.detach(), *(x.grad for x in inputs)]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_top_for_each_row(dtype):
    x, top = (6 * randn(3, 5)).to(dtype), torch.tensor([[2.0], [4.0], [16.0]], dtype=dtype)
    weight = randn(3, 5, seed=1).to(dtype)
    result = value_and_slopes(lambda x: exp_sigmoid(x, top), weight, x)
    expected = value_and_slopes(lambda x: plain_exp_sigmoid(x, top), weight, x)
    for one, other in zip(result, expected, strict=True):
        assert_close(one, other, 1e-12 if dtype == torch.float64 else 1e-5)


def test_far_numbers_stay_finite():
    x = torch.tensor([-1e4, -200.0, -88.0, 88.0, 1e4])
    value, slope = value_and_slopes(exp_sigmoid, torch.ones(5), x)
    assert_close(value, [1e-7, 1e-7, 1e-7, 2.0, 2.0], 1e-6)
    assert_close(slope, torch.zeros(5), 1e-6)


def test_shares_and_their_slopes():
    x, weight = 4 * randn(2, 6, 3), randn(2, 6, 3, seed=1)
    audible = (torch.arange(6).view(1, 6, 1) < torch.tensor([6, 3, 0])).double().expand(2, 6, 3)
    result = value_and_slopes(lambda x: shares(x, audible), weight, x)
    expected = value_and_slopes(lambda x: plain_shares(x, audible), weight, x)
    for one, other in zip(result, expected, strict=True):
        assert_close(one, other, 1e-12)
    assert_close(result[0].sum(1), [[1, 1, 0], [1, 1, 0]], 1e-12)


def test_phasors_and_their_slopes():
    amplitude, distribution, phases = randn(2, 4).abs(), randn(2, 3, 4).abs(), 3 * randn(2, 3, 4, seed=2)
    # As the slope comes from an FFT: transposed.
    weight = torch.complex(randn(2, 4, 3, seed=3), randn(2, 4, 3, seed=4)).mT

    def real(function):
        return lambda *inputs: torch.view_as_real(function(*inputs))

    def plain(amplitude, distribution, phases):
        return torch.polar(amplitude.unsqueeze(1) * distribution, phases)

    inputs = (amplitude, distribution, phases)
    result = value_and_slopes(real(phasors), torch.view_as_real(weight), *inputs)
    expected = value_and_slopes(real(plain), torch.view_as_real(weight), *inputs)
    for one, other in zip(result, expected, strict=True):
        assert_close(one, other, 1e-12)
    assert torch.autograd.gradcheck(phasors, [x.requires_grad_() for x in inputs])
