"""Means, medians, worst cases, of families and of all."""

from __future__ import annotations

import pytest

from ddsp_match.score.card import Row
from ddsp_match.score.definitions import BY_KEY, METRICS, badness, header
from ddsp_match.score.summary import FLOOR_OF_FITS, FLOOR_OF_NOISE, summarise, worst_rows
from tests.score.rows import card, row


def test_a_family_and_all_of_them():
    made = card(
        row("a", "brass", mrstft=0.1, mos=4.0),
        row("b", "brass", mrstft=0.3, mos=5.0),
        row("c", "reed", mrstft=0.8, mos=3.0),
    )
    brass, reed = made.families
    assert (brass.name, brass.scored, reed.name, reed.scored) == ("brass", 2, "reed", 1)
    own = brass.metrics["mrstft"]
    assert (own.n, own.worst, own.worst_name) == (2, 0.3, "b")
    assert own.mean == pytest.approx(0.2) and own.median == pytest.approx(0.2)
    assert brass.metrics["mos"].worst_name == "a" and made.overall.metrics["mos"].worst == 3.0
    assert reed.metrics["mrstft"].low is None and reed.metrics["mrstft"].high is None
    whole = made.overall.metrics["mrstft"]
    assert whole.n == 3 and whole.low is not None and whole.low < whole.mean < whole.high


def test_a_metric_that_some_lack_is_of_the_others():
    made = card(row("a", mrstft=0.1, f0_l1_cents=3.0), row("b", mrstft=0.3), row("c", mrstft=0.2, f0_l1_cents=5.0))
    own = made.overall.metrics["f0_l1_cents"]
    assert (own.n, own.mean) == (2, 4.0) and made.overall.metrics["mrstft"].n == 3
    assert [metric.key for metric in made.metrics] == ["mrstft", "f0_l1_cents"]
    assert made.families == []


def test_a_family_without_a_score_is_there_with_its_failures():
    failed = Row("x", "mallet", "failed", "no such file")
    made = card(row("a", "brass", mrstft=0.1), failed)
    assert [(group.name, group.scored, group.failed) for group in made.families] == [("brass", 1, 0), ("mallet", 0, 1)]
    assert made.overall.failed == 1 and made.failed == [failed]


def test_all_failed_is_a_card_with_nothing_in_it():
    made = card(Row("x", status="failed", reason="torn"))
    assert made.overall.metrics == {} and made.metrics == [] and made.floor is None and made.ceilings == {}


def test_the_worst_first_by_either_kind_of_metric():
    rows = [row("a", mrstft=0.1, mos=2.0), row("b", mrstft=0.3, mos=3.0), row("c", mos=1.0)]
    assert [r.name for r in worst_rows(card(*rows), "mrstft", 5)] == ["b", "a"]
    assert [r.name for r in worst_rows(card(*rows), "mos", 2)] == ["c", "a"]


def test_the_floor_is_that_of_second_fits_where_there_are_any():
    rows = [row("a", mrstft=0.1), row("b", mrstft=0.2), row("c", mrstft=0.2)]
    rows[0].floor, rows[1].floor = {"mrstft": 0.01}, {"mrstft": 0.03}
    rows[0].ceilings = {"silence": {"mrstft": 5.0}}
    made = card(*rows)
    assert made.floor.metrics["mrstft"].mean == pytest.approx(0.02) and made.floor_meaning == FLOOR_OF_NOISE
    assert made.ceilings["silence"].metrics["mrstft"].n == 1
    rows[1].facts["second_take"] = "fit"
    again = summarise(card(*rows))
    assert again.floor.metrics["mrstft"].mean == pytest.approx(0.03) and again.floor_meaning == FLOOR_OF_FITS


def test_every_metric_is_defined():
    assert len(BY_KEY) == len(METRICS) == 21
    for metric in METRICS:
        assert metric.meaning.endswith(".") and metric.source and metric.better in ("lower", "higher", "neither")
    assert header(BY_KEY["lsd_db"]) == "lsd_db [dB]" and header(BY_KEY["mrstft"]) == "mrstft"
    assert badness("mos", 4.0) == -4.0 and badness("mrstft", 4.0) == 4.0
