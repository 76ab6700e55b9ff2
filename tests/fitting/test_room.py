"""Source and room found together: what is estimate, what is fitted, what is played and written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import ddsp_match
from ddsp_match.core import audio
from ddsp_match.core.audio import Audio
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.settings import FitSettings, LossSettings
from ddsp_match.effects.build import build
from ddsp_match.effects.rack import Rack
from ddsp_match.fitting.room import described, estimate_room
from ddsp_match.fitting.wet import Wet
from ddsp_match.losses.metrics import mel_distances_db, multi_resolution
from ddsp_match.tasks.render import render
from tests.compare import assert_close

ROOT = Path(__file__).parents[2]
RATE = 16000


def notes(seconds: float = 2.5, f0_hz: float = 220.0) -> np.ndarray:
    """Notes of 0.4 s with a little breath, and rests."""
    t = np.arange(round(seconds * RATE)) / RATE
    tone = sum(np.sin(2 * np.pi * k * f0_hz * t + k) / k for k in range(1, 12))
    breath = 0.1 * np.random.default_rng(3).standard_normal(len(t))
    gate = np.clip(np.minimum((t - 0.1) % 1.0, 0.4 - (t - 0.1) % 1.0) / 0.01, 0, 1)
    return 0.1 * (tone + breath) * gate


def in_room(dry: np.ndarray, rt60_s: float = 0.7, level: float = 1.0) -> Audio:
    rack = Rack.of([{"reverb": {"seed": 9}}], RATE, {"reverb.rt60_s": [rt60_s] * 8, "reverb.level": [level] * 8})
    return Audio(rack.process(dry[None], RATE).astype(np.float32), RATE)


def settings(effects: list, steps: int = 30, f0_hz: float = 220.0) -> FitSettings:
    made = FitSettings(effects=effects)
    made.f0.source, made.f0.hz = "constant", f0_hz
    made.optimizer.steps = steps
    return made


@pytest.fixture(scope="module")
def fitted():
    dry = notes()
    return dry, ddsp_match.fit(in_room(dry), settings=settings(["reverb"]))


def test_the_room_is_found(fitted):
    _, result = fitted
    rt60_s = result.patch.effects.knobs["reverb.rt60_s"]
    assert_close(rt60_s[1:6] / 0.7, np.ones(5), 0.2)
    assert any("s at 1000 Hz" in note for note in result.notes)


def test_the_dry_stem_is_nearer_to_the_dry_sound_than_the_wet_one_is(fitted):
    dry, result = fitted
    true, wet, stem = (torch.from_numpy(np.atleast_2d(x)).float()
                       for x in (dry, result.target.samples, result.dry.samples))  # fmt: skip
    for distance in (
        lambda x: multi_resolution(true, x, [2048, 512, 128]),
        lambda x: mel_distances_db(true, x, RATE)["mel_db"],
    ):
        assert distance(stem) < 0.85 * distance(wet)


def test_match_and_dry_are_what_the_patch_renders(fitted):
    _, result = fitted
    assert_close(render(result.patch).samples, result.match.samples, 0.0)
    assert_close(render(result.patch, dry=True).samples, result.dry.samples, 0.0)
    stems = result.stems["harmonic"].samples + result.stems["noise"].samples
    assert_close(stems, result.dry.samples, 1e-6)
    assert np.abs(result.match.samples - result.dry.samples).max() > 0.01


def test_a_sound_that_hardly_reveals_a_room_is_fitted_without_one(tmp_path):
    t = np.arange(round(1.2 * RATE)) / RATE
    tone = 0.1 * sum(np.sin(2 * np.pi * k * 220 * t + k) / k for k in range(1, 12))
    sound = Audio((tone * np.minimum(1, t / 0.02))[None].astype(np.float32), RATE)
    plain, wet = (ddsp_match.fit(sound, settings=settings(effects, steps=4)) for effects in ([], ["reverb"]))
    assert_close(wet.match.samples, plain.match.samples, 1e-6)
    assert any("hardly reveals a room" in note for note in wet.notes)
    assert not any("decays by 60 dB" in note for note in wet.notes)
    # The patch still holds the effects, neutral: what asks for them goes on working.
    assert wet.patch.effects is not None and not wet.patch.effects.knobs["reverb.level"].any()
    assert_close(wet.dry.samples, wet.match.samples, 1e-6)
    told = [{"reverb": {"rt60_s": [0.4] * 8}}]
    assert ddsp_match.fit(sound, settings=settings(told, steps=2)).patch.effects.knobs["reverb.level"].any()


def test_a_single_note_keeps_its_closeness_with_a_room():
    sound, _ = audio.read(ROOT / "data" / "trumpet-a4.flac")
    made = settings(["reverb"], steps=15, f0_hz=443.0)
    made.model.name = "exact"
    result = ddsp_match.fit(sound, settings=made)
    assert result.patch.effects is not None and result.patch.effects.knobs["reverb.level"].any()
    assert result.metrics["mrstft"] < 0.3
    assert not any("quality=best" in advice for advice in result.verdict.advice)


def test_a_run_holds_the_dry_sound(tmp_path):
    sound = in_room(notes(1.0))
    wet = ddsp_match.fit(sound, settings=settings(["reverb"], steps=2), out=tmp_path / "wet")
    plain = ddsp_match.fit(sound, settings=settings([], steps=2), out=tmp_path / "plain")
    assert "dry.wav" in wet.files and "dry.wav" not in plain.files
    assert plain.dry is None and plain.patch.effects is None


def test_what_the_user_holds_is_held():
    rest = slice(round(0.6 * RATE), round(0.8 * RATE))
    left = []
    for rt60_s in (0.1, 1.5):
        chain, held = build([{"reverb": {"rt60_s": [rt60_s] * 8, "level": [1.0] * 8}}])
        estimate = estimate_room(chain, held, in_room(notes(1.5)).samples, RATE)
        assert not {"reverb.rt60_s", "reverb.level"} & set(estimate.values) and estimate.dry is not None
        left.append(float(np.square(estimate.dry[:, rest]).sum()))
    # A room that is told to be short leaves the ringing to the instrument.
    assert left[0] > 2 * left[1]
    result = ddsp_match.fit(in_room(notes(1.0)), settings=settings([{"reverb": {"rt60_s": [1.5] * 8}}], steps=2))
    assert result.patch.effects is not None
    assert_close(result.patch.effects.knobs["reverb.rt60_s"], np.full(8, 1.5), 1e-5)


def test_only_what_has_an_ear_is_heard():
    chain, held = build(["gain", "clip"])
    estimate = estimate_room(chain, held, in_room(notes(1.0)).samples, RATE)
    assert estimate.dry is None and not estimate.values
    assert described(chain, {}, RATE) == []


def test_knobs_of_other_effects_are_fitted_with_the_source():
    tone = Audio(notes(1.0)[None].astype(np.float32), RATE)
    result = ddsp_match.fit(tone, settings=settings(["lowpass", "gain"], steps=15))
    assert result.patch.effects is not None
    knobs = result.patch.effects.knobs
    assert abs(float(knobs["gain.gain_db"])) > 0.01
    assert result.trace.best[-1] < 0.95 * result.trace.loss[0]


def test_the_source_answers_for_the_dry_sound_and_for_the_wet_one():
    chain, held = build([{"gain": {"gain_db": 6.0}}])
    dry = torch.from_numpy(notes(0.5)[None]).float()
    right = torch.stack([dry, dry * 10 ** (6 / 20)])
    for anchored, weight in ((True, 1.0), (False, 0.0)):
        wet = Wet(chain, held, held, right[1], RATE, anchored=anchored)
        loss = wet.loss(0, dry.shape[1], dry, LossSettings(), 1)
        assert_close(wet.after(dry[:, :0], dry.shape[1])(dry), right, 1e-5)
        assert loss(right).item() < 0.05
        assert (loss(torch.stack([0.5 * dry, right[1]])).item() > 0.1) == (weight > 0)
        assert loss(torch.stack([dry, 0.5 * right[1]])).item() > 0.1


def test_effects_remember_what_came_before():
    chain, held = build([{"delay": {"delay_ms": 100.0, "wet": 0.5}}])
    dry = torch.from_numpy(notes(1.0)[None]).float()
    whole = Wet(chain, held, [k.name for k in chain.knobs], dry, RATE, anchored=False)
    free = Wet(chain, held, held, dry, RATE, anchored=False)
    for wet in (whole, free):
        at_once, cut = wet.after(dry[:, :0], 16000)(dry), wet.after(dry[:, :6000], 10000)(dry[:, 6000:])
        assert_close(cut.detach(), at_once[..., 6000:].detach(), 1e-5)
        assert (at_once[1] - at_once[0]).abs().max() > 0.01


@pytest.mark.parametrize("effects", [["reverb"], ["one_pole"]])
def test_beyond_one_segment_the_effects_are_the_same_throughout(effects):
    made = settings(effects, steps=8)
    made.segment_s = 1.0
    result = ddsp_match.fit(in_room(notes(2.0)), settings=made)
    target, match = (torch.from_numpy(x.samples) for x in (result.target, result.match))
    assert multi_resolution(target, match, [1024, 256]) < 0.5 * multi_resolution(target, 0 * target, [1024, 256])


def test_a_knob_that_does_not_exist_is_refused():
    with pytest.raises(ConfigError):
        ddsp_match.fit(in_room(notes(1.0)), settings=settings([{"reverb": {"rt61_s": 1.0}}]))
