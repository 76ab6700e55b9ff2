"""Rows of a score card, by a few figures."""

from __future__ import annotations

from ddsp_match.score.card import OVERALL, Card, Group, Row
from ddsp_match.score.definitions import METRICS
from ddsp_match.score.summary import summarise


def row(name: str, family: str = "", **metrics: float) -> Row:
    return Row(name, family, metrics=metrics, facts={"duration_s": 1.0, "level_db": -20.0})


def card(*rows: Row, name: str = "kit", sort: str = "mrstft") -> Card:
    empty = Card(name, f"/runs/{name}", list(METRICS), list(rows), Group(OVERALL, 0, 0), sort=sort)
    return summarise(empty)
