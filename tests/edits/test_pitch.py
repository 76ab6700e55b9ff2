"""Another pitch, the same instrument."""

from __future__ import annotations

import math

import pytest
import torch

from ddsp_match.edits.pitch import contour, replace_f0, transpose, vibrato
from ddsp_match.synth.harmonic_noise import complex_amplitudes
from tests.edits.sounds import TIMEBASE, level_at_db, note, sound, strongest_hz, with_partials


def cents(a: float, b: float) -> float:
    return 1200 * math.log2(a / b)


@pytest.mark.parametrize("semitones", [-12, -5, 0.5, 7, 12])
@pytest.mark.parametrize("divisions", [1, 3])
def test_a_transposed_note_is_in_tune(semitones, divisions):
    higher = transpose(note(220, divisions=divisions), TIMEBASE, semitones)
    wanted = 220 * 2 ** (semitones / 12)
    for harmonic in (1, 2, 3):
        found = strongest_hz(sound(higher), wanted * (harmonic - 0.4), wanted * (harmonic + 0.4))
        assert abs(cents(found, wanted * harmonic)) < 0.5


@pytest.mark.parametrize("semitones", [-24, -7, 12, 24])
@pytest.mark.parametrize("formant", ["keep", "move"])
def test_a_note_stays_as_loud_where_its_envelope_falls_off(semitones, formant):
    given = note(440, levels=(0.3, 0.03, 0.003))
    moved = transpose(given, TIMEBASE, semitones, formant)
    levels = [10 * torch.log10(c.partial_amplitudes.square().sum()) for c in (moved, given)]
    assert abs(float(levels[0] - levels[1])) < 0.5


@pytest.mark.parametrize("semitones", [-12, 4, 12])
def test_a_partial_off_its_place_stays_as_many_cents_off(semitones):
    given = note(400, levels=(0.3,), divisions=1, cents_off=60)
    found = strongest_hz(sound(transpose(given, TIMEBASE, semitones, "move")))
    assert abs(cents(found, 400 * 2 ** ((60 + 100 * semitones) / 1200))) < 0.5


def test_on_a_steady_grid_what_sounds_is_moved_and_not_the_grid():
    given = note(50, levels=(*[0.0] * 8, 0.3), cents_off=-50)
    heard = strongest_hz(sound(given))
    higher = strongest_hz(sound(transpose(given, TIMEBASE, 12, "move")))
    assert abs(cents(higher, 2 * heard)) < 0.5


def test_nothing_folds_back_at_nyquist():
    higher = transpose(note(3000, levels=(0.3, 0.3)), TIMEBASE, 12, "move")
    x = sound(higher)
    assert abs(strongest_hz(x) - 6000) < 1
    assert level_at_db(x, 16_000 - 12_000) < -90


def test_kept_formants_stay_and_moved_ones_move():
    levels = [0.3 * 10 ** (-(((k * 200 - 1000) / 300) ** 2) / 2) + 1e-3 for k in range(1, 20)]
    given = note(200, levels=levels)

    def peak_hz(controls) -> float:
        power = controls.partial_amplitudes[0, :, 75].square()
        hz = controls.base_hz[0, 75] * torch.arange(1, len(power) + 1)
        return float((power * hz).sum() / power.sum())

    before = peak_hz(given)
    assert abs(peak_hz(transpose(given, TIMEBASE, 7)) / before - 1) < 0.08
    assert abs(peak_hz(transpose(given, TIMEBASE, 7, "move")) / before - 2 ** (7 / 12)) < 0.02


def test_an_instrument_without_even_harmonics_stays_one():
    clarinet = note(200, levels=[0.3 / k if k % 2 else 1e-4 for k in range(1, 20)])
    lower = transpose(clarinet, TIMEBASE, -7).partial_amplitudes[0, :, 75]
    assert float((lower[0:11:2] / lower[1:12:2]).min()) > 100


def test_lower_down_the_top_is_filled_from_the_envelope():
    full = note(500, levels=[0.2] * 15)  # up to 7.5 kHz
    lower = transpose(full, TIMEBASE, -12).partial_amplitudes[0, :, 75]
    hz = 250 * torch.arange(1, len(lower) + 1)
    top = lower[(hz > 4500) & (hz < 7400)]
    assert len(top) >= 10 and float(top.min()) > 0.1
    moved = transpose(full, TIMEBASE, -12, "move").partial_amplitudes[0, :, 75]
    assert float(moved[hz[: len(moved)] > 4200].max()) < 1e-6


