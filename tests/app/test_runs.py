"""Past runs: found, heard, looked at, edited, exported."""

from __future__ import annotations

import io
import json
import os
import zipfile

import numpy as np
import pytest

from ddsp_match.app.results import Results
from ddsp_match.core.audio import read
from ddsp_match.patch import load_patch
from tests.app import made
from tests.app.serving import Served, tree, until


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    outputs = tmp_path_factory.mktemp("runs") / "outputs"
    made.run(outputs / "tone")
    with Served(outputs) as served:
        yield served


@pytest.fixture(scope="module")
def run(served):
    (short,) = served.get("/api/runs").json["runs"]
    return f"/api/runs/{short['id']}"


def samples(served, path, tmp_path):
    reply = served.get(path)
    assert reply.status == 200, reply.body
    (tmp_path / "heard.wav").write_bytes(reply.body)
    return read(tmp_path / "heard.wav")[0].samples


def test_runs_of_one_sound_are_found_wherever_they_lie_and_nothing_else(tmp_path):
    outputs = tmp_path / "outputs"
    made.run(outputs / "old")
    os.utime(outputs / "old" / "metrics.json", (1e9, 1e9))
    made.run(outputs / "sweep" / "0")
    made.run(tmp_path / "outside")
    made.run(outputs / ".old.1.part")
    (outputs / "link").symlink_to(tmp_path / "outside")
    (outputs / "broken").mkdir()
    (outputs / "broken" / "metrics.json").write_text("{")
    (outputs / "list").mkdir()
    (outputs / "list" / "metrics.json").write_text("[]")
    (outputs / "half").mkdir()
    (outputs / "half" / "metrics.json").write_text('{"verdict": "x"}')
    found = Results(outputs).listed()
    assert [run.label for run in found] == ["sweep/0", "old"]
    assert found[0].id != found[1].id and [run.id for run in Results(outputs).listed()] == [run.id for run in found]
    assert Results(tmp_path / "nowhere").listed() == []


def test_a_run_that_is_replaced_is_told_anew(tmp_path):
    runs = Results(tmp_path)
    made.run(tmp_path / "a")
    assert runs.listed()[0].metrics["verdict"] == "Good."
    (tmp_path / "a" / "metrics.json").write_text('{"verdict": "Bad."}')
    os.utime(tmp_path / "a" / "metrics.json", (2e9, 2e9))
    assert runs.get(runs.listed()[0].id).metrics["verdict"] == "Bad."


@pytest.mark.parametrize("name", ["../up", "a/b", "..", "CON", ".hidden", "x" * 300, "tone", "a\\b", "\udcff", ""])
def test_a_folder_for_a_new_run_lies_among_the_outputs_and_is_free(tmp_path, name):
    runs = Results(tmp_path / "outputs")
    first = runs.free_folder(name)
    assert first.parent == tmp_path / "outputs" and not first.exists() and first.name not in ("", ".", "..")
    first.mkdir(parents=True)
    assert runs.free_folder(name).name == f"{first.name}-2"


def test_the_facts_of_a_run(served, run):
    facts = served.get(run).json
    assert facts["name"] == "tone" and facts["verdict"] == "Good." and facts["mrstft"] == 0.3
    assert facts["seconds"] == pytest.approx(8001 / 16000) and facts["pitch_hz"] == pytest.approx(220, rel=1e-4)
    assert facts["follows_pitch"] and facts["losses"] == [[0, 0.5, 0.5], [1, 0.4, 0.4]]
    assert facts["edits"] == [] and not facts["has_effects"] and facts["has_report"]
    commands = [step["command"] for step in facts["next_steps"]]
    assert commands and all(".patch.safetensors" in command for command in commands)


