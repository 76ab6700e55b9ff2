"""Tone is separated from noise, and nothing is lost."""

from __future__ import annotations

import pytest
import torch

from ddsp_match.edits.separate import residual_power, rotation, separate, split_tonal
from ddsp_match.synth.harmonic_noise import complex_amplitudes
from tests.edits.sounds import RATE, TIMEBASE, note, sound, with_partials


def breath(controls, level: float, seed: int = 0):
    """The controls with noise in all their partials."""
    draw = torch.Generator().manual_seed(seed)
    c = complex_amplitudes(controls)
    breathing_noise = torch.complex(torch.randn(c.shape, generator=draw), torch.randn(c.shape, generator=draw)) * level
    return with_partials(controls, c + breathing_noise), breathing_noise


def test_the_two_parts_add_up_to_the_whole():
    controls, _ = breath(note(noise=0.01, divisions=2), 0.01)
    tonal, residual = split_tonal(controls, TIMEBASE)
    together = complex_amplitudes(tonal) + complex_amplitudes(residual)
    assert torch.allclose(together, complex_amplitudes(controls), atol=1e-6)
    assert not tonal.noise.any() and torch.equal(residual.noise, controls.noise)


def test_a_steady_note_is_all_tonal():
    controls = note()
    tonal, residual = split_tonal(controls, TIMEBASE)
    assert complex_amplitudes(residual).abs().max() < 1e-4
    assert torch.allclose(tonal.partial_amplitudes, controls.partial_amplitudes, atol=1e-4)


@pytest.mark.parametrize("cents", [-40.0, 25.0])
def test_a_partial_off_its_place_is_tonal_too(cents):
    _, residual = split_tonal(note(levels=(0.3, 0.2), cents_off=cents), TIMEBASE)
    assert complex_amplitudes(residual).abs()[..., 5:-5].max() < 0.01


def test_breath_in_the_partials_becomes_noise_of_the_same_power():
    clean = note(levels=(0.3,) * 3, divisions=3, frames=400)
    controls, breathing_noise = breath(clean, 0.02)
    tonal, residual = split_tonal(controls, TIMEBASE)
    left, given = (complex_amplitudes(residual).abs().square().mean(), breathing_noise.abs().square().mean())
    assert 0.55 < float(left / given) < 1.05
    difference = complex_amplitudes(tonal) - complex_amplitudes(clean)
    assert float(difference.abs().square().mean() / given) < 0.4
    noisy = separate(controls, TIMEBASE)
    n = TIMEBASE.samples(controls.n_frames) + 1

    def band(x):  # where the breath is: up to the last partial
        spectrum = torch.fft.rfft(x[0]).abs().square()
        return spectrum[int(100 * n / RATE) : int(600 * n / RATE)].sum()

    silent = with_partials(noisy, torch.zeros_like(complex_amplitudes(noisy)))
    ours, theirs = band(sound(silent)), band(sound(residual))
    assert abs(10 * torch.log10(ours / theirs)) < 1


def test_what_begins_suddenly_is_not_smeared_to_before_it_began():
    controls = note(attack=60)
    tonal, _ = split_tonal(controls, TIMEBASE)
    assert tonal.amplitude[..., :60].max() < 1e-6
    assert torch.allclose(tonal.amplitude[..., 62:], controls.amplitude[..., 62:], rtol=1e-3)


def test_separating_twice_changes_little_more():
    controls, _ = breath(note(divisions=2, noise=0.003, frames=300), 0.005)
    once = separate(controls, TIMEBASE)
    twice = separate(once, TIMEBASE)
    lost = (complex_amplitudes(twice) - complex_amplitudes(once)).abs().square().sum()
    assert float(lost / complex_amplitudes(once).abs().square().sum()) < 1e-3


def test_both_channels_are_taken_alike():
    left, _ = breath(note(channels=2), 0.003)
    tonal, _ = split_tonal(left, TIMEBASE)
    assert tonal.f0_hz.shape == (2, 150) and float((tonal.amplitude[0] / tonal.amplitude[1]).log().abs().max()) < 0.1


