"""Pitch from activations: known bumps, real tones, silence."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_match.analysis.crepe import crepe_pitch, on_frame_grid
from ddsp_match.analysis.decode import DecodedPitch, bin_cents, decode
from ddsp_match.core.timebase import Timebase


def bumps(centres: np.ndarray, height: float = 0.9) -> np.ndarray:
    """Activations as CREPE is trained to give them: a Gaussian of 25 cents around the pitch."""
    distance = 20.0 * (np.arange(360) - centres[:, None])
    return height * np.exp(-(distance**2) / (2 * 25.0**2))


def cents(f0_hz: np.ndarray, reference_hz: np.ndarray | float) -> np.ndarray:
    return 1200 * np.log2(f0_hz / reference_hz)


def test_a_glide_between_bins_is_followed_to_a_cent() -> None:
    centres = np.linspace(100.0, 160.0, 200)
    expected = 10 * 2 ** (bin_cents(centres) / 1200)
    assert np.abs(cents(decode(bumps(centres)).f0_hz, expected)).max() < 1.0


def test_one_wild_frame_does_not_leave_the_path() -> None:
    activations = bumps(np.full(50, 120.0))
    activations[25] = 0.5 * bumps(np.array([120.0]))[0] + bumps(np.array([180.0]))[0]
    pitch = decode(activations)
    assert np.ptp(cents(pitch.f0_hz, pitch.f0_hz[0])) < 1.0


def test_a_new_note_is_a_jump() -> None:
    pitch = decode(bumps(np.repeat([100.0, 220.0], 30)))
    steps = np.abs(np.diff(cents(pitch.f0_hz, 100.0)))
    assert np.flatnonzero(steps > 10).tolist() == [29]
    assert steps[29] == pytest.approx(2400, abs=2)


def test_no_activation_at_all_is_a_finite_pitch_without_periodicity() -> None:
    pitch = decode(np.zeros((20, 360)))
    assert np.isfinite(pitch.f0_hz).all()
    assert (pitch.f0_hz > 0).all()
    assert pitch.periodicity.max() == 0


def test_the_ends_of_the_range_are_averaged_one_sidedly() -> None:
    for centre in (0.0, 359.0):
        hz = 10 * 2 ** (bin_cents(np.array(centre)) / 1200)
        assert np.abs(cents(decode(bumps(np.full(5, centre))).f0_hz, hz)).max() < 25


@pytest.mark.parametrize("sample_rate", [8000, 16000, 22050, 48000])
@pytest.mark.parametrize("hz", [110.0, 440.0])
def test_a_tone_at_any_rate_is_heard_within_a_few_cents(sample_rate: int, hz: float) -> None:
    t = np.arange(round(0.4 * sample_rate)) / sample_rate
    samples = sum(0.3 / k * np.sin(2 * np.pi * k * hz * t) for k in range(1, 6)).astype(np.float32)
    timebase = Timebase.at(sample_rate)
    pitch = crepe_pitch(samples, timebase, "full")
    assert len(pitch.f0_hz) == timebase.frames(len(samples))
    assert np.abs(cents(pitch.f0_hz[5:-5], hz)).max() < 12
    assert pitch.periodicity[5:-5].min() > 0.6


def test_digital_silence_has_no_nan() -> None:
    pitch = crepe_pitch(np.zeros(8000, dtype=np.float32), Timebase.at(16000), "tiny")
    assert np.isfinite(pitch.f0_hz).all()
    assert np.isfinite(pitch.periodicity).all()


def test_frames_of_another_hop_take_the_pitch_of_their_own_time() -> None:
    grid = DecodedPitch(200.0 * 2 ** (np.arange(300) / 300), np.linspace(0, 1, 300))
    timebase = Timebase.at(22050)  # frames 9.977 ms apart
    times = np.asarray(timebase.times(250))
    assert np.abs(cents(on_frame_grid(grid, timebase, 250).f0_hz, 200 * 2 ** (times * 100 / 300))).max() < 0.1


def test_no_pitch_is_invented_between_two_notes() -> None:
    grid = DecodedPitch(np.repeat([100.0, 200.0], 50), np.ones(100))
    f0_hz = on_frame_grid(grid, Timebase.at(22050), 99).f0_hz
    assert set(np.round(f0_hz, 6)) == {100.0, 200.0}
