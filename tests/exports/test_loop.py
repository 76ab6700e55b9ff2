"""Held sounds repeat sample by sample, whatever they are made of."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from ddsp_match.core.controls import Controls
from ddsp_match.edits.tones import pitch_of
from ddsp_match.exports.loop import held, play_held
from ddsp_match.patch import Patch
from tests.compare import assert_close
from tests.exports.instruments import blown

LOOP = (40, 97)


def rounds(patch: Patch, controls: Controls, loop=LOOP, shortest_s: float = 0.5, settle_s: float = 0.0):
    """Two rounds of the loop, and where it begins."""
    sound = held(controls, patch.timebase, loop, shortest_s, settle_s)
    played = play_held(sound, patch.timebase, 5).numpy()
    start, length = sound.first * patch.timebase.hop, sound.period * patch.timebase.hop
    # Behind its last frame nothing plays on.
    behind = played.shape[1] - start - length - patch.timebase.hop
    assert behind > 100
    return played[:, start : start + behind], played[:, start + length :][:, :behind], sound


def swirling(patch: Patch, divisions: int = 1) -> Controls:
    """Every partial off its place by some Hz, as in a bell or a choir."""
    controls = patch.controls
    t = torch.arange(controls.n_frames) / patch.timebase.frame_rate
    off_hz = torch.tensor([0.3, -1.7, 2.9, 0.0, 5.5, -7.1]).view(1, -1, 1)
    return replace(controls, phases=2 * math.pi * off_hz * t, divisions=divisions)


@pytest.mark.parametrize("divisions", [1, 3])
@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_the_second_round_equals_the_first(divisions, noise):
    patch = blown(313.7, noise=noise)
    sound = swirling(patch, divisions)
    # No two frames have the same noise, so that those before the loop are not those before its end.
    uneven = torch.rand(sound.noise.shape, generator=torch.manual_seed(0)) * sound.noise
    first, second, _ = rounds(patch, replace(sound, noise=uneven))
    assert np.abs(first).max() > 0.05
    assert_close(second, first, 2e-6)


def test_no_partial_jumps_where_the_loop_closes():
    patch = blown(313.7, noise=0.0, vibrato_cents=0.0)
    _, _, sound = rounds(patch, swirling(patch))
    controls = sound.controls
    loud = controls.partial_amplitudes[0, :, 60] > 1e-3
    steps = controls.phases[0, loud].double().diff(dim=1)[:, LOOP[0] :]
    steps = torch.atan2(steps.sin(), steps.cos())
    assert steps.shape[1] > sound.period
    # From frame to frame each turns as fast as everywhere else.
    assert float((steps - steps.median(1, keepdim=True).values).abs().max()) < 0.05


def test_a_stereo_sound_repeats_too():
    patch = blown(channels=2)
    two = patch.controls
    apart = replace(two, f0_hz=two.f0_hz * torch.tensor([[1.0], [1.003]]))
    first, second, _ = rounds(patch, apart)
    assert_close(second, first, 2e-6)


def test_it_still_repeats_after_a_room_had_time_to_fill():
    patch = blown()
    first, second, sound = rounds(patch, swirling(patch, 3), settle_s=1.0)
    assert sound.first * patch.timebase.hop > patch.timebase.sample_rate
    assert_close(second, first, 2e-6)


def test_what_f0_was_raised_by_is_told_and_small():
    patch = blown(97.3, vibrato_cents=0.0)
    _, _, sound = rounds(patch, patch.controls, shortest_s=2.0)
    assert 0.01 < abs(sound.cents) < 3
    raised = 1200 * math.log2(float(sound.controls.f0_hz[0, 50]) / 97.3)
    assert raised == pytest.approx(sound.cents, abs=0.01)


def test_a_short_loop_is_gone_through_until_it_is_long_enough():
    patch = blown()
    _, _, sound = rounds(patch, patch.controls, (50, 80), shortest_s=2.0)
    assert sound.period / patch.timebase.frame_rate == pytest.approx(2.0, rel=0.2)


def test_the_way_into_the_loop_is_that_of_the_sound():
    patch = blown(noise=0.0)
    sound = held(patch.controls, patch.timebase, LOOP, 0.5)
    assert_close(sound.controls.amplitude[:, :40], patch.controls.amplitude[:, :40], 2e-4)
    # Vibrato and all: f0 differs by no more than what it was raised by.
    cents = 1200 * torch.log2(sound.controls.f0_hz[:, :40] / patch.controls.f0_hz[:, :40])
    assert_close(cents, torch.full((1, 40), sound.cents), 0.01)


def test_the_pitch_counts_how_partials_turn():
    patch = blown(440.0, vibrato_cents=0.0)
    assert pitch_of(patch.controls, patch.timebase) == pytest.approx(69.0, abs=1e-3)
    t = torch.arange(patch.controls.n_frames) / patch.timebase.frame_rate
    numbers = torch.arange(1, 7).view(1, -1, 1)
    sharp = replace(patch.controls, phases=2 * math.pi * 440 * 0.01 * numbers * t)
    assert pitch_of(sharp, patch.timebase) == pytest.approx(69 + 12 * math.log2(1.01), abs=1e-3)
