"""Timbre frames are fitted with fresh noise: any draw of it is as good, and the noise is in the noise part."""

from __future__ import annotations

import math

import pytest
import torch

from ddsp_match.core.settings import FitSettings
from ddsp_match.core.timebase import Timebase
from ddsp_match.fitting.first_guess import Target
from ddsp_match.fitting.matching import Match, match
from ddsp_match.losses.metrics import mel_distances_db
from ddsp_match.synth.harmonic_noise import play

TIMEBASE, N = Timebase.at(16000), 12000


@pytest.fixture(scope="module")
def mixture() -> tuple[torch.Tensor, torch.Tensor, Match]:
    """A tone, breath 20 dB below it, and the match of their sum."""
    t = torch.arange(N) / 16000
    tone = sum(0.2 / k * torch.sin(2 * math.pi * 220 * k * t + k) for k in range(1, 11)) * torch.exp(-t)
    assert isinstance(tone, torch.Tensor)
    breath = torch.randn(N, generator=torch.Generator().manual_seed(5))
    breath = 0.1 * float(tone.std()) * breath * torch.exp(-t)
    settings = FitSettings()
    settings.model.name, settings.optimizer.steps = "frames", 20
    target = Target((tone + breath).unsqueeze(0), torch.full((1, TIMEBASE.frames(N)), 220.0))
    return tone, breath, match([target], TIMEBASE, settings)[0]


def test_a_draw_that_the_fit_never_heard_is_as_good(mixture):
    tone, breath, result = mixture
    figures = [
        mel_distances_db((tone + breath).unsqueeze(0), play(result.controls, TIMEBASE, N, seed).mix, 16000)
        for seed in range(6)
    ]
    for name in ("mel_db", "mel_steady_db"):
        values = [figure[name] for figure in figures]
        assert max(values) < 1.15 * min(values)


def test_the_noise_stem_is_the_noise(mixture):
    tone, breath, result = mixture
    stems = play(result.controls, TIMEBASE, N, 3)
    assert abs(20 * math.log10(float(stems.noise.std() / breath.std()))) < 2
    left = (stems.harmonic[0] - tone)[400:-400].square().sum() / tone[400:-400].square().sum()
    assert 10 * math.log10(float(left)) < -20
