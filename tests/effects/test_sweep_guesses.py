"""First guesses of filters that swing and of equalisers, which a measured response alone does not determine."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ddsp_match.effects.parametric_eq import Eq
from ddsp_match.effects.phaser import Phaser
from ddsp_match.effects.state_variable import StateVariable
from tests.effects.test_every_processor import noise
from tests.effects.test_filter_guesses import RATE, error, heard

DRY = noise(1, 2 * RATE)


@pytest.mark.parametrize(
    ("part", "knobs"),
    [
        (
            StateVariable(),
            {
                "cutoff_hz": 700.0, "q": 3.0, "low": 1.0, "band": -1.5, "high": 0.2,
                "sweep_octaves": 1.4, "sweep_hz": 1.3, "sweep_phase": 0.3,
            },
        ),
        (
            Phaser(),
            {
                "centre_hz": 900.0, "feedback": 0.4, "mix": 0.6,
                "sweep_octaves": 1.5, "sweep_hz": 2.3, "sweep_phase": 0.7,
            },
        ),
    ],
)  # fmt: skip
def test_a_swing_is_found(part, knobs):
    wet = heard(part, knobs, DRY)
    result = part.guesses(DRY, wet, RATE)
    assert error(part, result, wet, DRY) < 0.06
    nearest = min(abs(guess.get("sweep_hz", 0.0) / knobs["sweep_hz"] - 1) for guess in result)
    assert nearest < 0.05


def test_a_swing_is_found_in_the_louder_of_two_channels_of_a_long_sound():
    part = Phaser()
    dry = np.concatenate([0.1 * noise(1, 5 * RATE, 1), noise(1, 5 * RATE, 2)])
    wet = heard(part, {"centre_hz": 900.0, "mix": 0.5, "sweep_octaves": 1.0, "sweep_hz": 0.8}, dry)
    assert error(part, part.guesses(dry, wet, RATE), wet, dry) < 0.03


def test_bands_that_overlap_are_told_apart():
    part = Eq()
    knobs = {
        "cutoff_hz": [720.0, 1200.0, 530.0, 100.0],
        "gain_db": [1.6, -16.7, -11.8, 13.7],
        "q": [2.3, 11.2, 8.3, 0.5],
    }
    wet = heard(part, knobs, DRY)
    assert error(part, part.guesses(DRY, wet, RATE), wet, DRY) < 3e-4


def test_two_bands_are_recovered():
    part = Eq(2)
    knobs = {"cutoff_hz": [300.0, 2500.0], "gain_db": [-9.0, -9.0], "q": [2.0, 2.0]}
    wet = heard(part, knobs, DRY)
    assert error(part, part.guesses(DRY, wet, RATE), wet, DRY) < 1e-4


@pytest.mark.parametrize("part", [StateVariable(), Phaser(), Eq(1)])
@pytest.mark.parametrize("n", [1, 6000])
def test_short_sounds_and_silence_are_guessed_without_complaint(part, n):
    dry = DRY[:, :n]
    for guess in [*part.guesses(dry, 0.5 * dry, RATE), *part.guesses(dry, dry, RATE)]:
        part.tensors(guess)
        assert torch.isfinite(torch.from_numpy(heard(part, guess, dry))).all()
    assert part.guesses(np.zeros_like(dry), dry, RATE) == []
