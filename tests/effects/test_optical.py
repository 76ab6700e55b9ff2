"""The optical unit against a plain per-sample one, its laws, and the guesses for it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsp_match.effects.optical import Optical
from ddsp_match.effects.rack import Rack
from tests.compare import assert_close
from tests.effects.test_compressor import programme

RATE = 24_000
KNOBS = {
    "peak_reduction": 45.0,
    "power": 1.6,
    "attack_ms": 4.0,
    "release_ms": 25.0,
    "slow_share": 0.4,
    "slow_attack_ms": 40.0,
    "slow_release_ms": 300.0,
    "held_db": 3.0,
    "key_lowcut_hz": 90.0,
    "coupling_hz": 12.0,
    "rolloff_us": 15.0,
    "saturation": 2.0,
    "makeup_db": 5.0,
}


def plain(x: np.ndarray, rate: int, **knobs: float) -> np.ndarray:
    """Sample by sample."""

    def share(ms: float) -> float:
        return 1 - math.exp(-1000 / (rate * ms))

    key_share = 1 - math.exp(-2 * math.pi * knobs["key_lowcut_hz"] / rate)
    low_share = 1 - math.exp(-2 * math.pi * knobs["coupling_hz"] / rate)
    top_share = 1 - math.exp(-1e6 / (rate * knobs["rolloff_us"]))
    drive = 100 * (knobs["peak_reduction"] / 100) ** 3
    quick = slow = 10 ** (knobs["held_db"] / 20) - 1
    key_low = low = top = 0.0
    out = []
    for sample in x.tolist():
        key_low += key_share * (sample - key_low)
        light = (drive * abs(sample - key_low)) ** knobs["power"]
        quick += share(knobs["attack_ms"] if light > quick else knobs["release_ms"]) * (light - quick)
        slow += share(knobs["slow_attack_ms"] if light > slow else knobs["slow_release_ms"]) * (light - slow)
        turned = sample / (1 + (1 - knobs["slow_share"]) * quick + knobs["slow_share"] * slow)
        low += low_share * (turned - low)
        top += top_share * (turned - low - top)
        out.append(10 ** (knobs["makeup_db"] / 20) * top / math.sqrt(1 + 2 * knobs["saturation"] * top**2))
    return np.array(out)


def test_is_the_plain_unit():
    x = programme(4000)
    out = Optical()(torch.from_numpy(x)[None, None], RATE, **KNOBS)[0, 0]
    assert_close(out, plain(x, RATE, **KNOBS), 1e-10)


def test_a_steady_level_is_divided_by_the_lit_cell():
    level = 0.3
    steady = torch.full((1, 1, 2 * RATE), level, dtype=torch.float64)
    out = Optical()(steady, RATE, peak_reduction=60.0, power=1.5)[0, 0, -1]
    light = (100 * 0.6**3 * level) ** 1.5
    assert_close(out, level / (1 + light), 1e-6)


def test_memory_of_the_slow_part():
    """After a long loud sound the level comes back more slowly than after a short one."""
    back = []
    for loud_s in (0.02, 1.0):
        loud = round(loud_s * RATE)
        x = torch.cat([torch.full((loud,), 0.5), torch.full((RATE // 5,), 1e-3)]).double()[None, None]
        out = Optical()(x, RATE, peak_reduction=60.0, slow_share=0.4, slow_attack_ms=200.0, slow_release_ms=800.0)
        back.append(float(out[0, 0, -1]) / 1e-3)
    assert back[1] < 0.8 * back[0]


def test_what_was_held_fades():
    quiet = torch.full((1, 1, 2 * RATE), 1e-4, dtype=torch.float64)
    out = Optical()(quiet, RATE, held_db=6.0, slow_share=0.0, attack_ms=300.0, release_ms=20.0)[0, 0] / 1e-4
    assert float(20 * torch.log10(out[0])) == pytest.approx(-6, abs=0.05)
    assert float(20 * torch.log10(out[-1])) == pytest.approx(0, abs=0.01)


def test_gradients_in_every_knob_and_the_sound():
    names = list(KNOBS)
    x = torch.from_numpy(programme(50, seed=4))[None, None].requires_grad_()
    values = [torch.tensor([KNOBS[name]], dtype=torch.float64, requires_grad=True) for name in names]

    def run(sound: torch.Tensor, *knobs: torch.Tensor) -> torch.Tensor:
        return Optical()(sound, RATE, **dict(zip(names, knobs, strict=True)))

    assert torch.autograd.gradcheck(run, (x, *values), eps=1e-7, atol=1e-5)


@pytest.mark.parametrize("linked", [False, True])
def test_blocks_are_the_whole(linked):
    x = np.stack([programme(3000, 1), programme(3000, 2)])
    rack = Rack.of([{"optical": {"linked": linked, **KNOBS}}], RATE)
    assert_close(rack.process_in_blocks(x, RATE, 77), rack.process(x, RATE), 1e-11)


def test_guesses_land_near_the_sound():
    dry = programme(RATE, seed=5)[None]
    wet = plain(dry[0], RATE, **KNOBS)[None]
    guess = Optical().guesses(dry, wet, RATE)[0]
    result = Optical()(torch.from_numpy(dry)[None], RATE, **guess)[0].numpy()
    assert np.square(result - wet).sum() < 0.1 * np.square(wet).sum()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=13, max_size=13), st.sampled_from([8000, 96_000]))
def test_any_setting_is_finite_and_bounded(places, rate):
    part = Optical()
    values = {
        knob.name: float(knob.at(torch.tensor(place, dtype=torch.float64)).clamp(knob.low, knob.high))
        for knob, place in zip(part.knobs, places, strict=True)
    }
    x = torch.from_numpy(np.concatenate([np.zeros(20), programme(200, 3), [1e3, -1e3, 0.0]]))[None, None]
    for sound in (x, x.float()):
        out = part(sound, rate, **values)
        assert bool(torch.isfinite(out).all())
        # A highpass can double a jump, no more.
        assert float(out.abs().max()) <= 2 * float(sound.abs().max()) * 10 ** (values["makeup_db"] / 20)
