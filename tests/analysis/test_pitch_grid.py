"""The grid of candidate pitches, and the pitch decoded from activations on it."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_match.analysis.pitch_grid import PitchGrid, bin_cents, decode


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


def test_the_grid_continues_crepes() -> None:
    grid = PitchGrid.between(20.0, 5000.0)
    assert grid.hz[0] >= 20.0
    assert grid.hz[-1] <= 5000.0
    assert grid.n_bins == 478
    activations = np.zeros((1, 360))
    activations[0, 100] = 1.0
    placed = int(grid.place(activations)[0].argmax())
    assert grid.hz[placed] == 10 * 2 ** ((100 * 20 + 1997.3794084376191) / 1200)
