"""Freeverb against a plain implementation, sample by sample."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ddsp_match.effects.freeverb import Freeverb, delays
from ddsp_match.effects.rack import Rack
from tests.compare import assert_close

RATE = 24_000
KNOBS = {"wet": 0.7, "dry": 0.3, "width": 0.4, "damp": 0.6, "room_size": 0.9}


def noise(channels: int, n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((channels, n))


def plain(x: np.ndarray, rate: int, wet: float, dry: float, width: float, damp: float, room_size: float) -> np.ndarray:
    """The classic loops for a stereo sound, one sample at a time."""
    wet, dry, damp, feedback = 3 * wet, 2 * dry, 0.4 * damp, 0.28 * room_size + 0.7
    wet1, wet2 = wet * (width / 2 + 0.5), wet * (1 - width) / 2
    sides = []
    for spread in (0, 23):
        combs = [round((m + spread) * rate / 44_100) for m in (1116, 1188, 1277, 1356, 1422, 1491, 1557, 1617)]
        rows = [round((m + spread) * rate / 44_100) for m in (556, 441, 341, 225)]
        lines = [[0.0] * m for m in combs + rows]
        dull, out = [0.0] * 8, []
        for n in range(x.shape[1]):
            into, total = 0.015 * (x[0, n] + x[1, n]), 0.0
            for i, m in enumerate(combs):
                late = lines[i][n % m]
                total += late
                dull[i] = late * (1 - damp) + dull[i] * damp
                lines[i][n % m] = into + dull[i] * feedback
            for i, m in enumerate(rows, 8):
                late = lines[i][n % m]
                lines[i][n % m] = total + late * 0.5
                total = late - total
            out.append(total)
        sides.append(np.array(out))
    residual, right = sides
    return np.stack([residual * wet1 + right * wet2 + x[0] * dry, right * wet1 + residual * wet2 + x[1] * dry])


def test_the_lengths_at_the_rate_they_were_tuned_for():
    combs, allpasses = delays(44_100)
    assert combs[0].tolist() == [1116, 1188, 1277, 1356, 1422, 1491, 1557, 1617]
    assert allpasses[1].tolist() == [556 + 23, 441 + 23, 341 + 23, 225 + 23]


@pytest.mark.parametrize("rate", [44_100, 24_000])
def test_against_the_plain_loops(rate):
    x = noise(2, 5000)
    want = plain(x, rate, **KNOBS)
    rack = Rack.of(Freeverb(), rate, KNOBS)
    assert_close(rack.process(x, rate), want, 1e-12)
    assert_close(rack.process_in_blocks(x, rate, 64), want, 1e-12)
    with_slopes = torch.from_numpy(x)[None].requires_grad_()
    assert_close(Freeverb()(with_slopes, rate, **KNOBS)[0], want, 1e-8)


def test_a_mono_sound_is_two_equal_channels_of_which_the_left_is_heard():
    x = noise(1, 3000)
    output = Freeverb()(torch.from_numpy(x)[None], RATE, **KNOBS)[0]
    assert_close(output, plain(np.repeat(x, 2, axis=0), RATE, **KNOBS)[:1], 1e-12)


def test_each_way_from_channel_to_channel():
    n = 1 << 16
    impulse = torch.zeros(2, 2, n, dtype=torch.float64)
    impulse[0, 0, 0] = impulse[1, 1, 0] = 1.0
    part = Freeverb()
    knobs = part.tensors({**KNOBS, "room_size": 0.3})
    output = torch.fft.rfft(part.process(impulse, knobs, RATE))
    hz = torch.fft.rfftfreq(n, 1 / RATE, dtype=torch.float64)[::997]
    expected = part.responses(knobs, RATE, hz)[0]
    assert_close(torch.view_as_real(expected), torch.view_as_real(output[..., ::997].transpose(0, 1)), 1e-6)


def test_slopes():
    x = torch.from_numpy(noise(2, 900))[None].requires_grad_()
    names = list(KNOBS)
    leaves = [torch.tensor([KNOBS[name]], dtype=torch.float64, requires_grad=True) for name in names]
    weights = torch.from_numpy(noise(2, 900, 1))

    def run(*knobs: torch.Tensor) -> torch.Tensor:
        return (Freeverb()(x, RATE, **dict(zip(names, knobs, strict=True))) * weights).sum()

    assert torch.autograd.gradcheck(run, leaves)


def test_slopes_are_the_same_where_settings_share_a_room():
    x = torch.from_numpy(noise(1, 2000))[None]
    room = torch.tensor([0.5, 0.7, 0.5], dtype=torch.float64, requires_grad=True)
    knobs = {"wet": torch.tensor([0.2, 0.3, 0.4], dtype=torch.float64), "damp": 0.3}
    together = Freeverb()(x, RATE, room_size=room, **knobs)
    together.square().sum((1, 2)).sum().backward()
    assert room.grad is not None
    for row in range(3):
        alone = torch.tensor([room[row].item()], dtype=torch.float64, requires_grad=True)
        output = Freeverb()(x, RATE, room_size=alone, wet=knobs["wet"][row], damp=0.3)
        assert_close(together[row], output[0], 1e-9)
        output.square().sum().backward()
        assert alone.grad is not None
        assert_close(room.grad[row], alone.grad[0], 1e-6)


@pytest.mark.parametrize("channels", [1, 2])
def test_guesses_know_the_levels_and_come_near_the_room(channels):
    x = noise(channels, 40_000)
    knobs = {"wet": 0.4, "dry": 0.35, "width": 0.7, "damp": 0.45, "room_size": 0.68}
    guess = Freeverb().guesses(x, Rack.of(Freeverb(), RATE, knobs).process(x, RATE), RATE)[0]
    assert abs(guess["dry"] - 0.35) < 0.01
    assert abs(guess["wet"] - 0.4) < 0.05
    assert abs(guess["width"] - 0.7) < 0.05
    assert abs(guess["room_size"] - 0.68) < 0.15
