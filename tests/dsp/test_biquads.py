"""Designs of second-order filters: closed forms, scipy, and stability everywhere in the ranges."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from ddsp_match.dsp import biquads, recursive
from tests.compare import assert_close

RATE = 24_000
DESIGNS = [
    biquads.lowpass,
    biquads.highpass,
    biquads.bandpass,
    biquads.notch,
    biquads.peak,
    biquads.low_shelf,
    biquads.high_shelf,
]


def level(coefficients: biquads.Coefficients, hz: float) -> float:
    b, a = coefficients
    return float(recursive.response(b, a, RATE, torch.tensor([hz], dtype=torch.float64)).abs().squeeze())


def design(kind, cutoff: float, q: float, gain_db: float = 0.0) -> biquads.Coefficients:
    return kind(*(torch.tensor(v, dtype=torch.float64) for v in (cutoff, q, gain_db)), RATE)


def analogue(kind, q: float, gain_db: float) -> tuple[list[float], list[float]]:
    """The prototypes of the cookbook, in units of the cutoff, highest power first."""
    a = 10 ** (gain_db / 40)
    return {
        biquads.lowpass: ([1], [1, 1 / q, 1]),
        biquads.highpass: ([1, 0, 0], [1, 1 / q, 1]),
        biquads.bandpass: ([1 / q, 0], [1, 1 / q, 1]),
        biquads.notch: ([1, 0, 1], [1, 1 / q, 1]),
        biquads.peak: ([1, a / q, 1], [1, 1 / (a * q), 1]),
        biquads.low_shelf: ([a, a**1.5 / q, a * a], [a, a**0.5 / q, 1]),
        biquads.high_shelf: ([a * a, a**1.5 / q, a], [1, a**0.5 / q, a]),
    }[kind]


@pytest.mark.parametrize("kind", DESIGNS)
@pytest.mark.parametrize(("cutoff", "q", "gain_db"), [(100.0, 0.7, 6.0), (3000.0, 4.0, -12.0), (11_000.0, 0.3, 20.0)])
def test_each_is_its_prototype_by_scipys_bilinear_transform(kind, cutoff, q, gain_db):
    top, bottom = analogue(kind, q, gain_db)
    warped = 1 / np.tan(np.pi * cutoff / RATE)
    b, a = signal.bilinear(top, bottom, fs=warped / 2)
    told_b, told_a = design(kind, cutoff, q, gain_db)
    # scipy leaves out leading zeros of what it expands, so compare what is heard.
    hz = torch.linspace(1.0, 11_900.0, 64, dtype=torch.float64)
    assert_close(recursive.response(told_b, told_a, RATE, hz), signal.freqz(b, a, hz.numpy(), fs=RATE)[1], 1e-8)


def test_levels_a_listener_could_name():
    assert_close(level(design(biquads.lowpass, 1000, 5.0), 1000), 5.0, 1e-9)
    assert_close(level(design(biquads.highpass, 1000, 5.0), 1000), 5.0, 1e-9)
    assert_close(level(design(biquads.lowpass, 1000, 0.7), 1e-3), 1.0, 1e-6)
    assert_close(level(design(biquads.bandpass, 1000, 8.0), 1000), 1.0, 1e-9)
    assert_close(level(design(biquads.notch, 1000, 8.0), 1000), 0.0, 1e-9)
    for gain_db in (-18.0, 9.0):
        gain = 10 ** (gain_db / 20)
        assert_close(level(design(biquads.peak, 1000, 2.0, gain_db), 1000), gain, 1e-9)
        assert_close(level(design(biquads.low_shelf, 1000, 0.7, gain_db), 1e-3), gain, 1e-6)
        assert_close(level(design(biquads.high_shelf, 1000, 0.7, gain_db), 12_000), gain, 1e-9)
        assert_close(level(design(biquads.low_shelf, 1000, 0.7, gain_db), 1000), gain**0.5, 1e-9)


def test_the_one_pole_is_down_by_3_db_near_its_cutoff_and_passes_dc():
    built = biquads.one_pole(torch.tensor(200.0, dtype=torch.float64), RATE)
    assert_close(level(built, 0.0), 1.0, 1e-12)
    assert abs(20 * np.log10(level(built, 200.0)) + 3.01) < 0.05


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(DESIGNS),
    st.floats(20, 20_000),
    st.floats(0.1, 30),
    st.floats(-30, 30),
    st.sampled_from([8000, 24_000, 96_000]),
)
def test_poles_lie_inside_the_circle_everywhere_in_the_ranges(kind, cutoff, q, gain_db, rate):
    b, a = kind(*(torch.tensor(v, dtype=torch.float64) for v in (cutoff, q, gain_db)), rate)
    # The stability triangle: Jury's conditions for a second order.
    assert abs(float(a[2])) < 1 and abs(float(a[1])) < 1 + float(a[2])
    assert bool(torch.isfinite(b).all())


@settings(max_examples=100, deadline=None)
@given(st.floats(20, 20_000), st.floats(0.1, 30), st.sampled_from([8000, 24_000, 96_000]))
def test_the_state_variable_filter_too(cutoff, q, rate):
    one = torch.tensor(1.0, dtype=torch.float64)
    b, a = biquads.state_variable(cutoff * one, q * one, (one, one, one), rate)
    assert abs(float(a[2])) < 1 and abs(float(a[1])) < 1 + float(a[2])
    assert_close(b, a, 1e-12)


@pytest.mark.parametrize("kind", DESIGNS)
def test_gradients_in_every_knob(kind):
    knobs = [torch.tensor([[v]], dtype=torch.float64, requires_grad=True) for v in (900.0, 1.3, 5.0)]
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 1, 50)))

    def heard(log_cutoff: torch.Tensor, q: torch.Tensor, gain_db: torch.Tensor) -> torch.Tensor:
        b, a = kind(100 * log_cutoff.exp(), q, gain_db, RATE)
        return recursive.sosfilt(x, b, a)

    assert torch.autograd.gradcheck(heard, (torch.full((1, 1), 2.0).double().requires_grad_(), *knobs[1:]))
