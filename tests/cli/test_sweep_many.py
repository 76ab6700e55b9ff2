"""``fit FOLDER --multirun``: each setting a run over all sounds, one table, and the same command goes on."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ddsp_match import cli
from ddsp_match.runs.store import Entry, Store, write_sound
from ddsp_match.tasks import fit_many as task
from tests.cli.test_launchers import needs
from tests.tasks.fakes_many import write_tone
from tests.waiting import HANG_S

ROOT = Path(__file__).resolve().parents[2]
SWEEP = "synth.n_harmonics=20,40"
FITTED: list[tuple[int, str]] = []


def scored_fit(job) -> list[Entry]:
    """More harmonics are better, by a little less with each sound; sounds named ``bad`` fail with 40 harmonics."""
    entries = []
    for item in job.items:
        harmonics = job.settings.synth.n_harmonics
        FITTED.append((harmonics, item.name))
        if item.name.startswith("bad") and harmonics == 40:
            entries.append(Entry(item.name, str(item.path), "failed", reason="no pitch"))
            continue
        metrics = {"mrstft": 10 / harmonics + 0.001 * len(item.name) * harmonics, "mel_db": 1.0}
        entry = Entry(item.name, str(item.path), "done", metrics=metrics, seconds={"fit": 2.0})
        write_sound(job.folder, entry, lambda folder: (folder / "match.wav").write_bytes(b""))
        entries.append(entry)
    return entries


@pytest.fixture
def samples(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(task, "_fit_batch", scored_fit)
    FITTED.clear()
    for number in range(1, 7):
        write_tone(tmp_path / f"samples/{'x' * number}.wav")
    return Path("samples")


def run(*argv: str) -> int:
    return cli.main(["fit", "-q", *argv, "-m", "engine=inline", "batch_size=1"])


def rows(sweep: str = "outputs/samples-sweep") -> list[dict[str, str]]:
    with (Path(sweep) / "sweep.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_setting_is_a_run_of_its_own_and_a_row_with_its_mean_and_interval(samples, capsys):
    assert run("samples", SWEEP) == 0
    assert len(FITTED) == 12
    best, other = rows()
    assert [best["synth.n_harmonics"], other["synth.n_harmonics"]] == ["40", "20"]
    assert float(best["mrstft"]) == pytest.approx(0.25 + 0.04 * 3.5)
    assert float(best["mrstft_low"]) < float(best["mrstft"]) < float(best["mrstft_high"])
    assert (best["sounds"], best["failed"], best["mel_db"], best["seconds"]) == ("6", "0", "1.0", "12.0")
    assert len(Store.read(Path(best["path"])).done()) == 6
    said = capsys.readouterr().out
    assert "synth.n_harmonics=40; clearly better than synth.n_harmonics=20 (6 sounds, p = 0.031)" in said
    assert "best first by mrstft, the mean over 6 sounds" in said
    page = Path("outputs/samples-sweep/sweep.html").read_text()
    assert '"synth.n_harmonics%3D40' in page or "n_harmonics=40" in page
    assert "clearly better" in page and "95 % from" in page


def test_means_are_compared_over_the_sounds_that_every_setting_has(samples, capsys):
    write_tone(samples / "bad.wav")
    assert run("samples", SWEEP) == 101
    best, other = rows()
    assert (best["sounds"], best["failed"], other["sounds"], other["failed"]) == ("6", "1", "7", "0")
    assert float(other["mrstft"]) == pytest.approx(0.5 + 0.02 * 3.5)
    assert "the mean over 6 sounds that all settings have; 1 more are left out" in capsys.readouterr().out


def test_the_same_command_does_nothing_twice_and_more_values_are_added(samples):
    assert run("samples", SWEEP) == run("samples", SWEEP) == 0
    assert len(FITTED) == 12 and not Path("outputs/samples-sweep-2").exists()
    assert run("samples", "synth.n_harmonics=20,40,80") == 0
    assert len(FITTED) == 18 and len(rows()) == 3
    assert run("samples", SWEEP, "--force") == 0 and len(FITTED) == 30


def test_other_settings_are_refused(samples, capsys):
    assert run("samples", SWEEP) == 0
    assert run("samples", SWEEP, "quality=draft") == 2
    assert "found a run with other settings (optimizer.steps" in capsys.readouterr().err and len(rows()) == 2


def test_files_and_tables_are_many_sounds_too(samples):
    Path("list.csv").write_text("path\nsamples/x.wav\nsamples/xx.wav\n")
    assert run("list.csv", SWEEP) == 0 and len(rows("outputs/list-sweep")) == 2
    assert run("samples/x.wav", "samples/xx.wav", SWEEP, "-o", "two") == 0
    assert {row["sounds"] for row in rows("two")} == {"2"}


def test_a_setting_that_cannot_be_is_a_row_with_its_reason(samples):
    assert run("samples", "synth.n_harmonics=20,0") == 2
    assert "synth.n_harmonics: found 0" in rows()[1]["error"] and rows()[0]["sounds"] == "6"


def test_nothing_of_others_is_taken(samples, capsys):
    Path("mine").mkdir()
    Path("mine/thesis.tex").write_text("x")
    for words in (["-o", "mine"], ["-o", "mine", "--force"], ["-o", "samples"]):
        assert run("samples", SWEEP, *words) == 2
    assert FITTED == [] and [path.name for path in Path("mine").iterdir()] == ["thesis.tex"]
    Path("empty").mkdir()
    assert run("empty", SWEEP) == 2
    assert "empty: found no files" in capsys.readouterr().err and not Path("outputs").exists()


def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(samples, capsys, monkeypatch):
    def interrupted(job):
        if len(FITTED) == 8:
            signal.raise_signal(signal.SIGINT)
        return scored_fit(job)

    monkeypatch.setattr(task, "_fit_batch", interrupted)
    assert run("samples", "synth.n_harmonics=20,40,80") == 130
    out = capsys.readouterr().out
    assert "stopped; the same command goes on" in out and 8 <= len(FITTED) <= 9
    assert {row["synth.n_harmonics"]: row["stop_reason"].partition(" ")[0] for row in rows()} == {
        "20": "all",
        "40": "stopped",
    }
    monkeypatch.setattr(task, "_fit_batch", scored_fit)
    assert run("samples", "synth.n_harmonics=20,40,80") == 0
    assert len(set(FITTED)) == 18 and len(FITTED) <= 19 and {row["sounds"] for row in rows()} == {"6"}


def fit_noting_its_process(job) -> list[Entry]:
    entries = scored_fit(job)
    for entry in entries:
        entry.facts["process"] = os.getpid()
    return entries


def test_one_worker_fits_every_setting(samples, monkeypatch):
    monkeypatch.setattr(task, "_fit_batch", fit_noting_its_process)
    assert cli.main(["fit", "-q", "samples", "-m", SWEEP, "engine.workers=1"]) == 0
    runs = [Store.read(Path(row["path"])).entries() for row in rows()]
    assert [len(entries) for entries in runs] == [6, 6]
    processes = {entry.facts["process"] for entries in runs for entry in entries}
    assert len(processes) == 1 and os.getpid() not in processes


def killed_fit(job):
    if len(FITTED) == 8:
        signal.raise_signal(signal.SIGKILL)
    return scored_fit(job)


def test_a_killed_sweep_goes_on_with_what_is_left(samples, tmp_path):
    code = (
        "import sys\nfrom ddsp_match import cli\nfrom ddsp_match.tasks import fit_many\n"
        "from tests.cli import test_sweep_many as tests\nfit_many._fit_batch = tests.killed_fit\n"
        "import os\nos.chdir(sys.argv.pop(1))\nsys.exit(tests.run('samples', tests.SWEEP))"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, timeout=HANG_S, check=False)
    assert killed.returncode == -signal.SIGKILL and not Path("outputs/samples-sweep/sweep.csv").exists()
    assert run("samples", SWEEP) == 0
    assert len(FITTED) == 4 and {name for name, _ in FITTED} == {40}
    assert [row["sounds"] for row in rows()] == ["6", "6"]
    assert not Path("outputs/samples-sweep/.rows").exists() and not Path("outputs/samples-sweep-2").exists()


@pytest.mark.slow
@needs("hydra_joblib_launcher")
def test_a_launcher_fits_the_settings_elsewhere(tmp_path):
    for number in range(2):
        write_tone(tmp_path / f"kit/{number}.wav")
    words = ["fit", "-q", str(tmp_path / "kit"), "-o", str(tmp_path / "sweep"), "-m", SWEEP, "hydra/launcher=joblib"]
    assert cli.main([*words, "quality=draft", "optimizer.steps=2", "f0=constant", "f0.hz=440"]) == 0
    assert [row["sounds"] for row in rows(str(tmp_path / "sweep"))] == ["2", "2"]
