"""Along any map: no clicks, phases that run on."""

from __future__ import annotations

import torch

from ddsp_match.edits.warp import warp
from tests.edits.sounds import TIMEBASE, note, sound, strongest_hz


def frames(n: int) -> torch.Tensor:
    return torch.arange(n, dtype=torch.float64)


def test_the_map_that_changes_nothing_changes_nothing():
    given = note(divisions=2, cents_off=10, noise=0.01)
    same = warp(given, TIMEBASE, frames(150))
    assert torch.allclose(sound(same), sound(given), atol=2e-3)


def test_a_jump_back_is_no_click():
    given = note(217.3, cents_off=7)
    back = torch.cat([frames(120), 40 + frames(80), 40 + frames(80)])
    x = sound(warp(given, TIMEBASE, back))[0]
    assert float(x.diff().diff().abs().max()) < 1.05 * float(sound(given)[0].diff().diff().abs().max())


def test_a_standing_moment_sounds_on():
    given = note(300, cents_off=20, levels=(0.3,))
    held = warp(given, TIMEBASE, torch.full((300,), 70.0))
    x = sound(held)
    assert abs(strongest_hz(x) - 300 * 2 ** (20 / 1200)) < 0.05
    assert float(x[0, 8000:].abs().max()) > 0.29


def test_two_maps_are_mixed():
    loud, soft = torch.full((50,), 100.0), torch.full((50,), 10.0)
    given = note(frames=150)
    given.amplitude[..., :50] *= 0.5
    mixed = warp(given, TIMEBASE, loud, other=soft, weight=torch.linspace(0, 1, 50))
    assert abs(float(mixed.amplitude[0, 0] / mixed.amplitude[0, -1]) - 2) < 0.02


def test_a_pitch_that_doubles_makes_room_for_what_turns_faster():
    given = note(90, levels=(0.0, 0.0, 0.3), divisions=1, cents_off=150)  # 23 Hz beside its place
    doubled = warp(given, TIMEBASE, frames(150), 2.0)
    assert doubled.divisions == 2
    assert abs(strongest_hz(sound(doubled)) - 540 * 2 ** (150 / 1200)) < 0.1


def test_where_all_lies_above_nyquist_nothing_sounds():
    gone = warp(note(5000, levels=(0.3,)), TIMEBASE, frames(150), 2.0)
    assert not gone.amplitude.any() and bool(torch.isfinite(gone.phases).all())
