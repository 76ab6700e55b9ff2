"""The kernel of fractional delays against closed forms, and its smoothness."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsp_match.dsp.fractional_delay import HALF_WIDTH, delay_kernel, fir_response
from tests.compare import assert_close


def response(delay: float, cycles: np.ndarray, causal: bool = False) -> np.ndarray:
    first, taps = delay_kernel(torch.tensor([delay], dtype=torch.float64), causal=causal)
    times = first[0].item() + np.arange(taps.shape[1])
    return np.exp(-2j * np.pi * np.outer(cycles, times)) @ taps[0].numpy()


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("delay", [2, 3, 33, 47, 1000])
def test_a_whole_delay_is_one_impulse(delay, causal):
    first, taps = delay_kernel(torch.tensor([float(delay)], dtype=torch.float64), causal=causal)
    want = np.zeros(taps.shape[1])
    want[delay - first.item()] = 1.0
    assert_close(taps[0], want, 1e-15)


@pytest.mark.parametrize("delay", [0.5, 100.25, 999.9])
def test_a_sine_is_turned_by_its_phase(delay):
    cycles = np.array([0.0, 0.01, 0.2, 0.4])
    assert_close(response(delay, cycles), np.exp(-2j * np.pi * cycles * delay), 4e-6)


@pytest.mark.parametrize("whole", [2, 5, 33, 40, 500])
@pytest.mark.parametrize("causal", [True, False])
def test_nothing_jumps_at_whole_lengths(whole, causal):
    """Neither the response nor its slope differs between just below and just above."""
    cycles = np.linspace(0, 0.5, 101)
    step = 1e-5
    if whole == 2 and causal:
        whole = 3
    below, at, above = (response(whole + i * step, cycles, causal) for i in (-1, 0, 1))
    assert np.abs(above - below).max() < 10 * step
    assert np.abs(above - 2 * at + below).max() < 0.05 * np.abs(above - below).max()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.floats(0.0, 300.0))
def test_a_loop_kernel_is_causal_and_never_amplifies(delay):
    first, taps = delay_kernel(torch.tensor([delay], dtype=torch.float64), causal=True)
    times = first.item() + np.arange(2 * HALF_WIDTH)
    assert np.abs(taps[0].numpy()[times < 1]).max(initial=0.0) == 0.0
    assert np.abs(response(delay, np.linspace(0, 0.5, 301), causal=True)).max() < 1.0002


def test_slopes_in_the_length():
    delay = torch.tensor([2.7, 7.3, 33.2, 400.99], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda d: delay_kernel(d, 8, causal=True)[1], (delay,), atol=1e-4)
    assert torch.autograd.gradcheck(lambda d: delay_kernel(d, 8)[1], (delay,), atol=1e-4)


def test_the_response_at_given_frequencies():
    first, taps = delay_kernel(torch.tensor([0.3, 12345.6], dtype=torch.float64))
    hz = torch.tensor([0.0, 100.0, 9000.0, 12_000.0], dtype=torch.float64)
    expected = fir_response(taps, first, hz, 24_000)
    for row, delay in enumerate((0.3, 12345.6)):
        want = response(delay, hz.numpy() / 24_000)
        assert_close(torch.view_as_real(expected[row]), np.stack([want.real, want.imag], -1), 1e-9)
    assert math.isclose(abs(expected[0, 0]), 1.0, abs_tol=1e-6)
