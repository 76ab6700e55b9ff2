"""Morphing patches: both ends as they are, what lies between on one grid, and a folder written whole or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ddsp_match.core.audio import read
from ddsp_match.core.errors import ConfigError, OutputError
from ddsp_match.core.timebase import Timebase
from ddsp_match.patch import Patch, load_patch
from ddsp_match.patch.playing import mix_of
from ddsp_match.tasks import morph as module
from ddsp_match.tasks.edit import edit, edits_of
from ddsp_match.tasks.morph import morph, morphs
from tests.compare import assert_close
from tests.edits.notes import TIMEBASE, note


def patch(name="a.wav", timebase=TIMEBASE, **more) -> Patch:
    controls = note(**more)
    n_samples = timebase.samples(controls.n_frames) - 7
    provenance = {"sound": name, "edits": []}
    return Patch.of(controls, timebase, n_samples, noise_seed=1, phase="static", provenance=provenance)


@pytest.fixture
def files(tmp_path):
    a, b = tmp_path / "a.patch.safetensors", tmp_path / "b.patch.safetensors"
    patch().save(a)
    patch("b.wav", f0_hz=440.0, frames=101).save(b)
    return a, b


def test_steps_go_from_one_file_to_the_other(tmp_path, files):
    said = []
    out = tmp_path / "morphs"
    written = morphs(*files, 3, out=out, on_progress=lambda *counts: said.append(counts))
    names = ["01", "02", "03", "through"]
    assert [path.name for path in written] == [f"{name}.patch.safetensors" for name in names]
    assert sorted(path.name for path in out.iterdir()) == sorted(
        f"{name}{suffix}" for name in names for suffix in (".patch.safetensors", ".wav")
    )
    assert written[0].read_bytes() == files[0].read_bytes() and written[2].read_bytes() == files[1].read_bytes()
    assert said == [(1, 4), (2, 4), (3, 4), (4, 4)]
    middle = load_patch(written[1])
    assert_close(middle.controls.f0_hz[0, 50], 220 * 2**0.5, 0.1)
    assert middle.n_samples == round((31_993 + 15_993) / 2)
    assert_close(read(out / "02.wav")[0].samples, mix_of(middle), 1e-6)
    through = load_patch(written[3])
    assert through.n_samples == 31_993
    assert_close(through.controls.f0_hz[0, [5, 195]], [220.0, 440.0], 0.1)
    assert bool((through.controls.f0_hz[0].diff() >= -1e-2).all())


def test_a_folder_that_holds_something_is_kept_and_one_of_ours_replaced_by_force(tmp_path, files):
    out = tmp_path / "morphs"
    morphs(*files, 2, out=out, seconds=0.5)
    assert load_patch(out / "through.patch.safetensors").n_samples == 8000
    with pytest.raises(OutputError, match="force=True"):
        morphs(*files, 2, out=out)
    morphs(*files, 3, out=out, force=True)
    assert (out / "03.wav").exists()
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match="no run of ddsp-match"):
        morphs(*files, 2, out=other, force=True)
    assert (other / "thesis.txt").exists()


def test_what_fails_halfway_leaves_no_folder(tmp_path, files, monkeypatch):
    monkeypatch.setattr(module, "render", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        morphs(*files, 2, out=tmp_path / "morphs")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.patch.safetensors", "b.patch.safetensors"]


def test_one_morph_says_what_it_was_made_of_and_is_not_separated_again(tmp_path, files):
    out = tmp_path / "c.patch.safetensors"
    made = morph(*files, 0.3, out=out)
    assert edits_of(load_patch(out)) == edits_of(made)
    (said,) = edits_of(made)
    assert said["edit"] == "morph" and said["amount"] == 0.3
    assert said["of"] == [
        {"sound": "a.wav", "edits": []},
        {"sound": "b.wav", "edits": []},
    ]
    higher = edit(made, [{"edit": "transpose", "semitones": 1}])
    assert [one["edit"] for one in edits_of(higher)] == ["morph", "transpose"]
    with pytest.raises(OutputError):
        morph(*files, 0.3, out=out)


@pytest.mark.parametrize("end", [0, 1])
def test_the_ends_are_the_files(tmp_path, files, end):
    out = tmp_path / "c.patch.safetensors"
    morph(*files, end, out=out)
    assert out.read_bytes() == files[end].read_bytes()


@pytest.mark.parametrize("turned", [False, True])
def test_another_sample_rate_and_channels_meet_at_the_higher_rate(turned):
    a = patch(vibrato_cents=20)
    b = patch("b.wav", Timebase(44_100, 441), f0_hz=110.0, channels=2, bands=89, partials=90)
    a, b = (b, a) if turned else (a, b)
    made = morph(a, b, 0.5)
    assert made.timebase == Timebase(44_100, 441)
    assert made.channels == 2 and made.controls.n_bands == 89
    assert abs(made.seconds - 2.0) < 0.01
    median = float(made.controls.f0_hz.median())
    assert abs(median / (220 * 110) ** 0.5 - 1) < 0.01
    mix = mix_of(made)
    assert bool(torch.isfinite(mix).all()) and float(mix.abs().max()) > 0.01


@pytest.mark.parametrize("amount", [-0.1, 1.1, float("nan")])
def test_an_amount_is_a_share(amount):
    with pytest.raises(ConfigError, match="amount"):
        morph(patch(), patch(), amount)


def test_one_step_is_no_way(tmp_path, files):
    with pytest.raises(ConfigError, match="2 or more"):
        morphs(*files, 1, out=tmp_path / "morphs")


def test_a_way_takes_no_more_than_ten_minutes(tmp_path, files):
    with pytest.raises(ConfigError, match="seconds: found 1e\\+06 s; needed: more than 0, at most 120 s"):
        morphs(*files, 3, out=tmp_path / "morphs", seconds=1e6)


def test_a_morph_has_a_pitch_if_the_nearer_sound_has():
    low, high = patch(f0_hz=200.0), patch(f0_hz=400.0)
    assert morph(low, high, 0.5).pitch_hz == pytest.approx(200 * 2**0.5, rel=1e-3)
    none = replace(high, pitch_hz=None, grid="steady")
    found = morph(low, none, 0.25)
    assert (found.pitch_hz, found.grid) == (pytest.approx(200 * 2**0.25, rel=1e-3), "f0")
    found = morph(low, none, 0.75)
    assert (found.pitch_hz, found.grid) == (None, "steady")
