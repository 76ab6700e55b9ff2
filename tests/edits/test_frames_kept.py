"""Edits of timbre frames give timbre frames: few numbers, a small file, and the sound that was asked for."""

from __future__ import annotations

import pytest
import torch

from ddsp_match.models.frame_plan import compacted
from ddsp_match.models.frames_model import controls_of
from ddsp_match.patch import Patch, load_patch
from ddsp_match.tasks.edit import Edit, edit
from ddsp_match.tasks.morph import morph
from tests.edits.notes import TIMEBASE, note


def patch(**more) -> Patch:
    frames = compacted(note(**more), TIMEBASE)
    controls = controls_of(frames)
    n_samples = TIMEBASE.samples(controls.n_frames)
    provenance = {"sound": "note.wav", "edits": []}
    return Patch.of(controls, TIMEBASE, n_samples, noise_seed=7, phase="static", provenance=provenance, frames=frames)


def rms_db(values: torch.Tensor) -> float:
    return 10 * float(values.square().mean().log10())


def check_small(made: Patch, path) -> None:
    assert made.frames is not None and made.numbers_per_second() < 1000
    assert made.save(path) < 10_000
    again = load_patch(path)
    assert again.frames is not None and torch.equal(again.controls.amplitude, made.controls.amplitude)


@pytest.mark.parametrize(
    "one",
    [Edit("transpose", {"semitones": 5}), Edit("stretch", {"factor": 2}), Edit("noise", {"db": -6.0})],
    ids=lambda one: one.name,
)
def test_an_edited_patch_is_as_small(tmp_path, one):
    before = patch()
    made = edit(before, [one])
    check_small(made, tmp_path / "a.patch.safetensors")
    assert made.numbers_per_second() < 2 * before.numbers_per_second()
    middle = made.controls.n_frames // 2
    cents = 1200 * float((made.controls.f0_hz[0, middle] / 220).log2())
    assert abs(cents - (500 if one.name == "transpose" else 0)) < 2
    quieter = rms_db(made.controls.noise) - rms_db(before.controls.noise)
    assert abs(quieter - (-6 if one.name == "noise" else 0)) < 0.7
    assert abs(made.seconds / before.seconds - (2 if one.name == "stretch" else 1)) < 0.01


def test_a_morph_of_two_is_as_small(tmp_path):
    made = morph(patch(), patch(f0_hz=440.0, frames=151), 0.5)
    check_small(made, tmp_path / "a.patch.safetensors")
    assert abs(1200 * float((made.controls.f0_hz[0, 80] / 220).log2()) - 600) < 2


def test_of_a_patch_with_frames_and_one_without_the_morph_holds_all_numbers():
    controls = note()
    other = Patch.of(
        controls, TIMEBASE, TIMEBASE.samples(controls.n_frames), noise_seed=7, phase="static", provenance={}
    )
    assert morph(patch(), other, 0.5).frames is None