def test_the_noise_stays_or_moves_with_its_power():
    given = note(200, levels=(0.0, 1e-6), noise=0.0)
    given.noise[:, 30:40] = 0.1
    kept = transpose(given, TIMEBASE, 12).noise[0, :, 75]
    moved = transpose(given, TIMEBASE, 12, "move").noise[0, :, 75]
    assert torch.equal(kept, given.noise[0, :, 75])
    assert float(moved[62:76].mean()) > 0.05 and float(moved[:55].max()) < 1e-6
    assert abs(float(moved.square().sum() / given.noise[0, :, 75].square().sum()) - 1) < 0.1


def test_contour_flattens_and_exaggerates():
    given = note(220)
    wave = 2 ** (30 * torch.sin(torch.arange(150) / 8.0) / 1200)
    given = replace_f0(given, TIMEBASE, 220 * wave.double())
    flat, doubled = contour(given, TIMEBASE, 0), contour(given, TIMEBASE, 2)
    assert float((flat.f0_hz / flat.f0_hz.median()).log2().abs().max()) * 1200 < 0.1
    spread = 1200 * (doubled.f0_hz / doubled.f0_hz.median()).log2()
    assert abs(float(spread.max()) - 60) < 3


def test_vibrato_swings_as_asked_and_begins_late():
    swung = vibrato(note(220, frames=300), TIMEBASE, 5.0, 40.0, 0.5)
    off = 1200 * (swung.f0_hz[0] / 220).log2()
    assert float(off[:50].abs().max()) < 1e-3
    assert abs(float(off[120:].max()) - 40) < 1 and abs(float(off[120:].min()) + 40) < 1
    crossings = int(((off[100:-1] <= 0) & (off[101:] > 0)).sum())
    assert crossings == 10


def test_a_stereo_sound_keeps_the_phases_between_its_channels():
    given = note(220, channels=2)
    given.phases[1] += 1.0
    higher = transpose(given, TIMEBASE, 7)
    heard = higher.amplitude[0, 0] * higher.distribution[0, :, 0] > 1e-3
    apart = (higher.phases[1] - higher.phases[0])[heard]
    assert len(apart) == 5
    assert torch.allclose(torch.cos(apart - 1.0), torch.ones_like(apart), atol=1e-4)


def test_a_stiff_string_is_in_tune_by_the_harmonics_that_are_loud_then():
    """Under a kept envelope others are loud: without a correction this one would sound ten cents flat, an octave up."""
    levels = (0.02, 0.05, 0.1, 0.2, 0.3, 0.2, 0.05, 0.02, 0.01, 0.005)
    given = note(165, levels=levels, divisions=2)
    stretched = torch.sqrt(1 + 4e-4 * (torch.arange(1, 21) / 2) ** 2).view(1, -1, 1)
    hz = 165 / 2 * torch.arange(1, 21).view(1, -1, 1)
    turn = 2 * torch.pi * hz * (stretched - 1) / TIMEBASE.frame_rate
    given = with_partials(given, torch.polar(given.partial_amplitudes, (turn * torch.arange(150)).expand(1, 20, 150)))

    def heard_hz(controls, f0_hz):
        found = [strongest_hz(sound(controls), f0_hz * (k - 0.3), f0_hz * (k + 0.3)) for k in range(1, 11)]
        loud = [10 ** (level_at_db(sound(controls), hz) / 20) for hz in found]
        return sum(level * hz / k for k, (level, hz) in enumerate(zip(loud, found, strict=True), 1)) / sum(loud)

    before = heard_hz(given, 165)
    assert cents(before, 165) > 5
    assert abs(cents(heard_hz(transpose(given, TIMEBASE, 12), 330), 2 * before)) < 1.5


def test_another_tone_beside_the_harmonics_does_not_move_the_pitch():
    given = note(200, levels=(0.3, 0.2, 0.1), divisions=2)
    c = complex_amplitudes(given)
    other = 2 * torch.pi * (175.0 - 200.0) * torch.arange(150) / TIMEBASE.frame_rate
    c[:, 1] = torch.polar(torch.full((150,), 0.3), other)  # where the fundamental would be, 25 Hz below it
    higher = transpose(with_partials(given, c), TIMEBASE, 12)
    assert abs(cents(strongest_hz(sound(higher), 760, 840), 800)) < 0.3
