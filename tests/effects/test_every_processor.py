"""The contract of `Processor`, for every registered one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ddsp_match.effects.chain import DryWet, Parallel
from ddsp_match.effects.processor import Processor
from ddsp_match.effects.rack import Rack
from ddsp_match.effects.registry import processors
from tests.compare import assert_close

RATE = 24_000
NAMES = [name for name in processors() if name not in (Parallel.name, DryWet.name)]


def random_knobs(part: Processor, seed: int, spread: float = 1.0) -> dict[str, np.ndarray]:
    """Settings anywhere between the ends (`spread` 1) or near neutral."""
    rng = np.random.default_rng(seed)
    values = {}
    for knob in part.knobs:
        neutral = knob.position(torch.tensor(knob.default, dtype=torch.float64)).numpy()
        anywhere = rng.uniform(0.02, 0.98, knob.size or ())
        value = knob.at(torch.as_tensor(neutral + spread * (anywhere - neutral))).numpy()
        values[knob.name] = np.clip(value, knob.low, knob.high)
    return values


def noise(channels: int, n: int, seed: int = 0) -> np.ndarray:
    return 0.3 * np.random.default_rng(seed).standard_normal((channels, n))


@pytest.mark.parametrize("name", NAMES)
def test_neutral_changes_nothing(name):
    x = torch.from_numpy(noise(2, 3000))[None]
    part = processors()[name]()
    assert_close(part(x, RATE), x, 1e-9)
    assert_close(part(x.float(), RATE), x.float(), 1e-6)


@pytest.mark.parametrize(("rate", "seed"), [(8000, 0), (24_000, 1), (96_000, 2)])
@pytest.mark.parametrize("name", NAMES)
def test_blocks_are_the_whole(name, rate, seed):
    x = noise(2, 5003)
    part = processors()[name]()
    rack = Rack.of(part, rate, random_knobs(part, seed))
    whole = rack.process(x, rate)
    scale = max(1.0, float(np.abs(whole).max()))
    assert_close(rack.process_in_blocks(x, rate, 64) / scale, whole / scale, 1e-5)
    assert_close(rack.process_in_blocks(x, rate, 1000) / scale, whole / scale, 1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_shortest_blocks(name):
    x = noise(1, 150)
    part = processors()[name]()
    rack = Rack.of(part, RATE, random_knobs(part, 5))
    assert_close(rack.process_in_blocks(x, RATE, 1), rack.process(x, RATE), 1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_is_its_members(name):
    part = processors()[name]()
    settings = [random_knobs(part, seed) for seed in (1, 2)]
    stacked = {key: torch.from_numpy(np.stack([s[key] for s in settings])) for key in settings[0]}
    x = torch.from_numpy(noise(2, 2000))[None]
    both = part(x, RATE, **stacked)
    assert both.shape == (2, 2, 2000)
    for row, setting in enumerate(settings):
        alone = part(x, RATE, **setting)[0]
        assert_close(both[row] / alone.abs().max(), alone / alone.abs().max(), 1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_stereo_is_two_monos(name):
    part = processors()[name]()
    if part.stereo:
        pytest.skip("mixes its channels")
    x = torch.from_numpy(noise(2, 2000))[None]
    knobs = random_knobs(part, 3)
    both = part(x, RATE, **knobs)
    for channel in range(2):
        assert_close(both[:, channel : channel + 1], part(x[:, channel : channel + 1], RATE, **knobs), 1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_the_slopes(name):
    part = processors()[name]()
    x = torch.from_numpy(noise(1, 400, seed=4))[None].requires_grad_()
    settings = {key: torch.tensor(value, requires_grad=True) for key, value in random_knobs(part, 7).items()}
    weights = torch.from_numpy(noise(1, 400, seed=9))

    def score(sound: torch.Tensor, knobs: dict[str, torch.Tensor]) -> torch.Tensor:
        return (part(sound, RATE, **knobs) * weights).sum()

    score(x, settings).backward()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for leaf in (x, *settings.values()):
            gradient = leaf.grad if leaf.grad is not None else torch.zeros_like(leaf)
            way = torch.randn(leaf.shape, generator=generator, dtype=leaf.dtype)
            span = 1e-6 * max(1.0, float(leaf.detach().abs().max()))
            before = leaf.detach().clone()
            leaf.copy_(before + span * way)
            above = float(score(x, settings))
            leaf.copy_(before - span * way)
            below = float(score(x, settings))
            leaf.copy_(before)
            slope, expected = (above - below) / (2 * span), float((gradient * way).sum())
            assert abs(slope - expected) <= 1e-3 * max(abs(slope), abs(expected)) + 1e-5 * float(weights.abs().sum())


@pytest.mark.parametrize("name", NAMES)
def test_random_settings_stay_finite_and_bounded(name):
    part = processors()[name]()
    x = torch.zeros(1, 2, 4 * RATE, dtype=torch.float64)
    x[..., :200] = torch.from_numpy(noise(2, 200, seed=2))
    for seed in range(4):
        knobs = random_knobs(part, 100 + seed)
        out = part(x, RATE, **knobs)
        assert bool(torch.isfinite(out).all())
        # Unstable would mean that the tail of a short sound outgrows it; the longest delay is one second.
        assert float(out[..., -RATE:].abs().max()) <= 2 * float(out[..., : 5 * RATE // 2].abs().max()) + 1e-9


@pytest.mark.parametrize("name", [name for name in NAMES if processors()[name].linear])
def test_the_response_is_what_is_heard(name):
    part = processors()[name]()
    n = 1 << 17
    impulse = torch.zeros(1, 1, n, dtype=torch.float64)
    impulse[..., 0] = 1.0
    knobs = part.tensors(random_knobs(part, 11, spread=0.5))
    output = torch.fft.rfft(part.process(impulse, knobs, RATE)[0, 0])
    hz = torch.fft.rfftfreq(n, 1 / RATE, dtype=torch.float64)
    expected = part.response(knobs, RATE, hz)[0]
    scale = float(output.abs().max())
    picked = torch.arange(0, len(hz), 997)
    assert_close(torch.view_as_real(expected[picked]) / scale, torch.view_as_real(output[picked]) / scale, 1e-4)
