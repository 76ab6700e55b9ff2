"""Pitches above the range of CREPE, 1975 Hz, that move: whistles, piccolos, birds."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_match.analysis.pitch import track
from ddsp_match.core.settings import F0Settings
from ddsp_match.core.timebase import Timebase

RATE = 44100
TIMES = np.arange(RATE // 2) / RATE
F0_HZ = {
    "a vibrato": 2500 * 2 ** (20 / 1200 * np.sin(2 * np.pi * 5 * TIMES)),
    "a glide": 2000 + 2000 * TIMES,
    "down into the range": 4000 * 2 ** (-2.4 * TIMES),
    "a bird": 3000 * 2 ** (0.2 * np.sin(2 * np.pi * 3 * TIMES)),
    "a bird in haste": 3000 * 2 ** (0.2 * np.sin(2 * np.pi * 7 * TIMES)),
}


@pytest.mark.parametrize("source", ["crepe", "pyin"])
@pytest.mark.parametrize("name", F0_HZ)
def test_a_high_pitch_is_followed(source, name):
    phase = 2 * np.pi * np.cumsum(F0_HZ[name]) / RATE
    fade = np.minimum(1, 50 * np.minimum(TIMES, TIMES[-1] - TIMES))
    sound = (0.2 * fade * sum(np.sin(k * phase) / k for k in (1, 2, 3))).astype(np.float32)
    timebase = Timebase.at(RATE)
    pitch = track(sound, timebase, F0Settings(source=source))
    true_hz = np.interp(timebase.times(len(pitch.f0_hz)), TIMES, F0_HZ[name])
    assert pitch.voiced.mean() > 0.9
    cents = np.abs(1200 * np.log2(pitch.f0_hz / true_hz))[pitch.voiced]
    assert np.median(cents) < 2 and np.quantile(cents, 0.95) < 20


def test_noise_gets_no_high_pitch():
    noise = 0.1 * np.random.default_rng(0).standard_normal(RATE // 2).astype(np.float32)
    assert not track(noise, Timebase.at(RATE), F0Settings()).pitched


def test_bright_noise_has_no_high_pitch() -> None:
    noise = np.random.default_rng(0).standard_normal(16000).astype(np.float32)
    assert not track(0.1 * np.diff(noise, 3), Timebase.at(16000), F0Settings(model="tiny")).voiced.any()


def test_a_bright_sound_of_a_low_pitch_keeps_it() -> None:
    """Harmonics from 1800 Hz up, and a fundamental that is hardly there."""
    amplitudes = {1: 0.01, **dict.fromkeys(range(6, 14), 0.05)}
    sound = sum(a * np.sin(2 * np.pi * 300 * k * TIMES) for k, a in amplitudes.items())
    pitch = track(np.asarray(sound, dtype=np.float32), Timebase.at(RATE), F0Settings(model="tiny"))
    assert pitch.voiced[12:-12].all() and np.abs(1200 * np.log2(pitch.f0_hz / 300))[14:-14].max() < 3
