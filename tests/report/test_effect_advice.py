"""What an identification says of its own limits: levels out of reach, ends of ranges, a gain that does better."""

from __future__ import annotations

import numpy as np
import pytest

import ddsp_match
from ddsp_match.core.audio import Audio
from ddsp_match.core.settings import EffectSettings

RATE = 16_000


def found(wet: np.ndarray, effects: list, **changes):
    settings = EffectSettings(effects=effects, steps=20, starts=4, holdout=0.0, align=False, **changes)
    return ddsp_match.effect(Audio(dry()[None], RATE), Audio(wet[None].astype(np.float32), RATE), settings=settings)


def dry() -> np.ndarray:
    t = np.arange(RATE // 2) / RATE
    noise = np.random.default_rng(1).standard_normal(len(t))
    return (0.3 * np.exp(-6 * t) * np.sin(2 * np.pi * 196 * t) + 0.01 * noise).astype(np.float32)


def test_a_very_faint_copy_is_within_reach_and_no_worse_than_a_gain():
    result = found(1e-4 * np.tanh(4 * dry()), ["gain", "clip"])
    assert result.esr <= result.esr_gain and result.level != "poor"
    assert -70 < float(result.rack.knobs["gain.gain_db"]) < -60
    assert not any("end of its range" in point for point in result.advice)


def test_a_knob_at_the_end_of_its_range_is_told_with_a_cure():
    result = found(10 ** (-105 / 20) * dry(), ["gain"])
    (point,) = [point for point in result.advice if "end of its range" in point]
    assert point.startswith("`gain.gain_db` stands at -100 dB") and "level" in point


def test_a_knob_that_the_user_holds_at_an_end_is_not_told():
    result = found(0.5 * dry(), [{"gain": {"gain_db": -100.0}}, "lowpass"])
    assert not any("gain.gain_db" in point for point in result.advice)


def test_a_chain_that_cannot_restore_the_level_says_so():
    result = found(30 * dry(), ["lowpass"])
    assert "a gain alone does better" in result.verdict.headline and result.verdict.headline.startswith(result.level)
    assert any("add `gain`" in point for point in result.advice)


@pytest.mark.parametrize("chain", [["soft_clip"], ["lowpass", "soft_clip"]])
def test_a_soft_clip_restores_the_level_that_its_drive_takes(chain):
    driven = np.tanh(30 * dry()) * 0.4
    result = found(driven, chain)
    assert result.esr < 0.01
    assert float(result.rack.knobs["soft_clip.makeup_db"]) > 5


def test_what_a_filter_explains_is_advised():
    echo = dry().astype(np.float64)
    echo = echo - 0.9 * np.concatenate([np.zeros(3), echo[:-3]])
    assert any("linear filter explains" in point for point in found(echo, ["clip"]).advice)
