"""The browser's synthesizer against ours: the same harmonics, noise as loud in every band."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

import ddsp_match
from ddsp_match.config import build
from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.edits.stems import stems_of
from ddsp_match.exports.web.voice import voice
from ddsp_match.synth.harmonic_noise import play
from tests.exports.web.page import RATE, TIMEBASE, harmonics, rendered

pytestmark = pytest.mark.browser


def played(browser, controls: Controls, n: int, timebase: Timebase = TIMEBASE, rate: int | None = None) -> np.ndarray:
    """The voice as it is, through the worklet."""
    rate = rate or timebase.sample_rate
    made = voice(controls, timebase, n, 7, name="test", root_midi=57)
    messages = [{"type": "voice", "voice": made}, {"type": "play"}]
    samples, said = rendered(browser, messages, n / timebase.sample_rate, rate)
    assert not [one for one in said if one["type"] == "problem"], said
    return samples


def error_db(actual: np.ndarray, expected: np.ndarray) -> float:
    assert actual.shape == expected.shape and np.isfinite(actual).all()
    power = np.square(expected).sum()
    assert power > 0
    return float(10 * np.log10(np.square(actual - expected).sum() / power + 1e-30))


def glide() -> tuple[Controls, int]:
    controls, n = harmonics(torch.linspace(150.0, 700.0, 101), (0.2, 0.1, 0.1, 0.05, 0.05))
    phases = torch.randn(controls.distribution.shape, generator=torch.Generator().manual_seed(1)).cumsum(2) * 0.2
    return replace(controls, phases=phases), n


def stereo() -> tuple[Controls, int]:
    controls, n = harmonics(330.0, (0.2, 0.1, 0.1), channels=2, divisions=3)
    scale = torch.tensor([1.0, 0.3]).view(2, 1) * torch.linspace(0.2, 1.0, controls.n_frames)
    shares = controls.distribution.clone()
    shares[:, 3] = 0.2  # between two harmonics
    shares /= shares.sum(1, keepdim=True)
    return replace(controls, amplitude=controls.amplitude * scale, distribution=shares), n


def near_nyquist() -> tuple[Controls, int]:
    """Its upper partials cross Nyquist on the way and must fall silent, not come back down."""
    return harmonics(torch.linspace(900.0, 1300.0, 101), (0.1,) * 8)


def two_pitches() -> tuple[Controls, int]:
    controls, n = harmonics(220.0, (0.2, 0.1), channels=2)
    f0 = controls.f0_hz.clone()
    f0[1] = torch.linspace(220.0, 300.0, f0.shape[1])
    return replace(controls, f0_hz=f0), n


@pytest.mark.parametrize("make", [glide, stereo, near_nyquist, two_pitches])
def test_harmonics_are_those_of_the_render(page, make):
    controls, n = make()
    expected = play(controls, TIMEBASE, n, 7).harmonic.numpy()
    actual = played(page, controls, n)
    assert error_db(actual[: len(expected)], expected) < -80
    if len(expected) == 1:
        assert np.array_equal(actual[0], actual[1])


@pytest.mark.slow
def test_the_harmonics_of_a_fit_are_those_of_the_render(page, bundled):
    patch = ddsp_match.fit(bundled / "trumpet-a4.flac", settings=build(["quality=draft", "optimizer.steps=5"])).patch
    controls = replace(patch.controls, noise=torch.zeros_like(patch.controls.noise))
    expected = stems_of(replace(patch, controls=controls, offset=(0.0,) * patch.channels)).harmonic.numpy()
    actual = played(page, controls, patch.n_samples, patch.timebase)
    assert error_db(actual[: len(expected)], expected) < -80


@pytest.mark.parametrize("rate", [44100, 48000])
def test_another_rate_plays_the_same_sound(page, rate):
    controls, n = harmonics(torch.linspace(400.0, 420.0, 101), (0.2, 0.1, 0.1), seconds=1.0)
    at = Timebase(rate, rate // 100)
    expected = play(controls, at, rate, 7).harmonic.numpy()
    assert error_db(played(page, controls, n, rate=rate)[:1], expected) < -60


def test_what_our_nyquist_cuts_off_stays_cut_off_at_a_higher_rate(page):
    spectrum = np.abs(np.fft.rfft(played(page, *near_nyquist(), rate=48000)[0] * np.hanning(48000))) ** 2
    assert spectrum[RATE // 2 + 200 :].sum() < 1e-5 * spectrum.sum()


def bands_db(samples: np.ndarray, rate: int) -> np.ndarray:
    """Power in each of the bands 500 Hz wide, per hertz."""
    power = np.abs(np.fft.rfft(samples)) ** 2 / (len(samples) * rate)
    edges = np.arange(0, RATE // 2 + 1, 500) * len(samples) // rate
    return 10 * np.log10(np.array([power[a:b].mean() for a, b in pairwise(edges)]))


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_noise_is_as_loud_in_every_band(page, rate):
    controls, n = harmonics(220.0, (0.0001,), seconds=8.0, bands=129)
    shape_db = torch.linspace(-20, -50, 129) + 8 * torch.sin(torch.arange(129) / 6)
    noise = (10 ** (shape_db / 20)).view(1, -1, 1).expand(1, -1, controls.n_frames).contiguous()
    swell = 0.5 + 0.5 * torch.sin(torch.arange(controls.n_frames) / 15)
    controls = replace(controls, noise=noise * swell)
    expected = play(controls, TIMEBASE, n, 7).noise.numpy()[0]
    actual = played(page, controls, n, rate=rate)[0]
    difference = bands_db(actual, rate) - bands_db(expected, RATE)
    assert len(difference) == 16
    assert np.abs(difference).max() < 1.0, difference
    if rate > RATE:
        above = np.abs(np.fft.rfft(actual)) ** 2
        cut = int(RATE / 2 * 1.05 * len(actual) / rate)
        assert above[cut:].mean() < 1e-5 * above[:cut].mean()


def test_the_noise_of_two_channels_is_not_the_same(page):
    controls, n = harmonics(220.0, (0.0001,), seconds=2.0, channels=2, bands=33)
    controls = replace(controls, noise=torch.full_like(controls.noise, 0.05))
    controls.noise[1] *= 0.5
    left, right = played(page, controls, n)
    assert 20 * np.log10(left.std() / right.std()) == pytest.approx(6.02, abs=0.3)
    assert abs(np.corrcoef(left, right)[0, 1]) < 0.05
