"""``fit`` for many sounds on the command line: what it takes, where it writes, what it says, how it ends."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ddsp_match import cli
from ddsp_match.cli import many_progress
from ddsp_match.cli.many_progress import ManyProgress, duration
from ddsp_match.runs.engines import asked_to_stop
from ddsp_match.runs.store import Store
from ddsp_match.tasks import fit_many as task
from ddsp_match.tasks.fit_many import Counts
from tests.tasks.fakes_many import fake_fit, write_tone
from tests.waiting import HANG_S, wait_for

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def samples(tmp_path, monkeypatch) -> Path:
    """Six sounds in samples/, fitted by the fake, in this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(task, "_fit_batch", fake_fit)
    for number in range(4):
        write_tone(tmp_path / f"samples/drums/tone-{number}.wav")
    write_tone(tmp_path / "samples/voice.wav")
    write_tone(tmp_path / "samples/bass.wav")
    return Path("samples")


def run(*argv: str) -> int:
    return cli.main(["fit", *argv, "engine=inline", "batch_size=1"])


def done(folder) -> set[str]:
    return Store.read(Path(folder)).done()


def test_a_folder_is_fitted_and_the_same_command_again_goes_on(samples, capsys):
    assert run("samples", "-o", "kit", "limit=4") == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[:2] == ["fitted 4 of 4 sounds: kit", "next:"] and lines[2].endswith("ddsp-match score kit")
    assert lines[3].endswith("fit again with files=report and another -o") and said.err == "4 sounds\n"
    assert Store.read(Path("kit")).command == "ddsp-match fit samples -o kit limit=4 engine=inline batch_size=1"
    assert run("samples", "-o", "kit") == 0
    said = capsys.readouterr()
    assert said.out.startswith("fitted 6 of 6 sounds (4 of them before): kit\n")
    assert said.err == "6 sounds, 4 already done\n" and len(done("kit")) == 6


def test_the_default_folder_is_named_by_the_sounds_and_gone_on_with(samples, capsys):
    assert run("-q", "samples/") == run("-q", "samples") == 0
    assert "(6 of them before)" in capsys.readouterr().out
    Path("outputs/drums").mkdir()
    Path("outputs/drums/report.html").write_text("of one sound")
    assert run("-q", "samples/drums") == run("-q", "samples/drums") == 0
    assert len(done("outputs/drums-2")) == 4 and not Path("outputs/drums-3").exists()


def test_several_files_as_a_shell_expands_them(samples):
    assert run("-q", "samples/voice.wav", "samples/bass.wav") == 0
    assert done("outputs/samples") == {"voice", "bass"}


def test_a_table_and_an_nsynth_folder(samples):
    Path("list.csv").write_text("file,family\nsamples/voice.wav,vocal\nsamples/bass.wav,bass\n")
    assert run("-q", "list.csv", "dataset.column=file") == 0
    assert {entry.family for entry in Store.read(Path("outputs/list")).entries()} == {"vocal", "bass"}
    write_tone(Path("nsynth-test/audio/bass_synthetic_000-030-100.wav"))
    assert run("-q", "nsynth-test/audio", "dataset=nsynth") == 0
    assert done("outputs/nsynth-test") == {"bass_synthetic_000-030-100"}


def test_flags_mean_what_they_mean_for_one_sound(samples):
    assert run("-q", "samples", "-o", "kit", "--midi", "69", "--budget", "2m", "files=patch") == 0
    settings = Store.read(Path("kit")).settings
    assert (settings["f0"]["source"], settings["f0"]["hz"]) == ("constant", 440.0)
    assert settings["optimizer"]["budget_s"] == 120 and settings["files"] == "patch"


def test_failures_are_listed_and_counted_in_the_exit_code(samples, capsys):
    for number in range(12):
        (samples / f"x{number:02}.wav").write_bytes(b"")
    (samples / "notes.txt").write_text("x")
    assert run("samples", "-o", "kit") == 112
    said = capsys.readouterr()
    assert "note: 1 file is no sound (.txt), left out\n18 sounds\n" in said.err
    lines = said.out.splitlines()
    assert lines[0] == "failed:" and lines[1].startswith("  x00: ") and "empty file (0 bytes)" in lines[1]
    assert len(lines) == 16 and lines[12] == "fitted 6 of 18 sounds, 12 failed: kit"
    assert lines[11].startswith("  and 2 more: sqlite3 kit/index.sqlite ")
    query = lines[11].partition('"')[2].rstrip('"')
    import sqlite3

    base = sqlite3.connect("kit/index.sqlite")
    assert len(base.execute(query).fetchall()) == 12
    base.close()
    for number in range(120):
        (samples / f"y{number:03}.wav").write_bytes(b"")
    assert run("-q", "samples", "-o", "kit") == 200
    said = capsys.readouterr()
    assert said.err == "" and said.out.startswith("note: 1 file is no sound")


