"""Two runs on the same sounds, compared sound by sound."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ddsp_match.core.errors import OutputError
from ddsp_match.score.comparison_words import headline, rule
from ddsp_match.tasks.compare import compare, compared, labels
from ddsp_match.tasks.render import render
from ddsp_match.tasks.score import score
from tests.tasks.runs import make_run, noisy, some_patch

FAST = {"mos_pads": 0, "tracker": "none", "workers": 1}
NAMES = [f"s{k}" for k in range(12)]


@pytest.fixture
def runs(tmp_path):
    """The same twelve sounds, played off level in the run before and rightly in the run after."""
    right = {name: some_patch(220.0 + 20 * k, seed=k) for k, name in enumerate(NAMES)}
    off = {name: some_patch(220.0 + 20 * k, level=0.15, seed=k) for k, name in enumerate(NAMES)}
    targets = {name: noisy(render(right[name]), 0.002, seed=k) for k, name in enumerate(NAMES)}
    a = make_run(tmp_path / "before", {name: (off[name], targets[name]) for name in NAMES}, optimizer__steps=50)
    b = make_run(tmp_path / "after", {name: (right[name], targets[name]) for name in NAMES}, optimizer__steps=60)
    return a, b


def test_what_got_better_is_called_better(runs, tmp_path):
    found = compare(*runs, out=tmp_path / "ab", **FAST)
    assert (found.label_a, found.label_b, len(found.pairs)) == ("before", "after", 12)
    by_key = {one.key: one for one in found.differences}
    for key in ("mrstft", "mel_db", "loudness_l1_db", "snr_db"):
        assert by_key[key].verdict == "better" and by_key[key].better_share == 1, key
    assert by_key["snr_db"].mean > 0 > by_key["mrstft"].mean and by_key["mrstft"].p == pytest.approx(2 / 2**12)
    assert by_key["seconds"].verdict == "no clear difference"
    assert len(found.improved) == 10 and found.regressed == []
    assert headline(found) == (
        "after is better in mrstft, mel, net mel, steady mel, LSD, loudness, SNR, unexplained, worse in MFCC; "
        "no clear difference in the other 5."
    )
    assert found.settings_changed == {"optimizer.steps": (50, 60)}
    files = ["compare.csv", "compare.html", "compare.json"]
    assert sorted(path.name for path in (tmp_path / "ab").iterdir()) == ["a", "b", *files]
    known = json.loads((tmp_path / "ab/compare.json").read_text())
    assert known["label_b"] == "after" and len(known["pairs"]) == 12


def test_a_handful_of_sounds_is_never_called_better(runs):
    few = replace(score(runs[1], **FAST), rows=score(runs[1], **FAST).rows[:6])
    found = compared(score(runs[0], **FAST), few, "before", "after")
    assert {one.key: one.better_share for one in found.differences}["mrstft"] == 1
    assert {one.verdict for one in found.differences} == {"no clear difference"}
    assert headline(found).startswith("No clear difference between before and after")
    assert "With 6 sounds p cannot become that small; it takes 9 or more." in rule(found.differences, 6)


def test_the_other_way_round_it_is_worse(runs):
    found = compare(*reversed(runs), **FAST)
    assert {one.key: one.verdict for one in found.differences}["mrstft"] == "worse" and found.improved == []


def test_scores_that_are_fresh_are_taken_with_the_way_they_were_made(runs):
    for run in runs:
        score(run, **FAST)
    done = []
    found = compare(*runs, workers=1, on_progress=lambda *counts: done.append(counts))
    assert len(found.pairs) == 12 and done == []


def test_what_is_in_one_of_them_alone_is_said(tmp_path):
    patch = some_patch()
    a = make_run(tmp_path / "a", {name: (patch, render(patch)) for name in ("x", "y", "z")})
    b = make_run(tmp_path / "b", {name: (patch, render(patch)) for name in ("x", "w")}, failed={"y": "too long"})
    found = compare(a, b, **FAST)
    assert [pair.name for pair in found.pairs] == ["x"]
    assert found.only_a == {"y": "failed in b: too long", "z": "not in b"} and found.only_b == {"w": "not in a"}
    assert {one.verdict for one in found.differences} == {"no clear difference"}


def test_another_sound_of_the_same_name_is_left_out(tmp_path):
    patch, loud = some_patch(), some_patch(level=0.5)
    a = make_run(tmp_path / "1/kit", {"x": (patch, render(patch)), "y": (patch, render(patch))})
    b = make_run(tmp_path / "2/kit", {"x": (patch, render(patch)), "y": (loud, render(loud))})
    found = compare(a, b, **FAST)
    assert [pair.name for pair in found.pairs] == ["x"] and (found.label_a, found.label_b) == ("1/kit", "2/kit")
    assert any("not the same sound" in note for note in found.notes)


def test_nothing_in_common_or_one_run_twice_is_an_error(tmp_path):
    patch = some_patch()
    a = make_run(tmp_path / "a", {"x": (patch, render(patch))})
    b = make_run(tmp_path / "b", {"w": (patch, render(patch))})
    with pytest.raises(OutputError, match="both have scores of"):
        compare(a, b, **FAST)
    with pytest.raises(OutputError, match="the same run twice"):
        compare(a, tmp_path / "b/../a", **FAST)


def test_neither_run_is_written_to(runs, tmp_path):
    score(runs[0], mos_pads=0, tracker="tiny", workers=1)
    before = {path: path.read_bytes() for run in runs for path in run.rglob("*") if path.is_file()}
    found = compare(*runs, out=tmp_path / "ab", **FAST)
    assert before == {path: path.read_bytes() for run in runs for path in run.rglob("*") if path.is_file()}
    assert len(found.pairs) == 12 and "f0_l1_cents" in found.a.rows[0].metrics
    assert "f0_l1_cents" not in {metric.key for metric in found.metrics}  # one of both alone has it
    assert (tmp_path / "ab/b/scores.json").is_file()


def test_what_two_places_know_of_a_run_is_put_together(runs, tmp_path):
    compare(*runs, out=tmp_path / "ab", mos_pads=0, tracker="tiny", workers=1)
    score(runs[0], mos_pads=0, tracker="none", workers=1, refit=2)  # another floor, and no f0
    found = compare(*runs, out=tmp_path / "ab", **FAST)
    assert "f0_l1_cents" in {metric.key for metric in found.metrics}
    takes = [row.facts["second_take"] for row in found.a.rows]
    assert takes.count("fit") == 2 and all("f0_l1_cents" in row.metrics for row in found.a.rows)


def test_what_a_comparison_scored_is_not_scored_again(runs, tmp_path):
    found = compare(*runs, out=tmp_path / "ab", **FAST)
    counts = []
    again = compare(*runs, out=tmp_path / "ab", **FAST, on_progress=lambda *told: counts.append(told))
    assert counts == [] and again.a.rows == found.a.rows and again.b.rows == found.b.rows


def test_both_runs_are_looked_at_before_one_is_scored(runs):
    done = []
    with pytest.raises(OutputError, match="no such folder"):
        compare(
            runs[0],
            runs[0].parent / "nowhere",
            out=runs[0].parent / "ab",
            on_progress=lambda *counts: done.append(counts),
            **FAST,
        )
    assert done == []
    assert not (runs[0].parent / "nowhere").exists() and not (runs[0].parent / "ab").exists()


def test_labels_are_as_short_as_they_can_be(tmp_path):
    assert labels(tmp_path / "x/kit", tmp_path / "y/kit") == ("x/kit", "y/kit")
    assert labels(tmp_path / "a", tmp_path / "b") == ("a", "b")
