"""Seams of a loop and levels of a held note."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.held_note import flux_ratio, level_stray_db
from ddsp_match.core.audio import Audio

RATE, SECONDS = 16_000, 6.0
TIME = np.arange(round(RATE * SECONDS)) / RATE


def looped(wave: np.ndarray, first_s: float, end_s: float) -> Audio:
    first, end = round(first_s * RATE), round(end_s * RATE)
    rounds = int(SECONDS * RATE / (end - first)) + 1
    return Audio(np.concatenate([wave[:end], *[wave[first:end]] * rounds]).astype(np.float32)[None], RATE)


def tones(f0_hz: float) -> np.ndarray:
    noise = 0.01 * np.random.default_rng(0).standard_normal(len(TIME))
    return sum(np.sin(2 * np.pi * k * f0_hz * TIME) / k for k in (1, 2, 3)) * 0.2 + noise


def test_a_loop_of_whole_periods_has_no_seam():
    assert flux_ratio(looped(tones(200.0), 1.0, 1.8), 1.0, 1.8, SECONDS) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("f0_hz", [200.6, 211.9])
def test_a_loop_that_clicks_has_one(f0_hz):
    assert flux_ratio(looped(tones(f0_hz), 1.0, 1.8), 1.0, 1.8, SECONDS) > 1.5


def test_a_tone_without_noise_is_not_divided_by_nothing():
    pure = np.sin(2 * np.pi * 250 * TIME)
    assert flux_ratio(looped(pure, 1.0, 1.8), 1.0, 1.8, SECONDS) == pytest.approx(1.0, abs=0.01)


def test_a_level_strays_by_its_deepest_dip():
    gain = np.where((TIME > 3.0) & (TIME < 3.2), 0.5, 1.0)
    steady = tones(200.0)
    assert level_stray_db(Audio((gain * steady)[None], RATE), 0.5, 5.0) == pytest.approx(6.0, abs=0.1)
    assert level_stray_db(Audio(steady[None], RATE), 0.5, 5.0) < 0.2