def test_silence_and_a_sound_without_phases_pass_through():
    silent = note(levels=(0.0, 0.0), noise=0.01)
    assert not split_tonal(silent, TIMEBASE)[0].amplitude.any()
    assert torch.equal(separate(silent, TIMEBASE).noise, silent.noise)
    assert not residual_power(silent, TIMEBASE).any()


def test_harmonics_as_far_apart_as_the_frame_rate_are_not_taken_for_one():
    controls = note(100, levels=(0.1, 0.3), frames=200)
    wobble = torch.polar(torch.ones(200), 0.4 * torch.sin(torch.arange(200) / 6.0))
    c = complex_amplitudes(controls)
    c[:, 0] *= wobble
    turn = rotation(c, torch.full((200,), 100.0), TIMEBASE, 0.05)
    assert float(turn[0].abs().max()) > 0.04 and float(turn[1].abs().max()) < 1e-4


def test_a_sinusoid_between_two_places_turns_as_one():
    base_hz, hz = torch.full((200,), 80.0), 205.0  # between 160 and 240 Hz
    turns = 2 * torch.pi * (hz - 80.0 * torch.arange(1, 4)).view(-1, 1) * torch.arange(200) / TIMEBASE.frame_rate
    draw = torch.Generator().manual_seed(0)
    jitter = 0.1 * torch.randn(3, 200, generator=draw)
    c = torch.polar(torch.tensor([0.0, 0.2, 0.2]).view(-1, 1).expand(3, 200).contiguous(), turns + jitter)
    turn = rotation(c.unsqueeze(0), base_hz, TIMEBASE)
    assert torch.allclose(turn[1] - turn[2], torch.full((200,), 2 * torch.pi * 0.8), atol=1e-4)


def test_breath_between_the_harmonics_does_not_sing():
    """A fit's breath is no white noise from frame to frame: neighbours agree, as they overlap."""
    draw = torch.Generator().manual_seed(1)
    c = complex_amplitudes(note(levels=(0.0,) * 4, divisions=7, frames=400))
    white = torch.complex(*(torch.randn(*c.shape[:2], c.shape[2] + 2, generator=draw) for _ in range(2))) * 0.01
    breathing = white[..., :-2] / 4 + white[..., 1:-1] / 2 + white[..., 2:] / 4
    breathing[:, 6::7] = 0.2  # four harmonics, and breath everywhere between
    tonal, _ = split_tonal(with_partials(note(levels=(0.0,) * 4, divisions=7, frames=400), breathing), TIMEBASE)
    sung = complex_amplitudes(tonal).abs().square().mean((0, 2))
    between = torch.arange(len(sung)) % 7 != 6
    given = breathing.abs().square().mean((0, 2))
    assert 10 * torch.log10(sung[between].sum() / given[between].sum()) < -10
    assert torch.allclose(sung[~between], given[~between], rtol=1e-3)


def test_what_is_too_quick_to_be_followed_but_lies_about_the_harmonics_is_no_noise():
    given = note(300, levels=(0.3, 0.2), divisions=4, frames=300)
    shiver = 1 + 0.3 * torch.cos(2 * torch.pi * 22 * torch.arange(300) / TIMEBASE.frame_rate)
    shivering, breathing_noise = breath(with_partials(given, complex_amplitudes(given) * shiver), 0.002)
    tonal, residual = split_tonal(shivering, TIMEBASE)
    left = complex_amplitudes(residual)[0, :, 10:-10].abs().square().mean(1)
    at, between = left[3::4].mean(), left[1::4].mean()
    assert float(at) < 3 * float(between)  # as noise has it, and not 30 dB above
    assert float(between / breathing_noise[0, 1::4].abs().square().mean()) > 0.5
    sung = complex_amplitudes(tonal)[0, 3, 10:-10].abs()
    assert float(sung.max() / sung.min()) > 1.5
