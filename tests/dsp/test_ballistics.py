"""The follower against a plain loop, its gradient against finite differences, and its time constants on a step."""

from __future__ import annotations

import math

import numpy as np
import torch

from ddsp_match.dsp.ballistics import share_at_cutoff, share_per_sample, smooth
from tests.compare import assert_close


def plain(target: np.ndarray, rise: float, fall: float, start: float) -> np.ndarray:
    out, state = [], start
    for value in target.tolist():
        share = rise if value > state else fall
        state = state + share * (value - state)
        out.append(state)
    return np.array(out)


def settings(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    values = (rng.uniform(0.05, 0.9, count), rng.uniform(0.01, 0.5, count), rng.normal(size=count))
    return tuple(torch.from_numpy(v) for v in values)  # pyright: ignore[reportReturnType]


def test_follows_like_a_plain_loop():
    target = torch.from_numpy(np.random.default_rng(1).standard_normal((3, 400)))
    rise, fall, start = settings(3)
    envelope = smooth(target, rise, fall, start)
    for row in range(3):
        wanted = plain(target[row].numpy(), float(rise[row]), float(fall[row]), float(start[row]))
        assert_close(envelope[row], wanted, 1e-13)


def test_many_settings_of_one_row_and_one_setting_of_many_rows():
    target = torch.from_numpy(np.random.default_rng(2).standard_normal((3, 100)))
    rise, fall, start = settings(3)
    assert_close(smooth(target[:1], rise, fall, start), smooth(target[:1].expand(3, -1), rise, fall, start), 0.0)
    one = smooth(target, rise[:1], fall[:1], start[:1])
    assert_close(one, smooth(target, *(v[:1].expand(3) for v in (rise, fall, start))), 0.0)


def test_gradients_in_everything():
    target = torch.from_numpy(np.random.default_rng(3).standard_normal((2, 40))).requires_grad_()
    arguments = [value.requires_grad_() for value in settings(2)]
    assert torch.autograd.gradcheck(smooth, (target, *arguments))
    shared = [value.detach()[:1].requires_grad_() for value in arguments]
    assert torch.autograd.gradcheck(smooth, (target, *shared))
    many = [value.detach().requires_grad_() for value in arguments]
    assert torch.autograd.gradcheck(smooth, (target.detach()[:1].requires_grad_(), *many))


def test_float32_stays_near_float64():
    target = torch.from_numpy(np.random.default_rng(4).standard_normal((1, 20_000)))
    rise, fall, start = settings(1)
    exact = smooth(target, rise, fall, start)
    single = smooth(target.float(), rise.float(), fall.float(), start.float())
    assert single.dtype == torch.float32
    assert_close(single, exact, 1e-5)


def test_attack_and_release_cover_63_percent_in_their_time():
    rate = 48_000
    step = torch.cat([torch.ones(1, 4800), torch.zeros(1, 9600)], dim=1).double()
    rise = share_per_sample(torch.tensor([5.0], dtype=torch.float64), rate)
    fall = share_per_sample(torch.tensor([50.0], dtype=torch.float64), rate)
    envelope = smooth(step, rise, fall, torch.zeros(1, dtype=torch.float64))[0]
    assert_close(envelope[round(0.005 * rate) - 1], 1 - math.exp(-1), 1e-9)
    assert_close(envelope[4800 + round(0.050 * rate) - 1], envelope[4799] * math.exp(-1), 1e-9)


def test_equal_speeds_are_a_lowpass_with_its_cutoff():
    rate, cutoff = 48_000, 100.0
    share = share_at_cutoff(torch.tensor([cutoff], dtype=torch.float64), rate)
    impulse = torch.zeros(1, rate, dtype=torch.float64)
    impulse[0, 0] = 1.0
    response = torch.fft.rfft(smooth(impulse, share, share, torch.zeros(1, dtype=torch.float64))[0]).abs()
    assert_close(response[0], 1.0, 1e-9)
    assert_close(response[round(cutoff)], math.sqrt(0.5), 5e-3)
