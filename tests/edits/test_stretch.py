"""Longer and shorter: length, pitch, attack."""

from __future__ import annotations

import math

import pytest
import torch

from ddsp_match.edits.onsets import attack_frames, onsets
from ddsp_match.edits.time import stretch
from ddsp_match.synth.harmonic_noise import complex_amplitudes
from tests.edits.sounds import TIMEBASE, note, sound, strongest_hz, with_partials


def plucked(frames: int = 200, onset: int = 12):
    """A note that begins within three frames, with a knock, and dies away."""
    given = note(330, frames, levels=(0.3, 0.2, 0.1), divisions=3)
    time = torch.arange(frames) - onset
    shape = torch.where(time < 0, 0.0, (time / 3).clamp(max=1) * torch.exp(-time / 60))
    c = complex_amplitudes(given) * shape
    draw = torch.Generator().manual_seed(1)
    c[..., onset : onset + 4] += 0.03 * torch.randn(c[..., :4].real.shape, generator=draw)
    return with_partials(given, c)


@pytest.mark.parametrize("factor", [0.5, 0.77, 1.5, 4])
def test_length_and_pitch(factor):
    given = plucked()
    longer = stretch(given, TIMEBASE, factor)
    assert longer.n_frames == round(199 * factor) + 1
    hz = strongest_hz(sound(longer), 250, 400)
    assert abs(1200 * math.log2(hz / 330)) < 1


@pytest.mark.parametrize("factor", [0.5, 2, 4])
def test_the_attack_is_the_same_waveform(factor):
    given = plucked()
    over = TIMEBASE.centre(attack_frames(given, TIMEBASE))
    before, after = sound(given)[0, :over], sound(stretch(given, TIMEBASE, factor))[0, :over]
    assert over > 2000
    assert float((before - after).square().mean().sqrt() / before.square().mean().sqrt()) < 1e-3


def test_there_is_no_click_after_the_attack():
    x = sound(stretch(plucked(), TIMEBASE, 3))[0]
    jumps = x.diff().abs()
    assert float(jumps[3000:].max()) < 1.1 * float(jumps[:3000].max())


def test_the_decay_takes_up_the_change():
    given = plucked()
    slow = stretch(given, TIMEBASE, 2)

    def fall(controls, frame):
        return float(20 * torch.log10(controls.amplitude[0, frame] / controls.amplitude[0, frame + 50]))

    assert abs(fall(slow, 120) / fall(given, 80) - 0.5) < 0.1


def test_further_onsets_keep_their_pace():
    two = plucked(400)
    c = complex_amplitudes(two)
    c[..., 200:] += complex_amplitudes(plucked(400))[..., :200]
    two = with_partials(two, c)
    found = onsets(two, TIMEBASE)
    assert len(found) == 2 and abs(found[0] - 12) <= 1 and abs(found[1] - 212) <= 1
    slow = stretch(two, TIMEBASE, 2)
    _first, second = onsets(slow, TIMEBASE)
    assert abs(second - 412) < 15
    rise = slow.amplitude[0, second - 3 : second + 8]
    assert float(rise.max() / rise[0].clamp(min=1e-9)) > 2


def test_a_sound_too_short_for_its_attack_is_stretched_whole():
    swelling = note(220, 100)
    c = complex_amplitudes(swelling) * torch.linspace(0.01, 1, 100)
    longer = stretch(with_partials(swelling, c), TIMEBASE, 0.5)
    assert longer.n_frames == 51 or longer.n_frames == 50
    assert abs(float(longer.amplitude[0, -1] / longer.amplitude[0, 25]) - 2) < 0.25


def test_a_sound_without_partials_can_be_stretched():
    given = note(220, 100, levels=(0.0,), noise=0.05)
    longer = stretch(given, TIMEBASE, 2)
    assert longer.n_frames == 199 and abs(float(longer.noise.mean()) - 0.05) < 1e-4


def test_partials_that_are_never_heard_are_no_trouble():
    given = plucked()
    beyond = torch.zeros(1, 90, given.n_frames)  # above Nyquist from the 73rd on
    c = torch.cat([complex_amplitudes(given), beyond.to(torch.complex64)], 1)
    assert stretch(with_partials(given, c), TIMEBASE, 2).n_frames == 399
