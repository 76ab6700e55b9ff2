"""Mixtures of known parts, and the errors of a noise stem."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.stem_truth import HOP, RATE, N, band_powers, harmonics_of, made_noise, made_tone, mixture, noise_of
from benchmarks.stem_truth import noise_errors as errors


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def power_db(samples: np.ndarray) -> float:
    return 10 * np.log10(np.square(samples.astype(float)).mean())


@pytest.mark.parametrize("level_db", [0, -30])
def test_the_parts_sum_to_the_sound_at_the_level_asked_for(level_db):
    made = mixture("", made_tone(220.0, 20.0, 6.0, -6.0, rng()), made_noise(rng(), -3.0, 900.0), level_db)
    assert np.array_equal(made.sound, made.tone + made.noise)
    assert power_db(made.noise) - power_db(made.tone) == pytest.approx(level_db, abs=0.01)
    assert np.abs(made.sound).max() == pytest.approx(0.5, abs=1e-3)


def test_a_noise_stem_is_judged_by_level_and_bands():
    true = made_noise(rng(), 0.0, None)
    assert errors(true, true) == (0.0, 0.0)
    assert errors(true, 0.5 * true) == pytest.approx((-6.02, 6.02), abs=0.01)
    level_db, bands_db = errors(true, made_noise(np.random.default_rng(4), 0.0, None))
    assert abs(level_db) < 0.5 and bands_db < 1.0  # another draw of the same noise


def test_silence_in_place_of_the_noise_is_a_finite_error():
    level_db, bands_db = errors(made_noise(rng(), 0.0, None), np.zeros(N))
    assert level_db < -100 and 40 < bands_db <= 60


def test_a_band_holds_the_tone_that_lies_in_it():
    tone = np.sin(2 * np.pi * 7000 * np.arange(N) / RATE)
    assert band_powers(tone).argmax() == 11


def test_tone_and_noise_are_told_apart_in_a_note():
    tone, noise = made_tone(261.63, 0.0, 0.0, -6.0, rng()), made_noise(rng(), -3.0, None)
    made = mixture("", tone, noise, -20)
    heard = (made.sound.astype(float), 261.63)
    middle = slice(10 * HOP, -10 * HOP)
    assert power_db((harmonics_of(heard) - made.tone)[middle]) < power_db(made.tone[middle]) - 24
    assert power_db(noise_of(heard, rng())[middle]) == pytest.approx(power_db(made.noise[middle]), abs=2.5)
