"""Several sounds fitted at once: each as if alone, on the processor exactly, as one tensor to what rounding does."""

from __future__ import annotations

import math

import pytest
import torch

from ddsp_match.core.settings import FitSettings
from ddsp_match.core.timebase import Timebase
from ddsp_match.fitting.first_guess import Target
from ddsp_match.fitting.matching import Match, match
from ddsp_match.fitting.optimise import StopReason
from ddsp_match.losses import metrics
from ddsp_match.losses.spectral import sizes_for
from ddsp_match.synth.harmonic_noise import play
from tests.compare import assert_close

TIMEBASE = Timebase.at(16000)


def sound(f0_hz: float, seconds: float, channels: int = 1, level: float = 0.3) -> Target:
    n = round(16000 * seconds)
    generator = torch.Generator().manual_seed(int(f0_hz))
    t = torch.arange(n) / 16000
    wave = sum(level / k * torch.sin(2 * math.pi * k * f0_hz * t) for k in range(1, 6)) * torch.exp(-2 * t)
    hiss = 0.01 * torch.randn(channels, n, generator=generator)
    f0 = torch.full((channels, TIMEBASE.frames(n)), f0_hz)
    samples = wave.expand(channels, -1) * torch.linspace(1, 0.5, channels)[:, None] + hiss
    return Target(samples - samples.mean(1, keepdim=True), f0)


SOUNDS = [sound(220.0, 0.6), sound(131.0, 0.5, channels=2), sound(700.0, 0.43), sound(90.0, 0.6, level=0.02)]


def few(steps: int = 12, model: str = FitSettings().model.name) -> FitSettings:
    made = FitSettings()
    made.model.name = model
    made.optimizer.steps = steps
    return made


def played(result: Match, target: Target) -> torch.Tensor:
    return play(result.controls, TIMEBASE, target.samples.shape[1], 0).mix


def test_a_sound_among_others_is_fitted_exactly_as_alone():
    for target, among in zip(SOUNDS, match(SOUNDS, TIMEBASE, few()), strict=True):
        (alone,) = match([target], TIMEBASE, few())
        assert among.trace.loss == alone.trace.loss
        for name in ("f0_hz", "amplitude", "distribution", "noise", "phases"):
            assert_close(getattr(among.controls, name), getattr(alone.controls, name), 0.0)


def test_sounds_in_one_tensor_are_fitted_as_alone_but_for_rounding():
    """Two fits of one sound whose target differs by 1e-7 end 33 to 37 dB below the sound from one another (1 s, 60
    steps): the loss is made of absolute differences, and Adam takes whole steps where a gradient is near zero. One
    tensor rounds otherwise (longer waveforms, sums over padding), so it ends as far off (33 to 39 dB), and as good.
    """
    for target, among in zip(SOUNDS, match(SOUNDS, TIMEBASE, few(), together=True), strict=True):
        (alone,) = match([target], TIMEBASE, few())
        assert among.controls.f0_hz.shape == alone.controls.f0_hz.shape
        assert among.controls.n_partials == alone.controls.n_partials
        assert among.trace.best[0] == pytest.approx(alone.trace.best[0], rel=1e-4)
        assert among.trace.best[-1] == pytest.approx(alone.trace.best[-1], rel=0.05)
        difference = played(among, target) - played(alone, target)
        assert float(difference.square().sum() / target.samples.square().sum()) < 10 ** (-30 / 10)
        mel_db = [mel(result, target) for result in (among, alone)]
        assert mel_db[0] == pytest.approx(mel_db[1], abs=0.02)


def mel(result: Match, target: Target) -> float:
    parts = play(result.controls, TIMEBASE, target.samples.shape[1], 0)
    return metrics.measure(target.samples, parts.harmonic, parts.noise, 16000, sizes_for(16000))["mel_db"]


def test_what_is_padded_counts_for_nothing():
    short, long = SOUNDS[2], SOUNDS[0]
    (alone,) = match([short], TIMEBASE, few(1))
    _, beside = match([long, short], TIMEBASE, few(1), together=True)
    assert_close(played(beside, short), played(alone, short), 2e-5)
    assert beside.trace.loss[0] == pytest.approx(alone.trace.loss[0], rel=1e-4)


def test_sounds_get_better_and_keep_their_order():
    matches = match(SOUNDS, TIMEBASE, few(25, "exact"), together=True)
    for target, result in zip(SOUNDS, matches, strict=True):
        assert result.trace.best[-1] <= result.trace.loss[0]
        left = (target.samples - target.samples.mean(1, keepdim=True) - played(result, target)).square().sum()
        assert float(left / target.samples.square().sum()) < 10 ** (-15 / 10)


def test_a_wish_to_stop_ends_all_with_the_best_so_far():
    calls = iter(range(100))
    matches = match(SOUNDS[:2], TIMEBASE, few(50), together=True, stop=lambda: next(calls) > 12)
    assert {result.trace.reason for result in matches} == {StopReason.INTERRUPTED}


@pytest.mark.parametrize("model", ["exact", "frames"])
def test_sounds_with_harmonics_and_without_of_one_segment_and_several_share_a_tensor(model):
    f0_hz = torch.full((1, TIMEBASE.frames(6000)), 50.0)
    hiss = Target(0.05 * torch.randn(1, 6000, generator=torch.Generator().manual_seed(0)), f0_hz, False)
    made = few(4, model)
    made.segment_s, made.synth.grid = 0.5, "f0"
    sounds = [sound(220.0, 1.4), hiss, sound(330.0, 0.6)]
    results = match(sounds, TIMEBASE, made, together=True)
    for target, result in zip(sounds, results, strict=True):
        (alone,) = match([target], TIMEBASE, made)
        assert result.trace.steps == alone.trace.steps
        assert result.trace.loss == pytest.approx(alone.trace.loss, rel=0.02)
        difference = played(result, target) - played(alone, target)
        assert float(difference.square().sum() / target.samples.square().sum()) < 10 ** (-25 / 10)


@pytest.mark.parametrize("f0_hz", [220.0, 700.0])
def test_the_notebook_model_plays_harmonics_without_phases(f0_hz):
    sounds = [sound(f0_hz, 0.4)]
    result, exact = (match(sounds, TIMEBASE, made)[0] for made in (few(30, "notebook"), few(1, "exact")))
    assert result.controls.phases is None and result.controls.divisions == 1
    assert result.grid == "f0" and exact.controls.phases is not None
    assert result.trace.best[-1] < 0.9 * result.trace.loss[0]
