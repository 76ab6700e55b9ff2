"""Hard and soft clipping: curves that a listener could draw, and levels found again from a pair."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from ddsp_match.effects.clip import Clip, SoftClip
from tests.compare import assert_close

RATE = 24_000
GRID = np.linspace(-1.5, 1.5, 301)


def sound(n: int = 12_000, seed: int = 0) -> np.ndarray:
    return 0.3 * np.random.default_rng(seed).standard_normal((1, n))


def test_clip_cuts_at_its_levels():
    assert_close(Clip().curve(GRID, low=-0.3, high=0.7), np.clip(GRID, -0.3, 0.7), 0.0)


def test_clip_guess_finds_the_levels():
    dry = sound()
    wet = np.clip(dry, -0.21, 0.34)
    first, second = Clip().guesses(dry, wet, RATE)
    assert_close([first["low"], first["high"]], [-0.21, 0.34], 1e-12)
    assert_close([second["low"] / -0.21, second["high"] / 0.34], [1, 1], 0.09)


def test_clip_guess_behind_a_level_change():
    dry = sound()
    second = Clip().guesses(dry, 0.5 * np.clip(dry, -0.21, 0.34), RATE)[1]
    assert_close([second["low"] / -0.21, second["high"] / 0.34], [1, 1], 0.09)


def test_soft_clip_is_the_algebraic_sigmoid_at_hardness_two():
    depth = 10 ** (12 / 20) - 1
    wanted = GRID / np.sqrt(1 + (depth * GRID) ** 2)
    assert_close(SoftClip().curve(GRID, drive_db=12.0, hardness=2.0), wanted, 1e-12)


def test_soft_clip_keeps_small_samples_and_nears_its_ceiling():
    depth = 10 ** (20 / 20) - 1
    curve = SoftClip().curve(np.array([1e-4, 1e4]), drive_db=20.0, hardness=3.0)
    assert_close(curve, [1e-4, 1 / depth], 1e-8)


def test_hard_soft_clip_is_clip():
    depth = 10 ** (20 / 20) - 1
    near = SoftClip().curve(GRID, drive_db=20.0, hardness=20.0)
    assert_close(near, np.clip(GRID, -1 / depth, 1 / depth), 0.04 / depth)


def test_bias_makes_even_harmonics_and_no_offset_of_silence():
    t = np.arange(4800) / 4800
    wave = torch.from_numpy(0.5 * np.sin(2 * np.pi * 10 * t))[None, None]
    even = [SoftClip()(wave, RATE, drive_db=12.0, bias=bias)[0, 0] for bias in (0.0, 0.2)]
    levels = [float(torch.fft.rfft(one).abs()[20]) / 2400 for one in even]
    assert levels[0] < 1e-12
    assert levels[1] > 0.01
    assert_close(SoftClip().curve(np.zeros(1), drive_db=30.0, bias=0.3), [0.0], 1e-15)


def test_soft_clip_guess_bends_alike():
    dry = sound()
    wet = SoftClip().curve(dry[0], drive_db=14.0, hardness=4.0)[None]
    guess = SoftClip().guesses(dry, wet, RATE)[0]
    result = SoftClip().curve(dry[0], **guess)[None]
    errors = [np.square((one * wet).sum() / np.square(one).sum() * one - wet).sum() for one in (result, dry)]
    assert errors[0] < 0.05 * errors[1]


def test_soft_clip_guess_through_a_filter():
    dry = sound(seed=3)
    wet = lfilter([0.7], [1, -0.3], SoftClip().curve(dry[0], drive_db=20.0))[None]
    guess = SoftClip().guesses(dry, np.asarray(wet), RATE)[0]
    assert abs(float(guess["drive_db"]) - 20.0) < 8.0  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("part", [Clip(), SoftClip()])
def test_curves_have_no_memory(part):
    x = sound(50)
    knobs = {"low": -0.1, "high": 0.2} if isinstance(part, Clip) else {"drive_db": 20.0, "bias": 0.1}
    whole = part(torch.from_numpy(x)[None], RATE, **knobs)[0, 0].numpy()
    assert_close(whole, part.curve(x[0], **knobs), 0.0)


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 50), st.floats(1, 20), st.floats(-0.5, 0.5), st.floats(-1e3, 1e3))
def test_soft_clip_is_finite_and_shrinks_in_either_precision(drive, hardness, bias, level):
    for dtype in (torch.float32, torch.float64):
        x = torch.full((1, 1, 1), level, dtype=dtype, requires_grad=True)
        y = SoftClip()(x, RATE, drive_db=drive, hardness=hardness, bias=bias)
        y.sum().backward()
        assert bool(torch.isfinite(y).all())
        assert bool(torch.isfinite(x.grad).all())  # pyright: ignore[reportArgumentType]
        assert abs(y.item()) <= abs(level) + 2 * abs(bias) + 1e-4
