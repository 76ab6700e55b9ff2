"""Two runs beside each other: their figures, and the settings in which they differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ddsp_match.report.metrics_table import value_words
from ddsp_match.score.definitions import BY_KEY


def metrics_of_two(a: Mapping[str, float | None], b: Mapping[str, float | None]) -> list[dict[str, Any]]:
    """The figures of two runs.

    Args:
        a: Metrics of the one; None for what is not finite.
        b: Of the other.

    Returns:
        One row a metric, with ``winner``: ``"a"``, ``"b"``, or ``""`` where neither is better or both read the same.
    """
    names = [name for name in BY_KEY if name in a or name in b]
    return [_row(name, a.get(name), b.get(name)) for name in names]


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The settings, by their dotted names, that two runs do not share."""
    names = dict.fromkeys([*a, *b])
    return [{"name": name, "a": a.get(name), "b": b.get(name)} for name in names if a.get(name) != b.get(name)]


def _row(name: str, a: float | None, b: float | None) -> dict[str, Any]:
    metric = BY_KEY[name]
    winner = ""
    if metric.better != "neither" and a is not None and b is not None and value_words(name, a) != value_words(name, b):
        winner = "a" if (a > b) == (metric.better == "higher") else "b"
    return {
        "name": name,
        "label": metric.label,
        "unit": metric.unit,
        "words": metric.meaning,
        "better": metric.better,
        "a": a,
        "b": b,
        "winner": winner,
    }
