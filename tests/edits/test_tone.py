"""Edits of the spectrum: they tilt as many dB as they say, and the whole keeps its power."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from ddsp_match.edits.separate import split_tonal
from ddsp_match.edits.tone import brightness, levels, odd_even, power
from ddsp_match.synth.harmonic_noise import complex_amplitudes
from tests.compare import assert_close
from tests.edits.notes import TIMEBASE, note


def db(x: torch.Tensor) -> torch.Tensor:
    return 20 * torch.log10(x)


@pytest.mark.parametrize("tilt_db", [3.0, -4.5])
@pytest.mark.parametrize("divisions", [1, 3])
def test_brightness_tilts_partials_and_noise_alike_and_keeps_the_power(tilt_db, divisions):
    sound = note(divisions=divisions)
    tilted = brightness(sound, tilt_db, TIMEBASE)
    gain_db = db(tilted.partial_amplitudes[0, :, 100] / sound.partial_amplitudes[0, :, 100])
    assert_close(gain_db[[1, 3, 7]] - gain_db[[0, 1, 3]], [tilt_db] * 3, 1e-3)
    noise_db = db(tilted.noise[0, :, 100] / sound.noise[0, :, 100])
    assert_close(noise_db[[8, 16]] - noise_db[[4, 8]], [tilt_db] * 2, 1e-3)
    # Band 1 of 33 lies at 250 Hz: the noise is tilted about the same pivot as the partials.
    at_250_hz = gain_db[0] + tilt_db * math.log2(250 * divisions / 220)
    assert_close(noise_db[1], at_250_hz, 1e-3)
    before, after = (power(c.partial_amplitudes, c.noise) for c in (sound, tilted))
    assert_close(after / before, 1.0, 1e-4)
    assert_close(tilted.distribution.sum(1)[:, 1:-1], torch.ones(1, sound.n_frames - 2), 1e-5)


def test_brightness_can_be_undone_and_nothing_is_nothing():
    sound = note(vibrato_cents=40, channels=2)
    back = brightness(brightness(sound, 5, TIMEBASE), -5, TIMEBASE)
    assert_close(back.partial_amplitudes, sound.partial_amplitudes, 1e-6)
    assert_close(back.noise, sound.noise, 1e-7)
    assert brightness(sound, 0) is sound


def test_brightness_leaves_out_what_nobody_hears():
    sound = note(f0_hz=3000.0, partials=6)  # at 16 kHz only two of them sound
    tilted = brightness(sound, 6, TIMEBASE)
    assert float(tilted.partial_amplitudes[:, 2:].max()) == 0
    assert float(tilted.partial_amplitudes[:, 1].max()) > float(sound.partial_amplitudes[:, 1].max())


def test_without_a_timebase_bands_lie_as_those_of_a_fit_do():
    sound = note(bands=129)  # 62.5 Hz apart at 16 kHz
    assert_close(brightness(sound, 4).noise, brightness(sound, 4, TIMEBASE).noise, 1e-9)


@pytest.mark.parametrize("even_db", [6.0, -60.0])
def test_odd_even_sets_even_harmonics_against_odd_ones(even_db):
    sound = note()
    turned = odd_even(sound, even_db)
    gain_db = db(turned.partial_amplitudes[0, :, 100] / sound.partial_amplitudes[0, :, 100])
    assert_close(gain_db[1::2] - gain_db[::2], [even_db] * 6, 1e-3)
    assert_close(power(turned.partial_amplitudes), power(sound.partial_amplitudes), 1e-7)
    assert odd_even(sound, 0) is sound


def test_partials_between_harmonics_go_with_the_nearer_one():
    sound = note(divisions=4, partials=16)
    turned = odd_even(sound, 8.0)
    gain_db = db(turned.partial_amplitudes[0, :, 100] / sound.partial_amplitudes[0, :, 100])
    # Quarters of a harmonic: 0.25 … 1.25 with the first, 1.5 halfway, 1.75 … 2.25 with the second, and so on.
    expected = [0, 0, 0, 0, 0, 4, 8, 8, 8, 4, 0, 0, 0, 4, 8, 8]
    assert_close(gain_db - gain_db[0], expected, 1e-3)


def breathy():
    """A steady tone whose partials also carry noise."""
    sound = note(attack=1, release=1)
    generator = torch.Generator().manual_seed(3)
    steady = complex_amplitudes(sound)
    breath = 0.1 * steady.abs() * torch.randn(steady.shape, generator=generator, dtype=torch.complex64)
    whole = steady + breath
    amplitude = whole.abs().sum(1)
    shares = whole.abs() / amplitude.clamp(min=1e-12).unsqueeze(1)
    return steady, replace(sound, amplitude=amplitude, distribution=shares, phases=whole.angle())


def test_levels_reach_the_breath_inside_the_partials():
    steady, sound = breathy()
    tonal, residual = split_tonal(sound, TIMEBASE)
    turned = levels(tonal, residual, harmonic_db=2.0, noise_db=-6.0)
    expected = complex_amplitudes(tonal) * 10 ** (2 / 20) + complex_amplitudes(residual) * 10 ** (-6 / 20)
    assert_close(complex_amplitudes(turned), expected, 1e-6)
    assert_close(turned.noise, sound.noise * 10 ** (-6 / 20), 1e-8)
    still = slice(20, -20)
    quiet = levels(tonal, residual, noise_db=-60)
    apart = [(complex_amplitudes(c) - steady)[..., still].abs().square().mean() for c in (sound, quiet)]
    assert float(apart[1]) < 0.35 * float(apart[0])  # what is left is the tone


def test_both_levels_alike_are_a_gain():
    _, sound = breathy()
    louder = levels(*split_tonal(sound, TIMEBASE), 4, 4)
    assert_close(complex_amplitudes(louder), complex_amplitudes(sound) * 10 ** (4 / 20), 1e-6)


def test_levels_of_a_sound_without_breath_leave_its_phases():
    sound = replace(note(), phases=None)
    quiet = levels(*split_tonal(sound, TIMEBASE), noise_db=-12)
    assert quiet.phases is None
    assert torch.equal(quiet.amplitude, sound.amplitude)
    assert_close(quiet.noise, sound.noise * 10 ** (-12 / 20), 1e-9)
