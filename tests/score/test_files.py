"""The files of a card: read again as written, and never half."""

from __future__ import annotations

import csv
import json

import pytest

from ddsp_match.core.errors import OutputError
from ddsp_match.score.card import Comparison, Pair, Row
from ddsp_match.score.files import read_card, write_card, write_comparison
from ddsp_match.score.paired import differences
from tests.score.rows import card, row


def some_card():
    first = row("strings/é", "strings", mrstft=0.125, mos=4.5)
    first.hints, first.floor, first.ceilings = ["quiet (-60 dB)"], {"mrstft": 0.1}, {"silence": {"mrstft": 5.0}}
    return card(first, row("b", "reed", mrstft=0.25), Row("c", "reed", "failed", "no such file, sadly"))


def test_a_card_is_read_as_it_was_written(tmp_path):
    made = some_card()
    write_card(tmp_path, made)
    assert read_card(tmp_path / "scores.json") == made
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scores.csv", "scores.json"]


def test_the_table_has_a_row_a_sound_and_units(tmp_path):
    write_card(tmp_path, some_card())
    with (tmp_path / "scores.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(r["name"], r["mrstft"], r["mos [1 to 5]"]) for r in rows] == [
        ("strings/é", "0.125", "4.5"), ("b", "0.25", ""), ("c", "", "")
    ]  # fmt: skip
    assert rows[0]["hints"] == "quiet (-60 dB)" and rows[2]["reason"] == "no such file, sadly"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "x"}', '{"format": "ddsp-match scores", "version": 99}'])
def test_what_cannot_be_read_is_as_nothing(tmp_path, text):
    (tmp_path / "scores.json").write_text(text)
    assert read_card(tmp_path / "scores.json") is None and read_card(tmp_path / "none.json") is None


def test_a_nan_is_refused_and_leaves_what_was_there(tmp_path):
    write_card(tmp_path, some_card())
    before = (tmp_path / "scores.json").read_bytes()
    bad = some_card()
    bad.rows[0].metrics["mrstft"] = float("nan")
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_card(tmp_path, bad)
    assert (tmp_path / "scores.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_place_that_is_a_file_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="needed: a place"):
        write_card(tmp_path / "file", some_card())


def test_a_comparison_as_files(tmp_path):
    a, b = some_card(), some_card()
    b.rows[0].metrics["mrstft"] = 0.1
    pairs = [Pair(one.name, one, two) for one, two in zip(a.scored, b.scored, strict=True)]
    found = Comparison(a, b, "a", "b", a.metrics, pairs, differences(pairs, a.metrics), improved=pairs[:1])
    write_comparison(tmp_path, found)
    known = json.loads((tmp_path / "compare.json").read_text(encoding="utf-8"))
    assert known["differences"][0]["key"] == "mrstft" and known["improved"] == ["strings/é"]
    with (tmp_path / "compare.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[0]["B-A mrstft"]) == pytest.approx(-0.025) and rows[1]["A mos [1 to 5]"] == ""
