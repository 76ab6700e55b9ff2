"""The weighted sum: each term on its own, what it hears and what it does not."""

from __future__ import annotations

import pytest
import torch

from ddsp_match.core.settings import LossSettings
from ddsp_match.losses.total import TotalLoss
from tests.compare import assert_close

OFF = {"linear": 0.0, "log": 0.0}
RATE = 16000


def sound(seed: int = 0, n: int = 16000) -> torch.Tensor:
    return 0.1 * torch.randn(1, n, generator=torch.Generator().manual_seed(seed))


def loss(target: torch.Tensor, **weights: float) -> TotalLoss:
    return TotalLoss(target, RATE, LossSettings(**{**OFF, **weights}))


@pytest.mark.parametrize("term", LossSettings.weights())
def test_each_term_is_zero_at_the_target_and_falls_towards_it(term):
    target = sound()
    distance = loss(target, **{term: 1.0})
    far, near = target + sound(1), target + 0.1 * sound(1)
    assert float(distance(target)) == pytest.approx(0.0, abs=1e-6)
    assert float(distance(far)) > 2 * float(distance(near)) > 0


@pytest.mark.parametrize("term", LossSettings.weights())
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


OWNERS, LENGTHS = [0, 1, 1, 2, 3], [9000, 8000, 8000, 700, 5001]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("term", LossSettings.weights())
def test_each_sound_of_a_batch_is_judged_as_if_alone(term, dtype):
    target, match = (torch.cat([sound(seed + row, max(LENGTHS)) for row in range(5)]).to(dtype) for seed in (0, 10))
    match = match * torch.tensor([[1.0], [0.1], [0.3], [2.0], [1.0]], dtype=dtype)
    settings = LossSettings(**{**OFF, term: 1.0})
    together = TotalLoss(target, RATE, settings, owners=OWNERS, lengths=LENGTHS)
    x = match.clone().requires_grad_()
    found = together(x)
    assert found.shape == (4,)
    found.sum().backward()
    for number in range(4):
        rows = [owner == number for owner in OWNERS]
        n = LENGTHS[rows.index(True)]
        y = match[rows, :n].clone().requires_grad_()
        alone = TotalLoss(target[rows, :n], RATE, settings)(y)
        alone.backward()
        tolerance = 1e-5 if dtype is torch.float32 else 1e-10
        assert_close(found[number] / alone, 1.0, tolerance)
        assert_close(x.grad[rows, :n], y.grad, tolerance * float(y.grad.abs().max()))
        assert not x.grad[rows, n:].any()


def test_each_sound_s_gradient_is_its_own():
    target, match = (torch.cat([sound(seed + row) for row in range(3)]) for seed in (0, 10))
    x = match.clone().requires_grad_()
    found = TotalLoss(target, RATE, LossSettings(mel=1.0), owners=[0, 1, 2])(x)
    (found * torch.tensor([1.0, 0.0, 3.0])).sum().backward()
    y = match.clone().requires_grad_()
    TotalLoss(target, RATE, LossSettings(mel=1.0), owners=[0, 1, 2])(y).sum().backward()
    assert_close(x.grad, y.grad * torch.tensor([[1.0], [0.0], [3.0]]), 1e-6 * float(y.grad.abs().max()))


def test_a_batch_of_one_is_the_single_sound_to_the_bit():
    settings = LossSettings(convergence=1.0, mel=1.0, loudness=1.0, waveform=1.0)
    target, match = torch.cat([sound(), sound(1)]), torch.cat([sound(2), sound(3)])
    one = TotalLoss(target, RATE, settings, owners=[0, 0], lengths=[16000, 16000])(match)
    assert_close(one, TotalLoss(target, RATE, settings)(match)[None], 0.0)


def test_to_the_steady_term_another_draw_is_nearer_than_a_little_less_noise():
    # Two draws of one noise sound alike, and 2.3 dB less of it does not.
    steady = loss(sound(0), steady=1.0)
    assert 1.5 * float(steady(sound(1))) < float(steady(10 ** (-2.3 / 20) * sound(2)))
