"""What pages order beside a plain fit: names, pieces, pitches, fits of a run, comparisons, effects, deletions."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import soundfile

from ddsp_match.app.comparison import metrics_of_two
from ddsp_match.app.overrides import fit_overrides
from ddsp_match.core.audio import Audio, write
from tests.app import made
from tests.app.serving import Served, wav


@pytest.fixture
def served(tmp_path):
    made.run(tmp_path / "tone", when="before")
    made.run(tmp_path / "tone-2", metrics={"mrstft": 0.2, "mel_db": 0.501, "harmonic_share": 0.9})
    made.run(tmp_path / "sweep" / "0")
    with Served(tmp_path, fit=lambda *_, **__: None) as served:
        yield served


def _runs(served) -> dict[str, dict]:
    return {run["folder"]: run for run in served.get("/api/runs").json["runs"]}


def test_a_sound_is_renamed_and_its_runs_with_it(served):
    sound = served.drop(wav(), "a.wav").json["id"]
    served.app.services.sounds.note_run(served.app.services.sounds.get(sound), "tone")
    reply = served.ask("PATCH", f"/api/sounds/{sound}", {"name": " AC/DC\n1 "})
    assert (
        reply.status == 200 and reply.json["name"] == "AC/DC 1" and reply.json["runs"] == [_runs(served)["tone"]["id"]]
    )
    run = _runs(served)["tone"]
    assert run["name"] == "AC/DC 1" and run["sound"] == sound and _runs(served)["tone-2"]["sound"] is None
    for name in ("", "  ", "\u202e", 3, None):
        assert served.ask("PATCH", f"/api/sounds/{sound}", {"name": name}).error["needed"]


def test_a_piece_of_a_sound_is_a_sound_and_the_whole_one_stays(served):
    whole = served.drop(wav(0.5, channels=2), "a.wav").json
    piece = served.post(f"/api/sounds/{whole['id']}/trim", {"start_s": 0.1, "end_s": 0.3}).json
    assert piece["seconds"] == pytest.approx(0.2) and piece["channels"] == 2 and piece["id"] != whole["id"]
    bodies = [served.get(f"/api/sounds/{one['id']}/sound.wav").body for one in (whole, piece)]
    all_of_it, cut = (soundfile.read(io.BytesIO(body))[0] for body in bodies)
    assert len(cut) == 3200 and np.array_equal(cut, all_of_it[1600:4800])
    for ends in (
        {},
        {"start_s": 0.3, "end_s": 0.1},
        {"start_s": -1, "end_s": 0.1},
        {"start_s": 0.1, "end_s": 0.15},
        {"start_s": "0", "end_s": True},
    ):
        assert served.post(f"/api/sounds/{whole['id']}/trim", ends).error["needed"], ends


def test_what_the_browser_has_decoded_says_so(served):
    sound = served.ask("POST", "/api/sounds?name=a&decoded=m4a", wav(rate=48000)).json
    assert "M4A" in sound["notes"][0] and "browser" in sound["notes"][0]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, ("quality=default",)),
        ({"midi": 69}, ("quality=default", "f0=constant", "f0.hz=440")),
        ({"f0_hz": 220.5, "quality": "draft"}, ("quality=draft", "f0=constant", "f0.hz=220.5")),
        ({"near_midi": 69, "midi": None}, ("quality=default", "f0.min_hz=293.665", "f0.max_hz=659.255")),
    ],
)
def test_a_pitch_is_ordered_as_on_the_command_line(served, settings, words):
    from ddsp_match.config import build

    assert fit_overrides(settings) == words
    assert build(words).f0.max_hz >= 440 or settings


@pytest.mark.parametrize(
    "settings", [{"midi": 200}, {"midi": "60"}, {"midi": True}, {"midi": 60, "f0_hz": 220}, {"f0_hz": 0}, {"pitch": 60}]
)
def test_a_pitch_that_is_none_is_refused(served, settings):
    sound = served.drop(wav()).json["id"]
    assert served.post("/api/fits", {"sound": sound, "settings": settings}).error["needed"]


def test_a_run_is_fitted_again_with_its_sound_or_with_its_target(served):
    run = _runs(served)["tone"]
    job = served.post("/api/fits", {"run": run["id"], "settings": {"quality": "best", "midi": 57}}).json["job"]
    assert job["kind"] == "fit" and job["settings"] == {"quality": "best", "midi": 57}
    assert _runs(served)["tone"]["sound"] == job["sound"]
    again = served.post("/api/fits", {"run": run["id"]}).json["job"]
    assert again["sound"] == job["sound"] and len(served.get("/api/state").json["sounds"]) == 1
    assert served.post("/api/fits", {"run": "none"}).status == 404


def test_a_run_is_deleted_but_not_a_part_of_a_sweep(served):
    runs = _runs(served)
    assert served.ask("DELETE", f"/api/runs/{runs['tone']['id']}").status == 204
    assert not (served.app.services.runs.outputs / "tone").exists() and set(_runs(served)) == {"tone-2", "sweep/0"}
    assert served.ask("DELETE", f"/api/runs/{runs['sweep/0']['id']}").status == 409
    assert (served.app.services.runs.outputs / "sweep" / "0" / "metrics.json").is_file()


def test_two_runs_are_compared(served):
    runs = _runs(served)
    for folder, seed in (("tone", 1), ("tone-2", 2)):
        (served.app.services.runs.outputs / folder / "config.yaml").write_text(f"seed: {seed}\nf0: {{source: crepe}}\n")
    table = served.get(f"/api/compare?a={runs['tone']['id']}&b={runs['tone-2']['id']}").json
    assert table["same_sound"] is True and table["settings"] == [{"name": "seed", "a": 1, "b": 2}]
    assert {row["name"]: row["winner"] for row in table["metrics"]} == {
        "mrstft": "b",
        "mel_db": "",
        "harmonic_share": "",
        "numbers_per_second": "",
        "kbit_per_second": "",
    }
    assert (
        table["gains_db"]["a"] == table["gains_db"]["b"] == pytest.approx(table["gains_db"]["target"] - 0.915, abs=0.01)
    )


def test_a_figure_that_reads_the_same_has_no_winner():
    rows = metrics_of_two({"mel_db": 0.501, "snr_db": 3.0}, {"mel_db": 0.502, "snr_db": 9.0})
    assert [(row["name"], row["winner"]) for row in rows] == [("mel_db", ""), ("snr_db", "b")]


def test_edited_figures_say_what_they_are_of(served):
    run = _runs(served)["tone"]["id"]
    assert served.get(f"/api/runs/{run}").json["verdict_of"] == "match"
    edit = served.post(f"/api/runs/{run}/edits", {"edits": [{"name": "transpose", "values": {"semitones": 3}}]}).json
    assert served.get(f"/api/runs/{run}?edit={edit['edit']}").json["verdict_of"] == "unedited"


def test_no_stem_is_played_at_another_level_than_in_the_match(served):
    level = served.get(f"/api/runs/{_runs(served)['tone']['id']}/level").json
    gains = level["gains_db"]
    assert gains["harmonic"] == gains["noise"] == gains["dry"] == gains["match"]
    assert gains["match"] < gains["target"] and level["peak"] == max(level["peaks"].values()) > 0


def test_the_shares_of_the_stems_are_of_those_that_are_heard_and_follow_edits(served, tmp_path):
    run = _runs(served)["tone"]["id"]

    def told(edit: str = "") -> float:
        heard = {
            part: soundfile.read(io.BytesIO(served.get(f"/api/runs/{run}/{part}.wav{edit}").body))[0]
            for part in ("harmonic", "noise")
        }
        energy = {part: float(np.square(samples).sum()) for part, samples in heard.items()}
        metrics = served.get(f"/api/runs/{run}{edit}").json["metrics"]
        assert metrics["harmonic_share"] == pytest.approx(energy["harmonic"] / sum(energy.values()))
        assert metrics["noise_share"] == pytest.approx(energy["noise"] / sum(energy.values()), rel=1e-3)
        return metrics["noise_share"]

    edits = [{"name": "noise", "values": {"db": 12}}]
    made = served.post(f"/api/runs/{run}/edits", {"edits": edits})
    assert told(f"?edit={made.json['edit']}") > 5 * told()


def test_a_sound_of_ten_minutes_is_taken(tmp_path):
    with Served(tmp_path) as served:
        assert served.get("/api/state").json["limits"]["seconds"] == 600
        long = served.drop(wav(600.0, rate=8000))
        assert long.status == 201 and long.json["estimate_s"]["default"] > 100
        assert served.drop(wav(600.5, rate=8000)).status == 413


def _effect(folder) -> None:
    folder.mkdir()
    tone = np.sin(np.arange(1600, dtype=np.float32))[None]
    for name, gain in (("dry", 0.5), ("wet", 0.2), ("output", 0.2), ("difference", 0.0)):
        write(folder / f"{name}.wav", Audio(gain * tone, 16000), "FLOAT")
    (folder / "x.patch.safetensors").touch()
    (folder / "report.html").write_text("<title>effect</title>")
    knob = {"value": 0.5, "unit": "", "low": 0.0, "high": 1.0, "curve": "linear", "neutral": 1.0}
    told = {
        "name": "amp",
        "verdict": "Explained.",
        "level": "good",
        "effects": ["clip"],
        "knobs": {"clip.high": knob},
        "ambiguous": ["clip.high"],
    }
    (folder / "knobs.json").write_text(json.dumps(told))


def test_identified_effects_are_listed_shown_and_deleted(served):
    _effect(served.app.services.runs.outputs / "amp effect")
    (listed,) = served.get("/api/effects").json["effects"]
    assert listed["name"] == "amp" and listed["effects"] == ["clip"] and "amp effect" not in _runs(served)
    base = f"/api/effects/{listed['id']}"
    facts = served.get(base).json
    assert facts["knobs"][0]["name"] == "clip.high" and facts["knobs"][0]["ambiguous"] is True
    assert [served.get(f"{base}/{name}").status for name in facts["files"]] == [200] * 4
    assert served.get(f"{base}/report.html").headers["content-security-policy"].startswith("sandbox")
    for part in ("wet", "difference"):
        assert served.get(f"{base}/spectrogram.png?which={part}").body[:4] == b"\x89PNG"
    assert served.get(f"{base}/passwd.wav").status == served.get("/api/effects/none").status == 404
    assert served.ask("DELETE", base).status == 204 and served.get("/api/effects").json["effects"] == []


def test_bad_orders_of_effects_are_refused_in_words(served):
    dry, wet = (served.drop(wav(), name).json["id"] for name in ("dry", "wet"))
    assert {"lowpass", "clip"} <= {one["name"] for one in served.get("/api/state").json["processors"]}
    for order in (
        {},
        {"dry": dry},
        {"dry": dry, "wet": dry, "effects": ["clip"]},
        {"dry": dry, "wet": wet},
        {"dry": dry, "wet": wet, "effects": ["nothing"]},
        {"dry": dry, "wet": wet, "effects": [["clip"]]},
        {"dry": dry, "wet": wet, "effects": ["clip"] * 9},
    ):
        assert served.post("/api/effects", order).error["needed"], order
    job = served.post("/api/effects", {"dry": dry, "wet": wet, "effects": ["clip"]}).json["job"]
    assert job["kind"] == "effect" and job["sound"] == wet and job["dry"] == dry


@pytest.mark.slow
def test_an_effect_is_identified(tmp_path):
    with Served(tmp_path) as served:
        dry = wav(0.5)
        samples, rate = soundfile.read(io.BytesIO(dry))
        clipped = io.BytesIO()
        soundfile.write(clipped, np.clip(samples, -0.2, 0.2), rate, "FLOAT", format="WAV")
        ids = {"dry": served.drop(dry, "dry").json["id"], "wet": served.drop(clipped.getvalue(), "wet/1").json["id"]}
        job = served.ended(served.post("/api/effects", {**ids, "effects": ["clip"]}).json["job"]["id"])
        assert job["state"] == "done" and job["run"] is None, job
        facts = served.get(f"/api/effects/{job['effect']}").json
        assert facts["matched"] and facts["has_report"]
        knobs = {knob["name"]: knob["value"] for knob in facts["knobs"]}
        assert knobs["clip.high"] == pytest.approx(0.2, abs=0.01)
