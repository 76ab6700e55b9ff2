"""The swinging delay against a plain loop, its slopes, and its swing found."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ddsp_match.dsp.modulated_delay import modulated_delay
from ddsp_match.effects.chorus import Chorus, Flanger
from ddsp_match.effects.rack import Rack
from tests.compare import assert_close

RATE = 24_000


def noise(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((1, n))


def test_a_whole_delay_that_stands_still_is_a_comb():
    x = noise(500)
    length, feedback = (torch.tensor([value], dtype=torch.float64) for value in (7.0, 0.6))
    late = modulated_delay(torch.from_numpy(x)[None], length[:, None].expand(1, 500), feedback)[0, 0].numpy()
    want = np.zeros(500)
    for n in range(7, 500):
        want[n] = x[0, n - 7] + 0.6 * want[n - 7]
    assert_close(late, want, 1e-7)


def test_a_sine_through_a_swinging_delay_is_the_sine_of_the_time_before():
    cycles, n = 0.03, 4000
    time = np.arange(n)
    delay = 60 + 20 * np.sin(2 * np.pi * time / 3000)
    x = torch.from_numpy(np.sin(2 * np.pi * cycles * time))[None, None]
    late = modulated_delay(x, torch.from_numpy(delay)[None], torch.zeros(1))[0, 0]
    want = np.sin(2 * np.pi * cycles * (time - delay))
    assert_close(late[200:], want[200:], 5e-5)


def test_a_wide_sweep_through_short_delays_stays_causal_and_smooth():
    x = torch.zeros(1, 1, 100, dtype=torch.float64)
    x[..., 50] = 1.0
    lengths = torch.linspace(2, 20, 37, dtype=torch.float64)
    late = modulated_delay(x, lengths[:, None].expand(-1, 100), torch.zeros(37))
    assert float(late[..., :51].abs().max()) == 0.0
    near = modulated_delay(x, (lengths + 1e-6)[:, None].expand(-1, 100), torch.zeros(37))
    assert float((near - late).abs().max()) < 1e-5


@pytest.mark.parametrize("centre", [5.3, 40.2])
def test_slopes_of_the_line(centre):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 2, 60, generator=generator, dtype=torch.float64, requires_grad=True)
    swing = torch.linspace(-2.9, 2.9, 60, dtype=torch.float64) + 0.013
    delay = torch.stack([centre + swing, centre - swing]).requires_grad_()
    feedback = torch.tensor([0.5, -0.8], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(modulated_delay, (x, delay, feedback), atol=1e-4)


@pytest.mark.parametrize("kind", [Chorus, Flanger])
def test_slopes_of_every_knob(kind):
    part = kind()
    x = torch.from_numpy(noise(800))[None]
    values = {"rate_hz": 7.0, "delay_ms": 1.37, "depth_ms": 2.3, "phase_deg": 40.0, "feedback": -0.6, "wet": 0.8}
    names = [knob.name for knob in part.knobs]
    leaves = [torch.tensor([values[name]], dtype=torch.float64, requires_grad=True) for name in names]
    weights = torch.from_numpy(noise(800, 1))

    def run(*knobs: torch.Tensor) -> torch.Tensor:
        return (part(x, RATE, **dict(zip(names, knobs, strict=True))) * weights).sum()

    assert torch.autograd.gradcheck(run, leaves, atol=1e-3, rtol=1e-4)


def test_the_swing_goes_on_from_block_to_block():
    x = noise(3000)
    knobs = {"rate_hz": 9.0, "delay_ms": 0.1, "depth_ms": 6.0, "phase_deg": 100.0, "feedback": 0.9, "wet": -1.0}
    rack = Rack.of(Flanger(), RATE, knobs)
    whole = rack.process(x, RATE)
    for block in (1, 64, 5000):
        assert_close(rack.process_in_blocks(x, RATE, block), whole, 1e-11 * np.abs(whole).max())


@pytest.mark.parametrize("kind", [Chorus, Flanger])
def test_the_swing_is_found(kind):
    x = noise(2 * RATE)
    knobs = {"rate_hz": 1.3, "delay_ms": 7.4, "depth_ms": 3.1, "phase_deg": 130.0, "wet": 0.6}
    wet = Rack.of(kind(), RATE, knobs).process(x, RATE)
    guess = kind().guesses(x, wet, RATE)[0]
    assert abs(guess["rate_hz"] - 1.3) < 0.02
    assert abs(guess["delay_ms"] - 7.4) < 0.05
    assert abs(guess["depth_ms"] - 3.1) < 0.05
    assert abs(guess["phase_deg"] - 130.0) < 5
    assert abs(guess["wet"] - 0.6) < 0.3
