"""First guesses of filters from a dry and a wet sound."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ddsp_match.effects import response_fit
from ddsp_match.effects.biquad import Bandpass, Highpass, HighShelf, Lowpass, LowShelf, Notch, Peak
from ddsp_match.effects.fir import Fir
from ddsp_match.effects.iir import Iir
from ddsp_match.effects.one_pole import OnePole
from ddsp_match.effects.processor import Processor, Values
from ddsp_match.effects.state_variable import StateVariable
from tests.compare import assert_close
from tests.effects.test_every_processor import noise, random_knobs

RATE = 24_000
DRY = noise(1, 2 * RATE)


def heard(part: Processor, knobs: Values, dry: np.ndarray = DRY) -> np.ndarray:
    return part(torch.from_numpy(dry)[None], RATE, **knobs)[0].numpy()


def error(part: Processor, guesses: list[dict], wet: np.ndarray, dry: np.ndarray = DRY) -> float:
    """Error-to-signal ratio of the best guess."""
    return min(float(np.square(heard(part, g, dry) - wet).sum() / np.square(wet).sum()) for g in guesses)


@pytest.mark.parametrize(
    ("part", "knobs"),
    [
        (Lowpass(), {"cutoff_hz": 900.0, "q": 2.0, "mix": 0.9}),
        (Highpass(), {"cutoff_hz": 3000.0, "q": 0.5, "mix": 1.0}),
        (Bandpass(), {"cutoff_hz": 700.0, "q": 4.0, "mix": 0.6}),
        (Notch(), {"cutoff_hz": 1500.0, "q": 1.0, "mix": 1.0}),
        (LowShelf(), {"cutoff_hz": 300.0, "q": 0.8, "gain_db": 9.0}),
        (HighShelf(), {"cutoff_hz": 5000.0, "q": 0.8, "gain_db": -15.0}),
        (Peak(), {"cutoff_hz": 2500.0, "q": 3.0, "gain_db": 12.0}),
        (OnePole(), {"cutoff_hz": 500.0, "mix": 1.0}),
        (StateVariable(sweep=False), {"cutoff_hz": 800.0, "q": 3.0, "low": 1.5, "band": -0.5, "high": 0.3}),
    ],
)
def test_a_clean_pair_tells_the_settings(part, knobs):
    wet = heard(part, knobs)
    result = part.guesses(DRY, wet, RATE)
    assert 1 <= len(result) <= 5
    assert error(part, result, wet) < 1e-3


@pytest.mark.parametrize("part", [Lowpass(), Peak(), StateVariable(sweep=False)])
def test_a_clipper_after_the_filter_hardly_moves_the_guess(part):
    wet = heard(part, random_knobs(part, 1, spread=0.7))
    clipped = np.clip(wet, -0.5 * wet.std(), 0.5 * wet.std())
    shares = []
    for guess in part.guesses(DRY, clipped, RATE):
        built = heard(part, guess)
        shares.append(1 - (built * wet).sum() ** 2 / (np.square(built).sum() * np.square(wet).sum()))
    # Up to the level, which the clipper took away.
    assert min(shares) < 0.02


def test_bands_that_the_dry_sound_does_not_explain_count_less():
    part = Peak()
    wet = heard(part, {"cutoff_hz": 400.0, "q": 1.0, "gain_db": 6.0})
    hiss = np.random.default_rng(7).standard_normal(wet.shape)
    hissing = wet + heard(Highpass(), {"cutoff_hz": 3000.0, "mix": 1.0}, 20 * hiss)
    assert error(part, part.guesses(DRY, hissing, RATE), wet) < 3e-3


@pytest.mark.parametrize("order", [1, 2, 4])
def test_the_recursion_is_found_to_rounding(order):
    part = Iir(order)
    wet = heard(part, random_knobs(part, 5, spread=0.8))
    assert error(part, part.guesses(DRY, wet, RATE), wet) < 1e-12


def test_noise_on_the_wet_side_leaves_the_recursion_near():
    part = Iir(2)
    wet = heard(part, part.settings(np.array([0.5, 0.2, 0.1]), np.poly([0.9, 0.5])))
    noisy = wet + 0.05 * wet.std() * np.random.default_rng(3).standard_normal(wet.shape)
    assert error(part, part.guesses(DRY, noisy, RATE), wet) < 1e-3


def test_taps_are_found():
    knobs = random_knobs(Fir(), 2)
    wet = heard(Fir(), knobs)
    result = Fir().guesses(DRY, wet, RATE)
    assert error(Fir(), result, wet) < 1e-5
    assert_close(result[0]["taps"], knobs["taps"], 0.05)


@pytest.mark.parametrize("part", [Lowpass(), Iir(), Fir()])
def test_silence_tells_nothing(part):
    silence = np.zeros_like(DRY)
    assert part.guesses(silence, DRY, RATE) == []


@pytest.mark.parametrize("n", [1, 50, 3000])
def test_short_sounds_are_measured_without_complaint(n):
    for guess in Lowpass().guesses(DRY[:, :n], 0.5 * DRY[:, :n], RATE):
        assert_close(heard(Lowpass(), guess, DRY[:, :100]).shape, (1, 100), 0)


def test_a_measured_response_is_the_filter_where_it_is_smooth():
    knobs = {"cutoff_hz": 1000.0, "q": 0.7, "mix": 1.0}
    measured = response_fit.measure(DRY, heard(Lowpass(), knobs), RATE)
    assert measured is not None
    expected = Lowpass().response(Lowpass().tensors(knobs), RATE, torch.from_numpy(measured.hz))[0].numpy()
    assert_close(np.abs(measured.response), np.abs(expected), 0.05)
    assert float(measured.weight[:60].min()) > 0.95
