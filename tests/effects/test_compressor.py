"""The compressor against a plain per-sample one, its closed forms on steady sounds and steps, and its guesses."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsp_match.effects.compressor import Compressor
from ddsp_match.effects.rack import Rack
from tests.compare import assert_close

RATE = 24_000
KNOBS = {
    "threshold_db": -24.0,
    "ratio": 3.5,
    "knee_db": 8.0,
    "attack_ms": 3.0,
    "release_ms": 60.0,
    "makeup_db": 4.0,
}


def programme(n: int, seed: int = 0) -> np.ndarray:
    """Noise in bursts of different level."""
    rng = np.random.default_rng(seed)
    levels = np.repeat(10 ** (rng.uniform(-40, -6, n // 1000 + 1) / 20), 1000)[:n]
    return levels * rng.standard_normal(n)


def plain(x: np.ndarray, rate: int, **knobs: float) -> np.ndarray:
    """Sample by sample, from the paper's equations."""
    rise = 1 - math.exp(-1000 / (rate * knobs["attack_ms"]))
    fall = 1 - math.exp(-1000 / (rate * knobs["release_ms"]))
    slope, knee = 1 - 1 / knobs["ratio"], knobs["knee_db"]
    reduction, out = 0.0, []
    for sample in x.tolist():
        over = 20 * math.log10(max(abs(sample), 1e-6)) - knobs["threshold_db"]
        if 2 * over < -knee:
            wanted = 0.0
        elif 2 * abs(over) <= knee and knee > 0:
            wanted = slope * (over + knee / 2) ** 2 / (2 * knee)
        else:
            wanted = slope * max(over, 0.0)
        reduction += (rise if wanted > reduction else fall) * (wanted - reduction)
        out.append(sample * 10 ** ((knobs["makeup_db"] - reduction) / 20))
    return np.array(out)


@pytest.mark.parametrize("knee", [0.0, 8.0])
def test_is_the_plain_compressor(knee):
    x = programme(4000)
    knobs = {**KNOBS, "knee_db": knee}
    out = Compressor()(torch.from_numpy(x)[None, None], RATE, **knobs)[0, 0]
    assert_close(out, plain(x, RATE, **knobs), 1e-10)


def test_a_level_above_the_threshold_comes_out_by_the_ratio():
    steady = torch.full((1, 1, RATE), 10 ** (-8 / 20), dtype=torch.float64)
    out = Compressor()(steady, RATE, threshold_db=-20.0, ratio=4.0, knee_db=0.0, attack_ms=5.0)
    assert_close(20 * torch.log10(out[0, 0, -1]), -20 + 12 / 4, 1e-6)


def test_a_limiter_holds_the_threshold():
    loud = torch.full((1, 1, RATE // 2), 1.0, dtype=torch.float64)
    out = Compressor()(loud, RATE, threshold_db=-20.0, ratio=100.0, knee_db=0.0, attack_ms=0.05)
    assert float(20 * torch.log10(out[0, 0, -1])) == pytest.approx(-19.8, abs=1e-6)


def test_the_static_curve_bends_over_the_knee_only():
    part = Compressor()
    knobs = part.tensors({"threshold_db": -20.0, "ratio": 2.0, "knee_db": 10.0})
    levels = torch.tensor([-60.0, -25.0, -20.0, -15.0, 0.0], dtype=torch.float64)
    reduction = part.reduction(levels.reshape(1, 1, -1), knobs)[0, 0]
    assert_close(reduction, [0.0, 0.0, 0.5 * 25 / 20, 2.5, 10.0], 1e-12)


def test_attack_and_release_times_on_a_step():
    quiet, loud = 10 ** (-40 / 20), 10 ** (-10 / 20)
    steps = np.concatenate([np.full(RATE // 2, loud), np.full(RATE // 2, quiet)])
    knobs = {"threshold_db": -20.0, "ratio": 2.0, "knee_db": 0.0, "attack_ms": 10.0, "release_ms": 80.0}
    out = Compressor()(torch.from_numpy(steps)[None, None], RATE, **knobs)[0, 0].numpy()
    reduction = -20 * np.log10(out / steps)
    assert reduction[round(0.010 * RATE) - 1] == pytest.approx(5 * (1 - math.exp(-1)), rel=1e-6)
    assert reduction[RATE // 2 + round(0.080 * RATE) - 1] == pytest.approx(5 * math.exp(-1), rel=1e-6)


def test_gradients_in_every_knob_and_the_sound():
    names = list(KNOBS)
    x = torch.from_numpy(programme(60, seed=4))[None, None].requires_grad_()
    values = [torch.tensor([KNOBS[name]], dtype=torch.float64, requires_grad=True) for name in names]

    def run(sound: torch.Tensor, *knobs: torch.Tensor) -> torch.Tensor:
        return Compressor()(sound, RATE, **dict(zip(names, knobs, strict=True)))

    assert torch.autograd.gradcheck(run, (x, *values), eps=1e-7, atol=1e-5)


def test_linked_channels_keep_their_balance():
    x = torch.from_numpy(np.stack([programme(3000, 1), 0.1 * programme(3000, 2)]))[None]
    alone, linked = (Compressor(linked=flag)(x, RATE, **KNOBS) for flag in (False, True))
    gains = linked / x
    assert_close(gains[0, 0], gains[0, 1], 1e-12)
    assert float((alone / x)[0].diff(dim=0).abs().max()) > 0.1


def test_the_louder_of_linked_channels_rules():
    x = torch.from_numpy(programme(3000, 1))
    out = Compressor(linked=True)(torch.stack([0.1 * x, x])[None], RATE, **KNOBS)[0, 1]
    assert_close(out, Compressor()(x[None, None], RATE, **KNOBS)[0, 0], 1e-12)


def test_linked_blocks_are_the_whole():
    x = np.stack([programme(3000, 1), programme(3000, 2)])
    rack = Rack.of([{"compressor": {"linked": True, **KNOBS}}], RATE)
    assert_close(rack.process_in_blocks(x, RATE, 77), rack.process(x, RATE), 1e-12)


def test_guesses_land_near_the_sound():
    dry = programme(RATE, seed=5)[None]
    wet = plain(dry[0], RATE, **KNOBS)[None]
    guess = Compressor().guesses(dry, wet, RATE)[0]
    result = Compressor()(torch.from_numpy(dry)[None], RATE, **guess)[0].numpy()
    assert np.square(result - wet).sum() < 0.02 * np.square(wet).sum()
    best_level = (dry * wet).sum() / np.square(dry).sum()
    assert np.square(best_level * dry - wet).sum() > 0.04 * np.square(wet).sum()


@settings(max_examples=40, deadline=None)
@given(
    st.floats(-60, 0),
    st.floats(1, 100),
    st.floats(0, 30),
    st.floats(0.05, 300),
    st.floats(1, 3000),
    st.sampled_from([8000, 48_000, 96_000]),
)
def test_never_louder_and_always_finite(threshold, ratio, knee, attack, release, rate):
    x = torch.from_numpy(np.concatenate([np.zeros(20), programme(200, 3), [1e3, -1e3, 0.0]]))[None, None]
    knobs = {"threshold_db": threshold, "ratio": ratio, "knee_db": knee, "attack_ms": attack, "release_ms": release}
    for sound in (x, x.float()):
        sound = sound.clone().requires_grad_()
        out = Compressor()(sound, rate, **knobs)
        out.sum().backward()
        assert bool(torch.isfinite(out).all())
        assert bool(torch.isfinite(sound.grad).all())  # pyright: ignore[reportArgumentType]
        assert bool((out.abs() <= sound.abs() * (1 + 1e-5)).all())
