"""Cut, faded, held, frozen: exact lengths, and nothing clicks."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from ddsp_match.edits.time import fade, freeze, hold, trim
from ddsp_match.synth.harmonic_noise import play
from tests.compare import assert_close
from tests.edits.notes import TIMEBASE, note


def sung(controls):
    """The harmonic part, as samples."""
    return play(controls, TIMEBASE, TIMEBASE.samples(controls.n_frames), 0).harmonic


@pytest.mark.parametrize("phases", [True, False])
@pytest.mark.parametrize("divisions", [1, 3])
def test_a_trimmed_sound_is_that_piece_of_the_whole(phases, divisions):
    sound = note(vibrato_cents=80, divisions=divisions, channels=2, swell=0.5)
    sound = sound if phases else replace(sound, phases=None)
    cut = trim(sound, TIMEBASE, 0.432, 1.2)
    assert cut.n_frames == 78  # frames 43 to 120
    assert_close(sung(cut), sung(sound)[:, 43 * 160 : 120 * 160], 2e-5)


def test_a_trim_of_nothing_is_nothing_and_one_at_the_end_keeps_the_phases():
    sound = note()
    assert trim(sound, TIMEBASE, 0.0, 99.0) is sound
    assert torch.equal(trim(sound, TIMEBASE, 0.0, 1.0).phases, sound.phases[..., :101])


@pytest.mark.parametrize(
    ("curve", "quarter"),
    [("linear", 0.25), ("cosine", 0.5 - 0.5 * math.sqrt(0.5)), ("exponential", 10 ** (-45 / 20))],
)
def test_a_fade_has_its_curve_and_its_length(curve, quarter):
    sound = note(attack=1, release=1)
    faded = fade(sound, TIMEBASE, in_s=0.4, out_s=0.8, curve=curve)
    gain = faded.amplitude[0] / sound.amplitude[0].clamp(min=1e-9)
    assert float(faded.amplitude[0, 0]) == float(faded.amplitude[0, -1]) == 0
    assert_close(gain[[10, 40, 120, 180]], [quarter, 1.0, 1.0, quarter], 1e-5)
    assert_close(faded.noise[0, 5] / 0.01, faded.amplitude[0] / 0.3, 1e-5)
    assert fade(sound, TIMEBASE) is sound


def roughest(samples):
    """How far the samples bend at most."""
    return float(samples.diff(n=2).abs().max())


@pytest.mark.parametrize("seconds", [2.01, 2.3, 3.7, 6.0, 1.5, 0.9])
def test_a_held_sound_has_its_length_its_attack_its_release_and_no_click(seconds):
    sound = note(vibrato_cents=30, swell=0.4)
    held = hold(sound, TIMEBASE, seconds)
    assert held.n_frames == 1 + round(seconds * 100)
    levels = held.partial_amplitudes.sum((0, 1)), sound.partial_amplitudes.sum((0, 1))
    assert_close(levels[0][:12], levels[1][:12], 1e-4)
    assert_close(levels[0][-20:], levels[1][-20:], 1e-4)
    assert_close(levels[0][12:-22], torch.full((held.n_frames - 34,), 0.3), 0.01)  # the sustain is one
    assert float(held.f0_hz.max()) < 220 * 2 ** (31 / 1200)
    assert roughest(sung(held)) < 1.05 * roughest(sung(sound))


def test_a_held_vibrato_goes_on_in_step():
    sound = note(vibrato_cents=50, swell=0.5)
    held = hold(sound, TIMEBASE, 8.0)
    cents = 1200 * torch.log2(held.f0_hz[0, 20:-25].double() / 220)
    k = torch.arange(len(cents), dtype=torch.float64)
    turned = torch.polar(torch.ones_like(k), 2 * math.pi * k / 20)
    # A jump that breaks the step would take from the one line of its spectrum.
    assert float((cents * turned).mean().abs()) > 0.9 * 25


def test_a_given_loop_is_the_one_that_is_held():
    sound = note()
    marked = replace(sound, f0_hz=sound.f0_hz * torch.linspace(1, 1.1, 201))
    held = hold(marked, TIMEBASE, 4.0, loop=(60, 100))
    inside = held.f0_hz[0, 100:-101]
    low, high = float(marked.f0_hz[0, 60]), float(marked.f0_hz[0, 100])
    assert float(held.f0_hz.diff().abs().max()) < 1  # the way back is a crossfade, no step of 4.4 Hz
    assert low - 0.1 <= float(inside.min()) < low + 2 and high - 2 < float(inside.max()) <= high + 0.1


def test_held_for_less_than_attack_and_release_it_is_cut_and_faded():
    sound = note(frames=61, attack=30, release=20)
    held = hold(sound, TIMEBASE, 0.1)
    assert held.n_frames == 11 and float(held.amplitude[0, -1]) == 0
    assert_close(held.amplitude[0, :8], sound.amplitude[0, :8], 1e-6)
    assert_close(held.amplitude[0, 9], sound.amplitude[0, 9] / 2, 1e-6)  # halfway down the fade
    assert hold(sound, TIMEBASE, 0.6) is sound


def test_a_frozen_moment_stands_still():
    sound = note(vibrato_cents=60, swell=0.5)
    still = freeze(sound, TIMEBASE, 0.85, 3.0)
    assert still.n_frames == 301
    assert_close(still.f0_hz, sound.f0_hz[:, 85:86].expand(-1, 301), 1e-3)
    inside = slice(2, -2)
    partials = sound.partial_amplitudes[..., 85:86].expand(-1, -1, 297)
    assert_close(still.partial_amplitudes[:, :12, inside], partials, 1e-5)
    assert_close(still.noise[..., inside], sound.noise[..., 85:86].expand(-1, -1, 297), 1e-7)
    assert float(still.amplitude[0, 0]) == float(still.amplitude[0, -1]) == 0
    assert freeze(sound, TIMEBASE, 99.0).n_frames == sound.n_frames
