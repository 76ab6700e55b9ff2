"""Silence, and noise as loud as the target."""

from __future__ import annotations

import numpy as np

from ddsp_match.core.audio import Audio
from ddsp_match.score.references import references
from tests.compare import assert_close


def test_the_references_are_silent_and_as_loud(tone):
    target = tone(channels=2)
    made = references(target)
    assert not made["silence"].samples.any()
    noise = made["white noise"].samples
    assert noise.dtype == np.float32 and noise.shape == target.samples.shape
    assert_close(noise.std(1), target.samples.std(1), 1e-4)
    spectrum = np.abs(np.fft.rfft(noise[0])) ** 2
    assert_close(spectrum[:4000].mean() / spectrum[4000:].mean(), 1.0, 0.1)
    assert abs(np.corrcoef(noise)[0, 1]) < 0.05


def test_the_same_target_gives_the_same_noise(tone):
    assert_close(references(tone())["white noise"].samples, references(tone())["white noise"].samples, 0)


def test_a_silent_channel_stays_silent(tone):
    samples = tone(channels=2).samples.copy()
    samples[1] = 0
    assert not references(Audio(samples, 16000))["white noise"].samples[1].any()
