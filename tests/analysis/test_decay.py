"""Decays of known speed, with and without a noise floor."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_match.analysis.decay import rt60
from ddsp_match.dsp.decay import decay
from tests.compare import assert_close

RATE = 24_000


def decaying(rt60_s: float, floor_db: float | None, seed: int, seconds: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    n = round((seconds or 2 * rt60_s) * RATE)
    ir = rng.standard_normal(n) * 10 ** (-3 * np.arange(n) / RATE / rt60_s)
    if floor_db is not None:
        ir = ir + 10 ** (floor_db / 20) * rng.standard_normal(n)
    return np.concatenate([np.zeros(100), ir])


def test_an_exponential_without_any_noise():
    t = np.arange(RATE) / RATE
    result = decay(10 ** (-3 * t / 0.4), RATE)
    assert abs(result.rt60_s / 0.4 - 1) < 0.01
    assert result.span_db == 30


@pytest.mark.parametrize("floor_db", [None, -60.0, -50.0, -40.0])
@pytest.mark.parametrize("true_s", [0.3, 1.5])
def test_octaves_of_noise(true_s, floor_db):
    result = [rt60(decaying(true_s, floor_db, seed), RATE) for seed in range(5)]
    assert all(each.valid.all() for each in result)
    times = np.mean([each.rt60_s for each in result], axis=0) / true_s
    # How much an octave of noise says grows with its width: 125 Hz for 0.3 s holds 26 independent numbers.
    spread = 1.1 / np.sqrt(result[0].bands_hz * 0.7 * true_s * len(result)) * (1.6 if floor_db == -40 else 1)
    assert (np.abs(times - 1) < np.maximum(0.03, 3 * spread)).all()
    assert abs(times[3:].mean() - 1) < 0.03


def test_another_speed_in_each_band():
    low, high = decaying(1.2, None, 0, 2.0), decaying(0.4, None, 1, 2.0)
    spectrum = np.fft.rfft(low)
    hz = np.fft.rfftfreq(len(low), 1 / RATE)
    spectrum[hz > 1000] = np.fft.rfft(high)[hz > 1000]
    result = rt60(np.fft.irfft(spectrum, len(low)), RATE, [250, 4000])
    assert_close(result.rt60_s, [1.2, 0.4], 0.1)


def test_silence_added_behind_the_floor_changes_little():
    ir = decaying(0.5, -45.0, 3)
    padded = np.concatenate([ir, np.zeros(RATE)])
    assert_close(rt60(padded, RATE, [1000, 4000]).rt60_s, rt60(ir, RATE, [1000, 4000]).rt60_s, 0.015)


def test_a_constant_offset_is_no_decay():
    ir = decaying(0.5, None, 4)
    assert_close(rt60(ir + 1e-3, RATE, [500, 4000]).rt60_s, rt60(ir, RATE, [500, 4000]).rt60_s, 0.02)


def test_bands_without_energy_or_decay_are_not_valid():
    spectrum = np.fft.rfft(decaying(0.5, None, 5))
    hz = np.fft.rfftfreq(2 * len(spectrum) - 2, 1 / RATE)
    spectrum[(hz < 900) | (hz > 3000)] *= 1e-5
    assert rt60(np.fft.irfft(spectrum), RATE, [125, 1000, 2000]).valid.tolist() == [False, True, True]
    steady = rt60(np.random.default_rng(6).standard_normal(RATE), RATE, [1000])
    assert not steady.valid.any()
    assert not rt60(np.zeros(RATE), RATE).valid.any()


def test_bands_go_as_far_as_the_sample_rate():
    assert len(rt60(decaying(0.3, None, 7), 8000).bands_hz) == 6
    expected = rt60(decaying(0.3, None, 7), RATE, [125, 16_000])
    assert expected.valid.tolist() == [True, False]


def test_the_curve_starts_at_zero_and_falls():
    curve = rt60(decaying(0.5, -50.0, 8), RATE, [2000]).edc_db[0]
    assert curve[0] == 0
    assert curve[RATE // 4] < -25
