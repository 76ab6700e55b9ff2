"""Loops: both ends alike, in the sustain, and in step with the vibrato."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ddsp_match.edits.loops import best_jump, find_loop, has_sustain, sustain
from tests.edits.notes import TIMEBASE, note


@pytest.mark.parametrize("period", [20, 37])
@pytest.mark.parametrize("what", [{"vibrato_cents": 40.0}, {"swell": 0.5}])
def test_a_loop_takes_whole_rounds_of_what_swings(period, what):
    # Were it blind to what swings, it would take the longest: 270 frames, which are whole rounds of neither period.
    first, last = find_loop(note(frames=311, period=period, **what), TIMEBASE)
    assert 10 <= first < last <= 291
    off = (last - first) % period
    assert last - first >= 25 and min(off, period - off) <= 1


def test_a_loop_keeps_off_what_happens_once():
    sound = note(frames=301)
    noise = sound.noise.clone()
    noise[..., 100:160] *= 30  # a burst of breath in the middle
    first, last = find_loop(replace(sound, noise=noise), TIMEBASE)
    assert first >= 160 or last <= 100 or (first < 100 and last > 160)


def test_a_loop_hears_where_in_the_spectrum_the_noise_is():
    sound = note(frames=301, bands=33)
    noise = torch.zeros_like(sound.noise)
    noise[:, 4:12] = 0.3
    noise[:, 4:12, 150:] = 0.0
    noise[:, 20:28, 150:] = 0.3  # as much, but hissing
    first, last = find_loop(replace(sound, noise=noise), TIMEBASE)
    assert first >= 150 or last <= 150


@pytest.mark.parametrize("missing", [None, 50, 400])
def test_of_a_phrase_the_loop_lies_in_one_note(missing):
    keys = torch.tensor([0, 2, 0, 2, 0, 5, 0]).repeat_interleave(60)[:401]
    sound = note(frames=401, vibrato_cents=30.0)
    first, last = find_loop(replace(sound, f0_hz=sound.f0_hz * 2 ** (keys / 12)), TIMEBASE, missing)
    assert last - first >= 25 and len(set(keys[first : last + 1].tolist())) == 1


def test_a_loop_is_no_motor():
    steps = 220 * 2 ** (torch.randperm(26, generator=torch.Generator().manual_seed(1)) / 4)
    f0_hz = steps.repeat_interleave(12)[:301].view(1, -1)  # two moments are alike only within 12 frames
    first, last = find_loop(replace(note(frames=301), f0_hz=f0_hz), TIMEBASE)
    assert last - first >= 25


def test_the_way_that_a_loop_has_to_fill_decides_on_its_length():
    sound = note(frames=301, vibrato_cents=40.0)
    for missing in (30, 120, 333, 1000):
        first, last = find_loop(sound, TIMEBASE, missing)
        rounds = round(missing / (last - first))
        assert rounds >= 1 and abs(missing / rounds - (last - first)) <= 1


def test_the_best_jump_of_a_length_is_between_moments_alike():
    sound = note(frames=301)
    amplitude = sound.amplitude.clone()
    amplitude[:, 30:150] *= torch.linspace(1, 3, 120)
    amplitude[:, 150:] *= 3
    first, last = best_jump(replace(sound, amplitude=amplitude), TIMEBASE, 100)
    assert last - first == 100 and first >= 147


def test_what_is_blown_has_a_sustain_and_what_is_struck_has_none():
    assert has_sustain(note(), TIMEBASE)
    assert not has_sustain(note(decay_db_per_s=12.0), TIMEBASE)
    assert not has_sustain(note(frames=30, attack=2, release=10), TIMEBASE)


def test_the_sustain_lies_between_attack_and_release():
    begin, end = sustain(note(frames=301, attack=40, release=60), TIMEBASE)
    assert 30 <= begin <= 42 and 230 < end < 290


@pytest.mark.parametrize("frames", [2, 3, 5, 12])
def test_even_the_shortest_sound_gets_a_loop_inside_it(frames):
    first, last = find_loop(note(frames=frames, attack=1, release=1), TIMEBASE)
    assert 0 <= first < last <= frames - 1


def test_silence_gets_a_loop_too():
    sound = note()
    silent = replace(sound, amplitude=sound.amplitude * 0, noise=sound.noise * 0)
    first, last = find_loop(silent, TIMEBASE)
    assert 0 <= first < last <= 200
