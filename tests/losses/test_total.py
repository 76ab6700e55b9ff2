"""The weighted sum: each term on its own, what it hears and what it does not."""

from __future__ import annotations

import pytest
import torch

from ddsp_match.losses.total import TotalLoss
from ddsp_match.settings import LossSettings
from tests.compare import assert_close

OFF = {"linear": 0.0, "log": 0.0}
RATE = 16000


def sound(seed: int = 0, n: int = 16000) -> torch.Tensor:
    return 0.1 * torch.randn(1, n, generator=torch.Generator().manual_seed(seed))


def loss(target: torch.Tensor, **weights: float) -> TotalLoss:
    return TotalLoss(target, RATE, LossSettings(**{**OFF, **weights}))


@pytest.mark.parametrize("term", ["linear", "log", "convergence", "mel", "loudness", "waveform"])
def test_each_term_is_zero_at_the_target_and_falls_towards_it(term):
    target = sound()
    distance = loss(target, **{term: 1.0})
    far, near = target + sound(1), target + 0.1 * sound(1)
    assert float(distance(target)) == pytest.approx(0.0, abs=1e-6)
    assert float(distance(far)) > 2 * float(distance(near)) > 0


@pytest.mark.parametrize("term", ["linear", "log", "convergence", "mel", "loudness", "waveform"])
def test_each_term_has_a_finite_gradient_on_silence(term):
    x = torch.zeros(1, 8000, requires_grad=True)
    for target in (torch.zeros(1, 8000), sound(n=8000)):
        value = loss(target, **{term: 1.0})(x)
        value.backward()
        assert torch.isfinite(value)
        assert bool(torch.isfinite(x.grad).all())


def test_weights_add_up():
    target, match = sound(), sound(1)
    parts = [float(loss(target, **{name: 1.0})(match)) for name in ("linear", "mel", "waveform")]
    together = loss(target, linear=0.5, mel=2.0, waveform=3.0)(match)
    assert_close(together, 0.5 * parts[0] + 2 * parts[1] + 3 * parts[2], 1e-5)


def test_loudness_weighs_one_kilohertz_more_than_fifty_hertz():
    t = torch.arange(16000) / RATE
    errors = []
    for hz in (50.0, 1000.0):
        tone = 0.1 * torch.sin(2 * torch.pi * hz * t).unsqueeze(0)
        errors.append(float(loss(1e-3 * sound(), loudness=1.0)(1e-3 * sound() + tone)))
    assert errors[1] > errors[0] + 2  # 30 dB apart on the A curve, 3 bels


def test_silence_against_a_waveform_is_one():
    assert_close(loss(sound(), waveform=1.0)(torch.zeros(1, 16000)), 1.0, 1e-5)