def test_its_sounds_are_those_of_the_patch(served, run, tmp_path):
    heard = {
        part: samples(served, f"{run}/{part}.wav", tmp_path) for part in ("target", "match", "harmonic", "noise", "dry")
    }
    folder = served.app.services.runs.outputs / "tone"
    assert np.array_equal(heard["match"], read(folder / "match.wav")[0].samples)
    assert np.array_equal(heard["match"], heard["dry"])
    assert np.abs(heard["harmonic"] + heard["noise"] - heard["dry"]).max() < 1e-6
    assert 0 < np.square(heard["noise"]).mean() < 1e-2 * np.square(heard["harmonic"]).mean()
    difference = samples(served, f"{run}/difference.wav", tmp_path)
    assert np.abs(difference - (heard["target"] - heard["match"])).max() < 1e-7


def test_level_matches_target_and_match(served, run):
    table = served.get(f"{run}/level").json
    gains, lufs = table["gains_db"], table["lufs"]
    assert lufs["target"] + gains["target"] == pytest.approx(lufs["match"] + gains["match"], abs=1e-3)
    assert gains["target"] - gains["match"] == pytest.approx(-20 * np.log10(0.9), abs=0.01)


def test_f0_and_pictures(served, run):
    f0 = served.get(f"{run}/f0.json").json
    sounding = [hz for hz in f0["f0_hz"] if hz is not None]
    assert len(f0["f0_hz"]) == len(f0["times_s"]) == len(f0["loudness_db"]) and len(sounding) > 40
    assert np.allclose(sounding, 220, atol=0.01) and f0["f0_hz"][0] is None
    light, dark = (served.get(f"{run}/spectrogram.png?which=noise{more}") for more in ("", "&dark=1"))
    assert light.body[:4] == dark.body[:4] == b"\x89PNG" and light.body != dark.body
    assert served.get(f"{run}/spectrogram.png?which=passwd").status == 404


def test_the_steady_grid_under_a_sound_without_pitch_is_not_shown_as_one():
    from ddsp_match.app.stems import of_patch

    table = of_patch(made.patch(f0_hz=50.0, pitched=False, grid="steady"))
    assert table["pitch_hz"] is None and set(table["f0_hz"]) == {None}
    assert of_patch(made.patch(f0_hz=50.0))["pitch_hz"] == pytest.approx(50)


def test_the_exports_that_need_a_pitch_are_those_that_are_refused_without_one(served):
    made.run(served.app.services.runs.outputs / "drum", "drum", pitched=False)
    (drum,) = [run["id"] for run in served.get("/api/runs").json["runs"] if run["folder"] == "drum"]
    refused = {
        kind["name"]: served.get(f"/api/runs/{drum}/export/{kind['name']}").status == 400
        for kind in served.get("/api/state").json["exports"]
        if kind["name"] not in ("ir", "sfz")  # which need effects, and time
    }
    assert refused == {
        kind["name"]: kind["needs_pitch"]
        for kind in served.get("/api/state").json["exports"]
        if kind["name"] in refused
    }


def test_an_edit_is_heard_in_everything_and_changes_no_file(served, run, tmp_path):
    folder = served.app.services.runs.outputs
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    edits = [{"name": "transpose", "values": {"semitones": 12}}, {"name": "stretch", "values": {"factor": 2}}]
    reply = served.ask("POST", f"{run}/edits", {"edits": edits})
    told = reply.json
    assert reply.status == 201 and told["same"] is False
    assert [entry["edit"] for entry in told["edits"]][-2:] == ["transpose", "stretch"]
    token = told["edit"]
    heard = samples(served, f"{run}/match.wav?edit={token}", tmp_path)
    assert heard.shape[1] == told["n_samples"] and abs(told["seconds"] - 2 * 8001 / 16000) < 0.011
    assert served.get(f"{run}/f0.json?edit={token}").json["pitch_hz"] == pytest.approx(440, rel=1e-3)
    assert served.get(f"{run}?edit={token}").json["edits"] == told["edits"]
    assert served.get(f"{run}/voice.json?edit={token}").json["root_midi"] == pytest.approx(69, abs=0.05)
    (tmp_path / "edited.patch.safetensors").write_bytes(served.get(f"{run}/patch?edit={token}").body)
    assert load_patch(tmp_path / "edited.patch.safetensors").provenance["edits"] == told["edits"]
    assert served.get(f"{run}/difference.wav?edit={token}").status == 404
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_edit_that_changes_nothing_is_the_same_patch_bit_for_bit(served, run, tmp_path):
    for edits in ([], [{"name": "transpose", "values": {"semitones": 0}}]):
        told = served.ask("POST", f"{run}/edits", {"edits": edits}).json
        assert told["same"] is True
        edited, plain = (samples(served, f"{run}/match.wav{more}", tmp_path) for more in (f"?edit={told['edit']}", ""))
        assert np.array_equal(edited, plain)
        assert served.get(f"{run}/patch?edit={told['edit']}").body == served.get(f"{run}/patch").body