def test_the_help_says_the_exit_codes(capsys):
    with pytest.raises(SystemExit):
        cli.main(["fit", "--help"])
    text = capsys.readouterr().out
    assert "101 to 200 so many failed" in text and "ddsp-match fit samples/ -o outputs/my-kit" in text


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["empty"], "empty: found no files"),
        (["others"], "others: found 1 file, none of them a sound (.txt)"),
        (["samples/voice.wav", "samples/vioce.wav"], "of which samples/vioce.wav does not exist"),
        (["samples", "samples/voice.wav"], "samples beside other words"),
        (["samples", "seed=1,2"], "--multirun"),
        (["samples", "synth.n_harmonic=3"], "synth.n_harmonics"),
        (["samples", "-o", "others"], "others: found files that no run over many sounds has written"),
        (["samples", "-o", "others", "--force"], "others: found files that no run"),
        (["samples", "-o", "samples"], "samples: found files that no run"),
        (["none.csv"], "none.csv"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(samples, capsys, argv, message):
    Path("empty").mkdir()
    Path("others").mkdir()
    Path("others/a.txt").write_text("x")
    before = sorted(str(path) for path in Path().rglob("*"))
    assert run(*argv) == 2
    said = capsys.readouterr()
    assert message in said.err and "Traceback" not in said.err and said.out == ""
    assert sorted(str(path) for path in Path().rglob("*")) == before


def test_other_settings_are_refused_and_force_starts_over(samples, capsys):
    assert run("-q", "samples") == 0
    assert run("-q", "samples", "seed=1") == 2
    assert "outputs/samples: found a run with other settings (seed)" in capsys.readouterr().err
    assert run("-q", "samples", "seed=1", "--force") == 0
    assert capsys.readouterr().out.startswith("fitted 6 of 6 sounds: outputs/samples\n")


def test_a_single_fit_does_not_write_into_a_run_over_many(samples, capsys):
    assert run("-q", "samples", "-o", "kit") == 0
    assert run("-q", "samples/voice.wav", "-o", "kit") == 2
    assert "kit: found a folder with files in it" in capsys.readouterr().err


# Ctrl-C


def test_the_first_ctrl_c_begins_no_new_sound_and_keeps_what_is_done(samples, capsys, monkeypatch):
    def interrupted(job):
        if job.items[0].name == "drums/tone-1":
            signal.raise_signal(signal.SIGINT)
        return fake_fit(job)

    monkeypatch.setattr(task, "_fit_batch", interrupted)
    before = signal.getsignal(signal.SIGINT)
    assert run("samples", "-o", "kit") == 130
    said = capsys.readouterr()
    assert "no new sounds are begun" in said.err
    kept = len(done("kit"))
    assert 0 < kept < 6 and f"stopped with {6 - kept} sound" in said.out
    assert said.out.endswith(f"fitted {kept} of 6 sounds: kit\n")
    assert signal.getsignal(signal.SIGINT) is before
    monkeypatch.setattr(task, "_fit_batch", fake_fit)
    assert run("samples", "-o", "kit") == 0 and len(done("kit")) == 6


def test_the_second_ctrl_c_quits_at_once_and_says_what_holds(samples, capsys, monkeypatch):
    def twice(job):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(task, "_fit_batch", twice)
    assert run("samples", "-o", "kit") == 130
    said = capsys.readouterr()
    assert "what was finished is kept" in said.err and said.out == ""
    monkeypatch.setattr(task, "_fit_batch", fake_fit)
    assert run("-q", "samples", "-o", "kit") == 0


def test_ctrl_c_in_a_terminal_with_worker_processes(samples, tmp_path):
    """The whole process group gets the signal, as from a terminal."""
    code = (
        "import sys, time\nfrom ddsp_match import cli\nfrom ddsp_match.tasks import fit_many\n"
        "from tests.cli.test_many import slow_fit\nfit_many._fit_batch = slow_fit\nsys.exit(cli.main(sys.argv[1:]))"
    )
    words = ["fit", str(tmp_path / "samples"), "-o", str(tmp_path / "kit"), "batch_size=1", "engine.workers=2"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler), start_new_session=True,
    )  # fmt: skip
    wait_for(lambda: list(tmp_path.glob("kit/sounds/**/entry.json")))
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=HANG_S)
    assert process.returncode == 130, err
    assert "Traceback" not in err and "no new sounds are begun" in err
    kept = len(done(tmp_path / "kit"))
    assert 0 < kept < 6 and f"fitted {kept} of 6 sounds: {tmp_path / 'kit'}" in out


def slow_fit(job):
    """The first one at once; the others end when they are asked to."""
    if job.items[0].name != "bass":
        wait_for(asked_to_stop)
    return fake_fit(job)


# Progress


def test_a_log_file_gets_a_line_now_and_then(capsys, monkeypatch):
    clock = iter([0.0, 0.0, 5.0, 11.0, 12.0, 21.5])
    monkeypatch.setattr(many_progress.time, "monotonic", lambda: next(clock))
    progress = ManyProgress()
    progress.on_begin(Counts(40, skipped=10), [])
    for number in range(1, 5):
        progress.on_progress(Counts(40, skipped=10, done=number, failed=number // 3))
    assert capsys.readouterr().err.splitlines() == [
        "40 sounds, 10 already done",
        "12/40, 10.9 sounds/min, 3 min left",
        "15/40, 1 failed, 14 sounds/min, 2 min left",
    ]


def test_a_terminal_gets_one_bar(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    with ManyProgress() as progress:
        progress.on_begin(Counts(3, skipped=1), ["one left out"])
        progress.on_progress(Counts(3, skipped=1, done=1))
        progress.on_progress(Counts(3, skipped=1, done=1, failed=1))
    shown = sys.stderr.getvalue()
    assert shown.startswith("note: one left out\n3 sounds, 1 already done\n")
    assert "fit:  33%" in shown and "3/3" in shown and "1 failed" in shown and "sounds/min, 0 s left" in shown


@pytest.mark.parametrize(("seconds", "text"), [(3.2, "3 s"), (89, "89 s"), (200, "3 min"), (9000, "2.5 h")])
def test_times_are_said_in_short(seconds, text):
    assert duration(seconds) == text
