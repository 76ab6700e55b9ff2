"""The figures of a report with their meaning, and settings as one types them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ddsp_match.fitting.verdict import grade
from ddsp_match.score.card import Metric
from ddsp_match.score.definitions import BY_KEY

_BETTER = {"lower": " Lower is better.", "higher": " Higher is better.", "neither": ""}


def value_words(name: str, value: float) -> str:
    """A figure with its unit."""
    unit = BY_KEY[name].unit if name in BY_KEY and name != "mos" else ""
    if not math.isfinite(value):
        return "not finite"
    if unit == "share":
        return f"{100 * value:.1f} %"
    return f"{value:.2f} {unit}".rstrip() if abs(value) < 100 else f"{value:.0f} {unit}".rstrip()


@dataclass(frozen=True)
class Figure:
    """A row of the table: a metric, its value with its unit, and its grade (empty: it has none)."""

    name: str
    label: str
    value: str
    grade: str
    meaning: str


def figures(metrics: Mapping[str, float]) -> list[Figure]:
    """Return the known metrics in their order, then whatever else there is."""
    names = [*(name for name in BY_KEY if name in metrics), *(name for name in metrics if name not in BY_KEY)]
    rows = []
    for name in names:
        metric = BY_KEY.get(name, Metric(name, name, "", "neither", "", ""))
        grade_of = grade(name, metrics[name]) or ""
        words = metric.meaning + _BETTER[metric.better]
        rows.append(Figure(name, metric.label, value_words(name, metrics[name]), grade_of, words))
    return rows


def flat(settings: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested settings under the dotted names by which they are overridden, as one would type them."""
    rows: list[tuple[str, str]] = []
    for key, value in settings.items():
        name = f"{prefix}{key}"
        rows += flat(value, f"{name}.") if isinstance(value, Mapping) else [(name, _setting_words(value))]
    return rows


def _setting_words(value: object) -> str:
    """A setting as one would type it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_setting_words(item) for item in value) + "]"
    return str(value)
