"""Loudness in dB: levels, weighting, silence, and where a frame sits."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch

from ddsp_match.analysis.loudness import FLOOR_DB, a_weighted_loudness
from ddsp_match.core.timebase import Timebase
from ddsp_match.dsp.loudness_weighting import a_weighting_power
from tests.compare import assert_close


def sine(hz: float, level: float = 1.0, rate: int = 16000) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hz * np.arange(rate) / rate)).astype(np.float32)


def test_the_curve_is_the_standards() -> None:
    hz = torch.tensor([31.5, 63.0, 125.0, 1000.0, 4000.0, 16000.0])
    expected = librosa.A_weighting(hz.numpy())
    assert_close(10 * torch.log10(a_weighting_power(hz)), expected, atol=0.01)
    assert float(a_weighting_power(torch.zeros(1))) == 0.0


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100])
@pytest.mark.parametrize(("hz", "level_db"), [(1000.0, -3.01), (100.0, -3.01 - 19.1), (3000.0, -3.01 + 1.2)])
def test_a_full_scale_sine(rate: int, hz: float, level_db: float) -> None:
    timebase = Timebase.at(rate)
    loudness = a_weighted_loudness(sine(hz, rate=rate)[None], timebase)
    assert loudness.shape == (1, timebase.frames(rate))
    assert_close(loudness[0, 10:-10], np.full(loudness.shape[1] - 20, level_db), atol=0.15)


def test_half_the_amplitude_is_six_db_less_in_each_channel() -> None:
    loudness = a_weighted_loudness(np.stack((sine(500.0), sine(500.0, 0.5))), Timebase.at(16000))
    assert_close(loudness[0] - loudness[1], torch.full_like(loudness[0], 6.02), atol=0.01)


def test_silence_is_the_floor() -> None:
    loudness = a_weighted_loudness(np.zeros((2, 1600), dtype=np.float32), Timebase.at(16000))
    assert_close(loudness, torch.full((2, 11), FLOOR_DB), atol=1e-4)


def test_a_burst_is_loudest_at_its_own_frame() -> None:
    samples = np.zeros((1, 400_000), dtype=np.float32)
    samples[0, 250_000:250_160] = sine(2000.0)[:160]
    loudness = a_weighted_loudness(samples, Timebase.at(16000))
    assert abs(int(loudness.argmax()) - 250_080 / 160) <= 0.51
