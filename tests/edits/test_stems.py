"""Stems: one definition, whoever asks, and nothing lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ddsp_match.edits.stems import noise_in_partials, parts_of, separated_controls, stem_levels_db, stems_of
from ddsp_match.patch import Patch
from ddsp_match.patch.playing import mix_of
from ddsp_match.tasks.edit import Edit, edit
from tests.compare import assert_close
from tests.edits.notes import TIMEBASE
from tests.edits.sounds import note
from tests.edits.test_separate import breath


def breathy(**provenance: object) -> Patch:
    """A tone whose breath is in its partials, as a fit with tracked phases leaves it."""
    controls, _ = breath(note(levels=(0.3,) * 3, divisions=3, frames=200, noise=1e-4), 0.02)
    return Patch.of(
        controls, TIMEBASE, TIMEBASE.samples(200), noise_seed=1, phase="tracked", offset=(0.01,), provenance=provenance
    )


def energy(sound: torch.Tensor) -> float:
    return float((sound - sound.mean()).square().mean())


def test_the_stems_add_up_to_the_sound_and_the_offset_is_in_the_harmonic_one():
    patch = breathy()
    stems = stems_of(patch)
    assert_close(stems.mix, mix_of(patch), 1e-7)
    assert_close(stems.harmonic.mean(), 0.01, 1e-3)


@pytest.mark.parametrize(("silenced", "stem"), [("harmonic", "noise"), ("noise", "harmonic")])
def test_a_stem_is_what_an_edit_leaves_that_silences_the_other(silenced: str, stem: str):
    patch = replace(breathy(), offset=(0.0,))
    left = mix_of(edit(patch, [Edit(silenced, {"db": -80})]))
    expected = getattr(stems_of(patch), stem)
    assert energy(left - expected) < 1e-3 * energy(expected)


def test_breath_in_the_partials_is_in_the_noise_stem_before_a_transposition_and_after():
    patch = breathy()
    before = energy(stems_of(patch).noise)
    after = energy(stems_of(edit(patch, [Edit("transpose", {"semitones": 2})])).noise)
    assert before > 100 * energy(stems_of(breathy(model="frames")).noise)
    assert after == pytest.approx(before, rel=0.3)


def test_partials_of_a_model_that_keeps_noise_apart_are_all_tonal():
    patch = breathy(model="frames")
    tonal, noisy = parts_of(patch)
    assert torch.equal(tonal.amplitude, patch.controls.amplitude) and torch.equal(noisy.noise, patch.controls.noise)
    assert not noisy.amplitude.any() and not tonal.noise.any()
    assert separated_controls(patch) is patch.controls and not noise_in_partials(patch)


def test_levels_over_time_are_those_of_the_stems():
    patch = breathy()
    stems = stems_of(patch)
    for level_db, stem in zip(stem_levels_db(patch), (stems.harmonic, stems.noise), strict=True):
        middle = slice(20, -20)
        power = (10 ** (level_db[middle] / 10)).mean()
        # Noise that is new in every frame is up to 1.8 dB weaker between them.
        assert_close(10 * torch.log10(power), 10 * torch.log10(torch.tensor(energy(stem))), 2.5)
