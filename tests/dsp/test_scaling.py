"""DDSP's amplitude scaling and its inverse."""

from __future__ import annotations

import math

import torch

from ddsp_match.dsp.scaling import exp_sigmoid, inverse_exp_sigmoid
from tests.compare import assert_close


def test_values_of_the_formula():
    x = torch.tensor([-1e3, 0.0, 1e3], dtype=torch.float64)
    middle = 2 * 0.5 ** math.log(10) + 1e-7
    assert_close(exp_sigmoid(x), torch.tensor([1e-7, middle, 2 + 1e-7], dtype=torch.float64), 1e-12)


def test_inverse():
    x = torch.linspace(-12, 4, 50, dtype=torch.float64)
    assert_close(inverse_exp_sigmoid(exp_sigmoid(x)), x, 1e-4)


def test_far_below_zero_a_step_is_so_many_db():
    x = torch.tensor([-8.0, -7.9, -5.0, -4.9], dtype=torch.float64)
    db = 20 * torch.log10(exp_sigmoid(x) - 1e-7)
    assert_close(db[1] - db[0], 0.1 * 20.0, 0.01)  # ln 10 nepers a unit is 20 dB a unit
    assert_close(db[3] - db[2], 0.1 * 20.0, 0.03)


def test_gradcheck():
    x = torch.linspace(-10, 5, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(exp_sigmoid, (x,))
