"""The first guess: near, as smooth as nearness allows, on a steady grid where f0 explains little."""

from __future__ import annotations

import math

import pytest
import torch

from ddsp_match.core.settings import FitSettings
from ddsp_match.core.timebase import Timebase
from ddsp_match.fitting.first_guess import FirstGuess, Target
from ddsp_match.synth.harmonic_noise import play

TIMEBASE = Timebase.at(16000)
N = 8000


def settings(**changes) -> FitSettings:
    made = FitSettings()
    made.model.name, made.f0.refine = "exact", False
    for key, value in changes.items():
        section, name = key.split("_", 1)
        setattr(getattr(made, section), name, value)
    return made


def sines(*partials: tuple[float, float]) -> torch.Tensor:
    t = torch.arange(N) / 16000
    return torch.stack([a * torch.sin(2 * math.pi * hz * t + i) for i, (hz, a) in enumerate(partials)]).sum(0)[None]


def steady(hz: float) -> torch.Tensor:
    return torch.full((1, TIMEBASE.frames(N)), hz)


def left_db(target: torch.Tensor, guess: FirstGuess) -> float:
    _, (controls,) = guess.run()
    stems = play(controls, TIMEBASE, target.shape[1], 0)
    left = (target - stems.harmonic)[:, 400:-400].square().sum() / target[:, 400:-400].square().sum()
    return 10 * math.log10(float(left))


@pytest.mark.parametrize("f0_hz", [55.0, 131.0, 220.0, 523.0])
def test_a_sound_between_the_harmonics_is_explained(f0_hz):
    # A harmonic, and a loud partial in the middle between two, as the knock of a body or a second voice.
    target = sines((f0_hz, 0.3), (2.5 * f0_hz, 0.2))
    guess = FirstGuess(Target(target, steady(f0_hz)), TIMEBASE, settings())
    grid, _ = guess.run()
    assert float(grid.base_hz.max()) <= 100.0
    assert left_db(target, guess) < -30
    only = FirstGuess(Target(target, steady(f0_hz)), TIMEBASE, settings(synth_divisions=1))
    assert f0_hz < 100 or left_db(target, only) > -10


def test_a_pitched_sound_stays_on_the_grid_of_its_f0():
    target = sines((220.0, 0.3), (440.0, 0.1), (660.0, 0.05))
    grid, _ = FirstGuess(Target(target, steady(220.0)), TIMEBASE, settings()).run()
    assert grid.divisions == 3
    assert torch.equal(grid.f0_hz, steady(220.0))


def test_an_f0_that_explains_little_gives_way_to_a_steady_grid():
    # A wrong f0 that glides over five octaves: partials that move with it cannot stay on the sound.
    wild = torch.linspace(80.0, 4000.0, TIMEBASE.frames(N))[None]
    target = sines((220.0, 0.3), (313.0, 0.2), (1931.0, 0.2), (5211.0, 0.2))
    guess = FirstGuess(Target(target, wild), TIMEBASE, settings())
    grid, _ = guess.run()
    assert torch.equal(grid.f0_hz, steady(TIMEBASE.steady_hz))
    assert left_db(target, guess) < -40
    held = FirstGuess(Target(target, wild), TIMEBASE, settings(synth_grid="f0"))
    assert left_db(target, held) > left_db(target, guess) + 6


def test_a_sound_without_pitch_gets_partials_too():
    hiss = 0.05 * torch.randn(1, N, generator=torch.Generator().manual_seed(0))
    guess = FirstGuess(Target(hiss, steady(100.0), pitched=False), TIMEBASE, settings())
    assert guess.tonal
    assert left_db(hiss, guess) < -30
    noise_only = FirstGuess(Target(hiss, steady(100.0), pitched=False), TIMEBASE, settings(synth_grid="f0"))
    assert not noise_only.tonal and noise_only.n_bands == 129


@pytest.mark.parametrize("changes", [{"synth_divisions": 4}, {"synth_n_harmonics": 20}, {"init_bandwidth_hz": 20.0}])
def test_who_sets_the_partials_gets_no_steady_grid(changes):
    wild = 300 * 2 ** (0.9 * torch.sin(2 * math.pi * 11 * torch.arange(TIMEBASE.frames(N)) / 100))[None]
    grid, _ = FirstGuess(Target(sines((220.0, 0.3)), wild), TIMEBASE, settings(**changes)).run()
    assert torch.equal(grid.f0_hz, wild)


def test_amplitudes_are_no_rougher_than_nearness_needs():
    clean = sines((220.0, 0.3))
    rough = clean + 0.1 * torch.randn(1, N, generator=torch.Generator().manual_seed(1))
    bends = []
    for target in (clean, rough):
        _, (controls,) = FirstGuess(Target(target, steady(220.0)), TIMEBASE, settings()).run()
        fundamental = controls.partial_amplitudes[0, 2, 5:-5]
        bends.append(float(fundamental.diff(n=2).abs().mean() / fundamental.mean()))
    assert bends[0] < 0.002 < bends[1]


def test_nothing_above_nyquist_explains_anything():
    # f0 rises so far that its upper partials leave the audible range on the way.
    rising = torch.linspace(90.0, 280.0, TIMEBASE.frames(N))[None]
    target = sines((1000.0, 0.3), (7000.0, 0.2))
    guess = FirstGuess(Target(target, rising), TIMEBASE, settings(synth_grid="f0"))
    grid, (controls,) = guess.run()
    k = torch.arange(1, grid.n_partials + 1).view(1, -1, 1)
    above = grid.base_hz.unsqueeze(1) * k >= 8000
    assert bool(above.any())
    assert float(controls.partial_amplitudes[above].abs().max()) == 0.0


def test_the_number_of_partials_is_bounded_however_low_f0_dives():
    diving = steady(1000.0).clone()
    diving[:, 20] = 15.0
    grid, _ = FirstGuess(Target(sines((1000.0, 0.3)), diving), TIMEBASE, settings(synth_grid="f0")).run()
    assert grid.n_partials <= 4 * 160
