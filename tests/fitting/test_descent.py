"""Long sounds with effects: their knobs are found once, within the budget, and nobody waits unknowing."""

from __future__ import annotations

import numpy as np
import torch

import ddsp_match
from ddsp_match.core.audio import Audio
from ddsp_match.core.settings import FitSettings
from ddsp_match.effects.build import build
from ddsp_match.fitting.optimise import StopReason
from ddsp_match.fitting.wet import Wet
from tests.fitting.test_room import RATE, in_room, notes, settings

SEGMENTS = 2


def in_segments(*args, **kwargs) -> FitSettings:
    made = settings(*args, **kwargs)
    made.segment_s = 1.0
    return made


def plain(seconds: float = 1.9) -> Audio:
    return Audio(notes(seconds)[None].astype(np.float32), RATE)


def test_knobs_beside_a_room_that_was_heard_are_found_too():
    result = ddsp_match.fit(in_room(notes(1.9)), settings=in_segments(["chorus", "reverb"], steps=8))
    chain, _ = build(["chorus", "reverb"])
    start = Wet(chain, {}, {}, torch.from_numpy(result.target.samples), RATE, anchored=True).values()
    knobs = result.patch.effects.knobs
    for name in ("rate_hz", "delay_ms", "depth_ms", "wet"):
        assert abs(knobs[f"chorus.{name}"] - start[f"chorus.{name}"]) > 1e-3, name


def test_the_effects_leave_the_segments_their_share_of_the_budget():
    made = in_segments(["lowpass"], steps=100_000)
    made.optimizer.budget_s = 3.0
    result = ddsp_match.fit(plain(), settings=made)
    assert result.stop_reason is StopReason.BUDGET
    assert result.seconds["optimise"] < 6.0
    steps = np.array(result.trace.steps)
    for index in range(SEGMENTS):
        assert (steps[steps // 100_000 == index] % 100_000).max() > 1


def test_steps_towards_the_effects_are_told_and_counted():
    told = []
    ddsp_match.fit(plain(), settings=in_segments(["lowpass"], steps=3), on_step=lambda *facts: told.append(facts))
    assert {total for _, total, _, _ in told} == {3 * (1 + SEGMENTS)}
    assert [step for step, _, _, _ in told] == [0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9]
