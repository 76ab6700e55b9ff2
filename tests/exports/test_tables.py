"""Tables whose numbers are those of the sound, and JSON that comes back."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from ddsp_match.core.controls import Controls
from ddsp_match.edits.curves import curves
from ddsp_match.edits.stems import stem_levels_db, stems_of
from ddsp_match.effects.rack import Rack
from ddsp_match.exports.tables import controls_of, document, export_csv, export_json, frame_rows, partial_rows
from ddsp_match.models.frame_plan import compacted
from ddsp_match.patch import Patch
from tests.compare import assert_close
from tests.exports.sounds import TIMEBASE, patch_of, sung


def test_csv_has_a_row_a_frame_and_a_table_of_partials(tmp_path):
    files = export_csv(patch_of(), tmp_path / "my.sound.csv", every=10)
    assert [path.name for path in files] == ["my.sound.csv", "my.sound.partials.csv"]
    for path in files:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        assert [row["time_s"] for row in rows] == [f"{k / 10:.5f}" for k in range(11)]
    assert float(rows[3]["hz_2"]) == pytest.approx(2 * 440 * 2 ** (0.2 / 12), abs=0.01)


def test_json_holds_everything_and_plays_the_same(tmp_path):
    rack = Rack.of(["gain"], 16_000, {"gain.gain_db": -3.0})
    patch = patch_of(69 + np.linspace(0, 2, 101), effects=rack, edits=[{"edit": "trim", "start_s": 0.1}])
    (path,) = export_json(patch, tmp_path / "a.json")
    found = json.loads(path.read_text(encoding="utf-8"))
    controls, timebase, n_samples = controls_of(found)
    assert all(key in found["keys"] for key in found if key not in ("format", "version", "keys"))
    back = Patch.of(
        controls,
        timebase,
        n_samples,
        noise_seed=found["noise_seed"],
        phase=found["phase"],
        offset=found["offset"],
        provenance=found["provenance"],
        effects=Rack.of(found["effects"]["chain"], found["effects"]["sample_rate"], found["effects"]["knobs"]),
    )
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    patch.save(first), back.save(second)
    assert first.read_bytes() == second.read_bytes()


def rms_db(samples: torch.Tensor) -> float:
    return float(10 * torch.log10(samples[..., 4000:-4000].square().mean()))


def test_levels_are_those_of_the_rendered_sound():
    controls = sung(np.full(101, 69.0), np.full(101, -20.0), noise_db=-30)
    patch = Patch.of(controls, TIMEBASE, 16_000, noise_seed=0, phase="zero")
    stems = stems_of(patch)
    harmonic_db, noise_db = stem_levels_db(patch)
    assert_close(harmonic_db[50], -20.0, atol=0.1)
    assert_close(rms_db(stems.harmonic), -20.0, atol=0.1)
    assert_close(noise_db[50], rms_db(stems.noise), atol=0.5)


def test_a_tone_at_1_khz_is_as_loud_as_its_level_and_centred_there():
    key = 69 + 12 * np.log2(1000 / 440)
    found = curves(sung(np.full(40, key), np.full(40, -20.0), n_partials=1), TIMEBASE)
    assert_close(found.loudness_db, np.full(40, -20.0), atol=0.05)
    assert_close(found.centroid_hz, np.full(40, 1000.0), atol=0.1)
    assert_close(found.pitched, np.ones(40), atol=1e-6)


def test_partials_at_or_above_nyquist_have_no_level():
    high = sung(np.full(20, 100.0), np.full(20, -20.0), n_partials=8)  # 2637 Hz: three fit
    rows = list(partial_rows(high, TIMEBASE))
    levels = {name: float(cell) for name, cell in zip(rows[0], rows[1], strict=True)}
    assert levels["db_4"] == -120 < levels["db_3"]


def test_rows_are_frames_and_every_leaves_some_out():
    controls = sung(np.linspace(60, 62, 21), np.full(21, -20.0), n_partials=2, divisions=5)
    rows = list(frame_rows(Patch.of(controls, TIMEBASE, 3200, noise_seed=0, phase="zero"), 5))
    assert [row[0] for row in rows] == ["time_s", "0.00000", "0.05000", "0.10000", "0.15000", "0.20000"]
    at = dict(zip(rows[0], rows[3], strict=True))
    assert at["midi"] == "61.0000" and at["f0_hz"] == "277.1826"
    partials = list(partial_rows(controls, TIMEBASE, 5))
    assert partials[0][:6] == ["time_s", "channel", "hz_0.2", "db_0.2", "hz_0.4", "db_0.4"]
    row = dict(zip(partials[0], partials[3], strict=True))
    assert row["hz_2"] == f"{2 * 277.1826:.2f}" and row["db_0.2"] == "-120.00"
    assert len(partials) == len(rows)


def test_both_channels_have_their_partials():
    one = sung(np.full(3, 60.0), np.full(3, -20.0), n_partials=2)
    both = {name: torch.cat([value, value]) for name, value in vars(one).items() if isinstance(value, torch.Tensor)}
    both["amplitude"][1] /= 10
    rows = list(partial_rows(Controls(**both), TIMEBASE))
    assert [row[1] for row in rows[1:5]] == ["1", "2", "1", "2"]
    assert_close(float(rows[1][3]) - float(rows[2][3]), 20.0, atol=0.02)


@pytest.mark.parametrize("tracked", [True, False])
def test_json_comes_back_to_the_bit(tracked):
    made = sung(np.linspace(60, 62, 9), np.linspace(-20, -30, 9), n_partials=3, divisions=2)
    phases = torch.rand(1, 6, 9, generator=torch.Generator().manual_seed(1)).to(torch.float16).float()
    shares = made.distribution.to(torch.float16).float()
    controls = Controls(made.f0_hz, made.amplitude, shares, made.noise, phases if tracked else None, 2)
    text = json.dumps(document(controls, TIMEBASE, 1280, {"noise_seed": 3}))
    back, timebase, n_samples = controls_of(json.loads(text))
    assert (timebase, n_samples, back.divisions) == (TIMEBASE, 1280, 2)
    assert torch.equal(back.f0_hz, controls.f0_hz) and torch.equal(back.amplitude, controls.amplitude)
    assert torch.equal(back.distribution, shares)
    assert torch.equal(back.phases, phases) if tracked else back.phases is None
    assert_close(back.noise, controls.noise, atol=1e-6)


def test_json_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="version 2"):
        controls_of({"format": "ddsp-match controls", "version": 2})


def test_timbre_frames_are_written_number_by_number(tmp_path):
    """Every number of the patch and its time, in a table of its own and in the JSON."""
    dense = patch_of(69 + np.linspace(0, 2, 101))
    patch = replace(dense, frames=compacted(dense.controls, TIMEBASE))
    frames = patch.frames
    files = export_csv(patch, tmp_path / "a.csv")
    assert [path.name for path in files] == ["a.csv", "a.partials.csv", "a.frames.csv"]
    rows = list(csv.DictReader(files[2].read_text(encoding="utf-8").splitlines()))
    pitches = [row for row in rows if row["curve"] == "f0_cents"]
    assert [float(row["time_s"]) for row in pitches] == pytest.approx((frames.f0.times / TIMEBASE.frame_rate).tolist())
    assert [float(row["value"]) for row in pitches] == pytest.approx(frames.f0.values[0].tolist(), abs=0.01)
    (voice,) = frames.voices
    values = [frames.f0.values, voice.offset_db, *(getattr(voice, name).values for name in voice.TRACKS)]
    assert len(rows) == sum(one.numel() for one in values)
    (path,) = export_json(patch, tmp_path / "a.json")
    stored = json.loads(path.read_text(encoding="utf-8"))["frames"]
    assert sum(len(row) for one in stored for row in one["values"]) == len(rows)
    assert {one["curve"] for one in stored} == {row["curve"] for row in rows}