@pytest.mark.parametrize(
    "edits",
    [
        [{"name": "explode"}],
        [{"name": "transpose", "values": {"semitones": 1e9}}],
        [{"name": "transpose", "values": {"semitones": "up"}}],
        [{"name": "transpose", "values": {"semitones": float("nan")}}],
        [{"name": "transpose", "values": [7]}],
        [{"name": "stretch", "values": {"factor": 20}}] * 3,
        [{"name": ["transpose"]}],
        ["transpose"],
        [{}] * 65,
        "transpose",
        None,
    ],
)
def test_an_edit_that_is_none_is_refused_in_words(served, run, edits):
    reply = served.ask("POST", f"{run}/edits", {"edits": edits})
    assert reply.status == 400 and reply.error["found"] and reply.error["needed"]


def test_an_edit_belongs_to_its_run(served, run, tmp_path_factory):
    other = served.app.services.runs.outputs / "other"
    if not other.exists():
        made.run(other)
    token = served.ask("POST", f"{run}/edits", {"edits": []}).json["edit"]
    others = next(one["id"] for one in served.get("/api/runs").json["runs"] if one["folder"] == "other")
    assert served.get(f"/api/runs/{others}/match.wav?edit={token}").status == 404
    assert served.get(f"{run}/match.wav?edit=nothing").status == 404
    assert served.get("/api/runs/nothing").status == 404


def test_the_report_can_ask_the_server_for_nothing(served, run):
    policy = served.get(f"{run}/report.html").headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts") and "allow-same-origin" not in policy
    assert "default-src 'none'" in policy and "connect-src" not in policy


def test_exports_are_downloads_named_after_the_run(served, run):
    table = served.get(f"{run}/export/csv?every=10")
    assert table.headers["content-disposition"].startswith('attachment; filename="tone-csv.zip"')
    assert zipfile.ZipFile(io.BytesIO(table.body)).namelist() == ["tone.csv", "tone.partials.csv"]
    assert json.loads(served.get(f"{run}/export/json").body)
    assert served.get(f"{run}/export/midi").body[:4] == b"MThd"
    until(lambda: not tree(served.app.services.scratch / "exports"))  # it is cleared away after it was sent


@pytest.mark.parametrize("path", ["exe", "csv?every=0", "csv?every=x", "csv?out=/etc", "midi?bend_range=nan", "ir"])
def test_exports_that_are_none_are_refused_in_words(served, run, path):
    reply = served.get(f"{run}/export/{path}")
    assert reply.status in (400, 404) and reply.error["found"]


def test_every_export_is_shown_with_its_options(served):
    from ddsp_match.exports.kinds import KINDS

    state = served.get("/api/state").json
    shown = {one["name"]: [option["name"] for option in one["options"]] for one in state["exports"]}
    assert shown == {kind.name: [option.name for option in kind.options] for kind in KINDS.values()}
    assert state["edits"][0]["parameters"]


def test_a_download_with_another_script_in_its_name_is_named_so():
    from pathlib import Path

    from ddsp_match.app.responses import file_response

    head = file_response(Path(__file__), "audio/wav", name='Übung "1"\r\n.wav').headers["content-disposition"]
    assert "\r" not in head and 'filename="_bung _1___.wav"' in head and "filename*=UTF-8''%C3%9Cbung" in head
