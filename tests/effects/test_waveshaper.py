"""The curve through points: through its points, smooth, linear in them, and found again by least squares."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ddsp_match.effects.waveshaper import Waveshaper
from tests.compare import assert_close

RATE = 24_000
PLACES = np.sign(np.linspace(-1, 1, 9)) * np.linspace(-1, 1, 9) ** 2
BENT = np.tanh(2 * PLACES)


def test_passes_through_its_points():
    assert_close(Waveshaper().curve(PLACES, curve=BENT), BENT, 1e-12)


def test_has_no_kinks():
    near = np.sort(np.concatenate([PLACES - 1e-5, PLACES + 1e-5]))
    steps = np.diff(Waveshaper().curve(np.repeat(near, 2) + np.tile([-5e-7, 5e-7], 18), curve=BENT))[::2] / 1e-6
    assert_close(steps[::2], steps[1::2], 1e-3)


def test_parabolas_come_out_exactly():
    grid = np.linspace(-1, 1, 101)
    assert_close(Waveshaper().curve(grid, curve=PLACES**2), grid**2, 1e-12)


def test_goes_straight_on_beyond_the_ends():
    curve = Waveshaper().curve(np.array([1.0, 2.0, 3.0]), curve=PLACES**2)
    assert_close(curve, [1.0, 3.0, 5.0], 1e-12)


def test_more_points_come_nearer_to_a_sharp_bend():
    grid = np.linspace(-1, 1, 401)
    errors = []
    for points in (9, 33):
        places = np.sign(np.linspace(-1, 1, points)) * np.linspace(-1, 1, points) ** 2
        errors.append(np.abs(Waveshaper(points).curve(grid, curve=np.tanh(6 * places)) - np.tanh(6 * grid)).max())
    assert errors[1] < 0.2 * errors[0]


def test_a_row_of_another_length_and_even_points_are_refused():
    with pytest.raises(ValueError, match="odd"):
        Waveshaper(8)


def test_the_guess_is_the_curve():
    dry = np.random.default_rng(0).uniform(-1, 1, (2, 4000))
    wet = Waveshaper()(torch.from_numpy(dry)[None], RATE, curve=BENT)[0].numpy()
    guess = Waveshaper().guesses(dry, wet, RATE)[0]
    assert_close(guess["curve"], BENT, 1e-4)


def test_the_guess_of_a_quiet_sound_keeps_to_what_was_heard():
    dry = 0.1 * np.random.default_rng(0).uniform(-1, 1, (1, 4000))
    guess = Waveshaper().guesses(dry, 0.5 * dry, RATE)[0]
    assert_close(guess["curve"], 0.5 * PLACES, 1e-3)
