"""``score`` and ``compare`` as commands: what they print, where they write, how they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from ddsp_match import cli
from ddsp_match.cli.score_words import interval, number, table
from ddsp_match.score.definitions import BY_KEY, METRICS
from ddsp_match.tasks.render import render
from tests.tasks.runs import make_run, noisy, some_patch
from tests.waiting import HANG_S

FAST = ["--no-mos", "--tracker", "none", "--workers", "1"]


@pytest.fixture
def kit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    good, bad = some_patch(330.0, noise=0.0), some_patch(220.0)
    sounds = {"good": (good, noisy(render(good), 1e-6)), "bad": (bad, noisy(render(bad), 0.1))}
    return make_run(tmp_path / "kit", sounds, failed={"torn": "found no sound"}, families={"good": "a", "bad": "b"})


def test_the_card_is_printed_and_written(kit, capsys):
    assert cli.main(["score", "kit", *FAST]) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0] == "2 sounds: 1 excellent, 1 poor. 1 without a score. Listen to the worst first: bad (poor)."
    assert any("files=report" in line for line in lines)
    head = next(line for line in lines if "floor" in line)
    assert head.split()[-4:] == ["floor", "silence", "white", "noise"]
    assert any(line.startswith("mrstft (less is better)") for line in lines)
    worst = lines.index(next(line for line in lines if line.startswith("worst by mrstft")))
    assert lines[worst + 1].startswith("bad") and "explained by neither part" in lines[worst + 1]
    assert lines[worst + 2].startswith("good")
    assert "  torn: found no sound" in lines and lines[-1] == "page:    kit/scores.html"
    assert "score: 2/2 sounds" in said.err


def test_quiet_and_worst_and_sort_do_as_they_say(kit, capsys):
    assert cli.main(["score", "kit", *FAST, "-q", "--worst", "1", "--sort", "snr_db", "-o", "out"]) == 0
    said = capsys.readouterr()
    assert said.err == "" and "worst by SNR" in said.out and "\ngood " not in said.out
    assert (kit.parent / "out/scores.csv").is_file() and not (kit / "scores.csv").exists()


def test_sounds_that_cannot_be_scored_are_counted(kit, capsys):
    (kit.parent / "samples/good.wav").unlink()
    assert cli.main(["score", "kit", *FAST]) == 101
    said = capsys.readouterr()
    assert "1 of 3 sounds could not be scored" in said.err and "no such file" in said.out


def test_two_runs_are_compared(kit, capsys):
    better = some_patch(220.0), some_patch(330.0)
    make_run(kit.parent / "new", {"bad": (better[0], render(better[0])), "good": (better[1], render(better[1]))})
    assert cli.main(["compare", "kit", "new", *FAST]) == 0
    said = capsys.readouterr().out
    assert said.startswith("A: kit\nB: new\n2 sounds in both\n") and "B is" in said
    assert (kit.parent / "outputs/compare-kit-new/compare.html").is_file()
    assert "page:    outputs/compare-kit-new/compare.html" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["score", "nowhere"], "no such folder"),
        (["score", "kit", "--sort", "beauty"], "needed: a metric: mrstft"),
        (["compare", "kit", "kit"], "the same run twice"),
        (["compare", "kit", "nowhere", "--no-mos", "--tracker", "none"], "nowhere: found no such folder"),
    ],
)
def test_a_slip_is_a_line_and_exit_code_2(kit, capsys, words, said):
    assert cli.main(words) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--mos-pads", "9"], ["--worst", "-1"], ["--limit", "0"], ["--tracker", "ear"]])
def test_values_are_checked_by_the_parser(kit, words, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["score", "kit", *words])
    assert ended.value.code == 2 and f"error: argument {words[0]}: " in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["score", "compare"])
def test_the_help_names_every_metric_and_teaches_by_example(verb, capsys):
    with pytest.raises(SystemExit):
        cli.main([verb, "--help"])
    said = capsys.readouterr().out
    assert all(metric.key in said for metric in METRICS) and f"ddsp-match {verb} outputs/" in said


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_scored(tmp_path):
    patch = some_patch()
    kit = make_run(tmp_path / "kit", {f"s{k:03}": (patch, noisy(render(patch), seed=k)) for k in range(100)})
    process = subprocess.Popen(
        [sys.executable, "-m", "ddsp_match", "score", str(kit), *FAST],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert process.stderr is not None
    while "score: 0/100" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=HANG_S)
    assert process.returncode == 130, err
    assert "of 100 sounds are not scored yet" in out and "Traceback" not in err
    assert (kit / "scores.json").is_file() and (kit / "scores.html").is_file()


def test_figures_have_the_digits_they_are_worth():
    assert number(BY_KEY["mrstft"], 0.12345) == "0.123" and number(BY_KEY["mrstft"], None) == "-"
    assert number(BY_KEY["mel_db"], 0.0012) == "0.001" and number(BY_KEY["mel_db"], 0.0) == "0.00"
    assert number(BY_KEY["octave_errors"], 0.125) == "12.5" and number(BY_KEY["snr_db"], 3.0, sign=True) == "+3.0"
    assert interval(BY_KEY["mrstft"], None, None) == "-" and interval(BY_KEY["mos"], 4.0, 4.5) == "4.00 to 4.50"


def test_a_table_is_in_columns():
    assert table([["a", "long"], ["name", "1"]]) == ["a     long", "name     1"]
