"""Editing a patch: what was done is listed, lengths are exact, and nothing changes what nobody asked to change."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

import ddsp_match
from ddsp_match.core.errors import ConfigError, OutputError
from ddsp_match.core.timebase import Timebase
from ddsp_match.edits.kinds import EDITS
from ddsp_match.patch import Patch, container, load_patch
from ddsp_match.patch.playing import mix_of
from ddsp_match.tasks.edit import Edit, edit, edits_of, f0_curve, registry
from tests.compare import assert_close
from tests.edits.notes import TIMEBASE, note


def patch(**more) -> Patch:
    return Patch.of(
        note(**more),
        TIMEBASE,
        31_950,
        noise_seed=7,
        phase="static",
        offset=(0.01,) * more.get("channels", 1),
        provenance={"sound": "note.wav", "edits": []},
    )


NOTHING = [
    [],
    [Edit("transpose", {"semitones": 0}), Edit("noise", {"db": 0.0}), Edit("stretch", {"factor": 1})],
    [{"edit": "brightness", "db_per_octave": 0}, {"edit": "f0_depth", "depth": 1}, {"edit": "vibrato", "rate_hz": 3}],
    [{"edit": "trim", "start_s": 0, "stop_s": 60}, {"edit": "fade_in"}, {"name": "odd_even", "values": {"db": 0}}],
]


@pytest.mark.parametrize("edits", NOTHING)
def test_edits_that_change_nothing_leave_the_patch_and_the_file(tmp_path, edits):
    before = patch()
    assert edit(before, edits) is before
    before.save(tmp_path / "a.patch.safetensors")
    edit(tmp_path / "a.patch.safetensors", edits, out=tmp_path / "b.patch.safetensors")
    assert (tmp_path / "b.patch.safetensors").read_bytes() == (tmp_path / "a.patch.safetensors").read_bytes()
    edit(before, edits, out=tmp_path / "c.patch.safetensors")
    assert (tmp_path / "c.patch.safetensors").read_bytes() == (tmp_path / "a.patch.safetensors").read_bytes()


def test_a_file_that_says_more_than_this_version_reads_is_copied_as_it_is(tmp_path):
    path, out = tmp_path / "a.patch.safetensors", tmp_path / "b.patch.safetensors"
    patch().save(path)
    kind, header, tensors = container.read(path)
    container.write(path, kind, {**header, "mood": "blue"}, tensors)
    edit(path, [Edit("noise", {"db": 0})], out=out)
    assert out.read_bytes() == path.read_bytes()


def test_each_edit_is_listed_in_order_with_its_values_and_separation_once():
    wanted = [
        Edit("brightness", {"db_per_octave": 2}),
        Edit("transpose", {"semitones": 7.0}),
        Edit("noise", {"db": 0}),
        Edit("stretch", {"factor": 1.5}),
    ]
    edited = edit(patch(), wanted)
    assert edits_of(edited) == [
        {"edit": "brightness", "db_per_octave": 2},
        {"edit": "separate"},
        {"edit": "transpose", "semitones": 7, "formant": "keep"},
        {"edit": "stretch", "factor": 1.5},
    ]
    assert edited.provenance["sound"] == "note.wav"
    again = edit(edited, [Edit("vibrato", {"depth_cents": 20}), Edit("f0", {"hz": 300})])
    assert [one["edit"] for one in edits_of(again)][4:] == ["vibrato", "f0"]
    assert json.loads(json.dumps(again.provenance)) == again.provenance
    assert edits_of(patch()) == []


def test_the_list_of_a_patch_edits_another_one_alike():
    wanted = [Edit("transpose", {"semitones": -5}), Edit("hold", {"seconds": 3}), Edit("fade_out", {"seconds": 0.2})]
    once = edit(patch(), wanted)
    again = edit(patch(), edits_of(once))
    assert edits_of(again) == edits_of(once)
    assert torch.equal(again.controls.partial_amplitudes, once.controls.partial_amplitudes)


@pytest.mark.parametrize(
    ("one", "n_samples"),
    [
        ({"edit": "stretch", "factor": 1.5}, 47_925),
        ({"edit": "stretch", "factor": 0.3}, 9_585),
        ({"edit": "hold", "seconds": 4.0}, 64_000),
        ({"edit": "freeze", "at_s": 1.0, "seconds": 0.75}, 12_000),
        ({"edit": "freeze", "at_s": 1.0}, 31_950),
        ({"edit": "trim", "start_s": 0.5, "stop_s": 1.5}, 16_000),
        ({"edit": "trim", "start_s": 0.5}, 23_950),
        ({"edit": "transpose", "semitones": 3}, 31_950),
    ],
)
def test_the_length_is_exact(one, n_samples):
    edited = edit(patch(), [one])
    assert edited.n_samples == n_samples
    assert mix_of(edited).shape == (1, n_samples)
    assert edited.offset == (0.01,)


@pytest.mark.parametrize(
    ("one", "seconds"),
    [
        ({"edit": "stretch", "factor": 20}, 20 * 0.4449),
        ({"edit": "stretch", "factor": 0.5}, 0.5 * 0.4449),
        ({"edit": "hold", "seconds": 6.004}, 6.004),
        ({"edit": "freeze", "at_s": 0.2, "seconds": 2.003}, 2.003),
        ({"edit": "trim", "start_s": 0.1, "stop_s": 0.3333}, 0.2333),
    ],
)
def test_it_is_exact_too_where_neither_frames_nor_sound_end_on_the_hop(one, seconds):
    timebase = Timebase.at(22_050)  # 220 samples: 100.23 frames a second
    n_samples = timebase.sample_at(0.4449)
    given = replace(patch(frames=timebase.frames(n_samples)), timebase=timebase, n_samples=n_samples)
    edited = edit(given, [one])
    assert abs(edited.n_samples - seconds * 22_050) <= 11  # a sample, times the factor of a stretch
    assert mix_of(edited).shape == (1, edited.n_samples)


def test_what_is_saved_sounds_as_what_was_made(tmp_path):
    out = tmp_path / "edited.patch.safetensors"
    edited = edit(patch(channels=2), [{"edit": "transpose", "semitones": 4}, {"edit": "trim", "start_s": 0.3}], out=out)
    loaded = load_patch(out)
    assert torch.equal(mix_of(loaded), mix_of(edited))
    assert loaded.provenance == edited.provenance
    assert float(mix_of(loaded).abs().max()) > 0.01
    with pytest.raises(OutputError, match="force=True"):
        edit(patch(), [{"edit": "noise", "db": 3}], out=out)
    edit(patch(), [{"edit": "noise", "db": 3}], out=out, force=True)
    assert [one["edit"] for one in edits_of(load_patch(out))] == ["noise"]


def test_tracked_phases_survive_an_edit():
    moved = replace(note(), phases=torch.linspace(0, 9, 201).expand(1, 12, -1).contiguous())
    tracked = replace(patch(), controls=moved, phase="tracked")
    edited = edit(tracked, [{"edit": "noise", "db": -6}, {"edit": "fade_in", "seconds": 0.1}])
    assert edited.phase == "tracked"
    apart = edited.controls.phases - moved.phases
    assert_close(torch.sin(apart / 2), torch.zeros(1, 12, 201), 2e-3)
    plain = edit(replace(patch(), controls=replace(note(), phases=None)), [{"edit": "brightness", "db_per_octave": 1}])
    assert plain.phase == "zero" and plain.controls.phases is None


@pytest.mark.parametrize(
    ("one", "found"),
    [
        ({"edit": "transpoze", "semitones": 7}, "transpoze.*try: transpose"),
        ({"edit": "transpose", "semitone": 7}, "semitone.*try: semitones"),
        ({"edit": "transpose", "semitones": 99}, "transpose.semitones: found 99 semitones; needed: -60 to 60"),
        ({"edit": "transpose", "semitones": float("nan")}, "transpose.semitones: found nan"),
        ({"edit": "transpose", "semitones": "7"}, "transpose.semitones: found '7'"),
        ({"edit": "transpose", "semitones": True}, "found True"),
        ({"edit": "transpose", "semitones": [1, 2]}, "needed: -60 to 60 semitones"),
        ({"edit": "transpose", "semitones": 7, "formant": "both"}, r"needed: keep \| move"),
        ({"edit": "hold"}, "hold.seconds: found nothing"),
        ({"edit": "freeze", "at_s": 5}, "5 s of 2.00 s of sound; needed: a moment within the sound"),
        ({"edit": "f0", "hz": 9000}, "an f0 of 9000 Hz.*needed: less than 8000 Hz"),
        ({"edit": "trim", "start_s": 3}, "needed: a beginning before the end"),
        ({"edit": "trim", "start_s": 1.5, "stop_s": 1}, "1.5 to 1 s of 2.00 s"),
        ({"semitones": 7}, "an edit without a name"),
        ({"edit": "f0_curve", "times_s": [0, 1], "f0_hz": [440]}, "2 times and 1 frequencies"),
        ({"edit": "f0_curve", "times_s": 0, "f0_hz": [440]}, "needed: a list of numbers"),
    ],
)
def test_what_cannot_be_done_is_said(one, found):
    with pytest.raises(ConfigError, match=found):
        edit(patch(), [one])


def test_an_f0_from_a_file_is_played(tmp_path):
    (tmp_path / "f0.csv").write_text("time,f0\n0,300\n0.5,0\n1,300\n2,600\n")
    one = f0_curve(tmp_path / "f0.csv", patch().seconds)
    edited = edit(patch(), [one])
    expected = [300.0, 300.0, 300.0, 300 * 2**0.5]
    assert_close(edited.controls.f0_hz[0, [0, 50, 100, 150]], expected, 0.5)
    assert edits_of(edited)[-1] == one


@pytest.mark.parametrize("kind", EDITS, ids=lambda kind: kind.name)
def test_every_edit_does_something_within_its_ranges(kind):
    given = {
        "transpose": {"semitones": 2}, "f0_depth": {"depth": 0.5}, "vibrato": {"depth_cents": 30}, "f0": {"hz": 330},
        "f0_curve": {"times_s": [0, 2], "f0_hz": [200, 300]}, "stretch": {"factor": 2}, "hold": {"seconds": 3},
        "freeze": {"at_s": 1}, "trim": {"start_s": 0.2}, "brightness": {"db_per_octave": 3}, "odd_even": {"db": 6},
        "harmonic": {"db": 3}, "noise": {"db": 3}, "fade_in": {"seconds": 0.3}, "fade_out": {"seconds": 0.3},
    }  # fmt: skip
    before = patch(vibrato_cents=30)
    edited = edit(before, [Edit(kind.name, given[kind.name])])
    assert edits_of(edited)[-1]["edit"] == kind.name
    one, two = mix_of(before), mix_of(edited)
    n = min(one.shape[1], two.shape[1])
    assert one.shape != two.shape or float((one - two)[:, :n].abs().max()) > 1e-3
    assert bool(torch.isfinite(two).all())


def test_the_registry_is_plain_data_and_its_defaults_change_nothing():
    entries = registry()
    assert json.loads(json.dumps(entries)) == entries
    assert {"transpose", "stretch", "brightness", "noise"} <= {entry["name"] for entry in entries}
    assert "f0_curve" not in {entry["name"] for entry in entries}
    before = patch()
    for entry in entries:
        assert entry["words"] and entry["group"] in ("pitch", "time", "tone", "level")
        for one in entry["parameters"]:
            assert one["choices"] or one["low"] < one["high"]
            assert one["default"] is None or one["choices"] or one["low"] <= one["default"] <= one["high"]
        if not any(one["required"] for one in entry["parameters"]):
            values = {one["name"]: one["default"] for one in entry["parameters"]}
            assert edit(before, [Edit(entry["name"], values)]) is before


def test_it_is_there_for_python():
    higher = ddsp_match.edit(patch(), [{"edit": "transpose", "semitones": 12}])
    assert_close(higher.controls.f0_hz[0, 100], 440.0, 1e-2)


@pytest.mark.parametrize("grid", ["f0", "steady"])
@pytest.mark.parametrize(
    ("one", "semitones"),
    [
        ({"edit": "transpose", "semitones": 7}, 7),
        ({"edit": "stretch", "factor": 2}, 0),
        ({"edit": "noise", "db": 6}, 0),
    ],
)
def test_the_pitch_moves_along_and_the_grid_stays(grid, one, semitones):
    before = replace(patch(), pitch_hz=330.0, grid=grid)
    after = edit(before, [one])
    assert after.pitch_hz == pytest.approx(330.0 * 2 ** (semitones / 12), rel=1e-5) and after.grid == grid
    assert edit(replace(before, pitch_hz=None), [one]).pitch_hz is None
