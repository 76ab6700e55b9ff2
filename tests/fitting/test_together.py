"""Several sounds as one tensor: each as if alone."""

from __future__ import annotations

import math

import pytest
import torch

from ddsp_match.core.settings import FitSettings
from ddsp_match.core.timebase import Timebase
from ddsp_match.fitting.first_guess import Target
from ddsp_match.fitting.optimise import StopReason
from ddsp_match.fitting.together import match_together
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
    return Target(wave.expand(channels, -1) * torch.linspace(1, 0.5, channels)[:, None] + hiss, f0)


SOUNDS = [sound(220.0, 0.6), sound(131.0, 0.5, channels=2), sound(700.0, 0.43), sound(90.0, 0.6, level=0.02)]


def few(steps: int = 12) -> FitSettings:
    made = FitSettings()
    made.optimizer.steps = steps
    return made


def played(match, target: Target) -> torch.Tensor:
    return play(match.controls, TIMEBASE, target.samples.shape[1], 0).mix


def test_a_sound_in_a_batch_is_what_it_is_alone():
    together = match_together(SOUNDS, TIMEBASE, few())
    for target, match in zip(SOUNDS, together, strict=True):
        (alone,) = match_together([target], TIMEBASE, few())
        assert match.controls.f0_hz.shape == alone.controls.f0_hz.shape
        assert match.controls.n_partials == alone.controls.n_partials
        assert match.trace.best[0] == pytest.approx(alone.trace.best[0], rel=1e-4)
        # The loss is made of absolute differences, so that steps carry rounding on and on: as near is not equal.
        assert match.trace.best[-1] == pytest.approx(alone.trace.best[-1], rel=0.05)
        difference = played(match, target) - played(alone, target)
        assert float(difference.square().sum() / target.samples.square().sum()) < 10 ** (-30 / 10)


def test_what_is_padded_counts_for_nothing():
    short, long = SOUNDS[2], SOUNDS[0]
    (alone,) = match_together([short], TIMEBASE, few(1))
    _, beside = match_together([long, short], TIMEBASE, few(1))
    assert_close(played(beside, short), played(alone, short), 2e-5)
    assert beside.trace.loss[0] == pytest.approx(alone.trace.loss[0], rel=1e-4)


def test_sounds_get_better_and_keep_their_order():
    matches = match_together(SOUNDS, TIMEBASE, few(25))
    for target, match in zip(SOUNDS, matches, strict=True):
        assert match.trace.best[-1] <= match.trace.loss[0]
        left = (target.samples - target.samples.mean(1, keepdim=True) - played(match, target)).square().sum()
        assert float(left / target.samples.square().sum()) < 10 ** (-15 / 10)


def test_a_wish_to_stop_ends_all_with_the_best_so_far():
    calls = iter(range(100))
    matches = match_together(SOUNDS[:2], TIMEBASE, few(50), stop=lambda: next(calls) > 12)
    assert {match.trace.reason for match in matches} == {StopReason.INTERRUPTED}


def test_long_sounds_are_not_taken():
    with pytest.raises(ValueError, match="alone"):
        match_together([sound(220.0, 12.5)], TIMEBASE, few(1))
