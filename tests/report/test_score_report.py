"""What `score` and `compare` found, as their pages take it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ddsp_match.report.score_report import compare_data, score_data, write_compare_page, write_score_page
from ddsp_match.report.table_data import Sound
from ddsp_match.score.card import Card, Comparison, Difference, Group, Metric, Pair, Row, Summary

METRICS = [
    Metric("mrstft", "mrstft", "", "lower", "How far apart.", "here", 3),
    Metric("harmonic_share", "harmonic", "share", "neither", "Share.", "here", 3),
]


def row(name: str, family: str, loss: float, **changes) -> Row:
    """A scored row."""
    given = {
        "target": f"/data/{name}.wav",
        "match": f"/run/sounds/{name}/match.wav",
        "metrics": {"mrstft": loss, "harmonic_share": 0.5},
        "floor": {"mrstft": loss / 2},
        "facts": {"level_db": -20.0, "f0_median_hz": 220.04, "headline": "Good match."},
    }
    return Row(name, family, **{**given, **changes})


def group(name: str, mean: float, n: int = 2) -> Group:
    """Figures of one metric."""
    summary = Summary(n, mean, None if n == 1 else mean - 0.1, None if n == 1 else mean + 0.1, mean, mean + 0.2, "b")
    return Group(name, n, 1, {"mrstft": summary})


def card() -> Card:
    """Three sounds of two families, one of them failed."""
    rows = [row("a", "x", 0.2), row("b", "x", 0.4), row("c", "y", 0.6)]
    rows.append(Row("d", "y", "failed", "not a sound", target="/data/d.txt"))
    return Card(
        "kit",
        "/run",
        METRICS,
        rows,
        group("all", 0.4, 3),
        [group("x", 0.3), group("y", 0.6, 1)],
        floor=group("all", 0.15),
        ceilings={"silence": group("all", 14.0), "white noise": group("all", 8.0)},
        sort="mrstft",
        notes=["a note"],
    )


def comparison() -> Comparison:
    """The card against a better one."""
    a = card()
    pairs = [Pair(one.name, one, replace(one, metrics={"mrstft": one.metrics["mrstft"] / 2})) for one in a.scored]
    found = Difference("mrstft", 3, 0.4, 0.2, -0.2, -0.3, -0.1, 1.0, 0.0, 0.01, 0.03, "better")
    return Comparison(a, a, "old", "new", METRICS[:1], pairs, [found], only_a={"d": "failed there"})


def test_a_card_keeps_its_figures() -> None:
    """Floors and ceilings stand at their metric; failures keep their reason; a family has a floor of its own."""
    data = score_data(card())
    first, second = data.columns
    assert (first.floor, first.white_noise, first.silence, first.digits) == (0.15, 8.0, 14.0, 3)
    assert (second.floor, second.white_noise, second.silence) == (None, None, None)
    assert [one.name for one in data.rows] == ["a", "b", "c"]
    assert [(one.name, one.reason) for one in data.failures] == [("d", "not a sound")]
    assert data.families[0].floors == pytest.approx({"mrstft": 0.15})
    assert data.families[1].means["mrstft"].low is None
    assert data.rows[0].facts == {
        "Verdict": "Good match: small differences in the spectrum.", "Pitch": "220.0 Hz"
    }  # fmt: skip
    assert [one.level for one in data.rows] == ["good", "fair", "fair"]
    assert data.headline == (
        "3 sounds: 1 good, 2 fair. 1 without a score. Listen to the worst first: c (fair), b (fair), a (good)."
    )
    assert any("files=report" in note for note in data.notes)
    assert "Interrupted" in score_data(replace(card(), complete=False)).headline


def test_levels_are_used_where_both_are_known() -> None:
    """One level alone says nothing about how to play the other."""
    assert score_data(card()).rows[0].target == Sound("/data/a.wav")
    known = row("a", "x", 0.2, facts={"level_db": -20.0, "match_level_db": -23.0})
    data = score_data(replace(card(), rows=[known])).rows[0]
    assert data.target == Sound("/data/a.wav", -20.0)
    assert data.match == Sound("/run/sounds/a/match.wav", -23.0)


def test_a_comparison_keeps_its_pairs() -> None:
    """A and B are not exchanged; the corrected probability is told."""
    data = compare_data(comparison(), "ddsp-match compare old new")
    assert (data.name_a, data.name_b) == ("old", "new")
    (change,) = data.changes
    assert (change.a, change.b, change.p, change.verdict) == (0.4, 0.2, 0.03, "better")
    assert (change.better_share, change.worse_share) == (1.0, 0.0)
    assert (change.difference.mean, change.difference.low, change.difference.high) == (-0.2, -0.3, -0.1)
    assert (data.pairs[0].a["mrstft"], data.pairs[0].b["mrstft"]) == (0.2, 0.1)


def test_both_pages_are_written(tmp_path: Path) -> None:
    """They name the run, the failed sound and its reason."""
    text = write_score_page(tmp_path / "scores.html", card()).read_text(encoding="utf-8")
    assert "not a sound" in text
    assert "3 matches scored, 1 sound without a score, 2 families." in text
    text = write_compare_page(tmp_path / "compare.html", comparison(), "ddsp-match compare").read_text(encoding="utf-8")
    assert "failed there" in text
    assert "Only in old" in text
