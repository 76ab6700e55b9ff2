"""Score cards and comparisons as tables for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ddsp_match.score.card import Card, Comparison, Group, Metric, Pair, Summary

SHOWN_FAMILIES = (
    "mrstft", "mel_db", "mel_steady_db", "mfcc_distance", "f0_l1_cents", "mos", "numbers_per_second", "seconds",
)  # fmt: skip
SHOWN_FAILURES = 10


def card_text(card: Card, worst: int) -> str:
    """The card: what each metric is overall, beside floor and ceilings; families; the worst, and why."""
    from ddsp_match.report.score_page import card_headline

    lines = [*textwrap.wrap(card_headline(card), 100), ""]
    if card.scored:
        lines += [*overall_table(card), ""]
        if card.families:
            lines += [*families_table(card), ""]
        if worst:
            lines += [*worst_table(card, worst), ""]
    if card.failed:
        lines += ["no scores:", *(f"  {row.name}: {row.reason}" for row in card.failed[:SHOWN_FAILURES])]
        more = len(card.failed) - SHOWN_FAILURES
        lines += ([f"  and {more} more in scores.csv"] if more > 0 else []) + [""]
    return "\n".join(lines)


def overall_table(card: Card) -> list[str]:
    """A line a metric: mean and its interval, median, worst, floor and ceilings."""
    rows = [["", "mean", "95 %", "median", "worst", "floor", *card.ceilings]]
    for metric in card.metrics:
        own = card.overall.metrics.get(metric.key)
        if own is None:
            continue
        beside = [card.floor, *card.ceilings.values()]
        figures = [number(metric, value) for value in (own.mean, own.median, own.worst)]
        others = [_mean_of(group, metric) for group in beside]
        rows.append([_title(metric), figures[0], interval(metric, own.low, own.high), *figures[1:], *others])
    return table(rows)


def families_table(card: Card) -> list[str]:
    """A line a family: how many, and the means of some metrics, half of the interval behind each."""
    metrics = [metric for metric in card.metrics if metric.key in SHOWN_FAMILIES]
    rows = [["family", "sounds", *(metric.label + _unit(metric) for metric in metrics)]]
    for group in [*card.families, card.overall]:
        cells = [_with_margin(metric, group.metrics.get(metric.key)) for metric in metrics]
        rows.append([group.name or "(none)", str(group.scored), *cells])
    return table(rows)


def worst_table(card: Card, count: int) -> list[str]:
    """The worst sounds by the card's metric, with a hint why."""
    from ddsp_match.score.definitions import BY_KEY
    from ddsp_match.score.summary import worst_rows

    metric = BY_KEY[card.sort]
    rows = worst_rows(card, card.sort, count)
    first = {"lower": "worst", "higher": "worst", "neither": "largest"}[metric.better]
    beside = {"mrstft", "mel_db", "mos", "numbers_per_second"} - {card.sort}
    others = [other for other in card.metrics if other.key in beside]
    cells = [[f"{first} by {metric.label}", *(other.label + _unit(other) for other in [metric, *others]), "why"]]
    for row in rows:
        figures = [number(one, row.metrics.get(one.key)) for one in [metric, *others]]
        cells.append([row.name, *figures, "; ".join(row.hints[:2]) or "-"])
    return table(cells, text=(0, len(cells[0]) - 1))


def comparison_text(comparison: Comparison) -> str:
    """The comparison: a line a metric, then what changed most."""
    from ddsp_match.score.comparison_words import headline, rule

    a, b = comparison.label_a, comparison.label_b
    lines = [f"A: {a}", f"B: {b}", f"{_sounds(len(comparison.pairs))} in both", "", headline(comparison), ""]
    if comparison.settings_changed:
        lines += ["settings that differ:"]
        lines += [f"  {key}: {_shown(one)} -> {_shown(two)}" for key, (one, two) in comparison.settings_changed.items()]
        lines += [""]
    rows = [["", "A", "B", "B - A", "95 %", "better", "worse", "corrected p", "B is"]]
    by_key = {metric.key: metric for metric in comparison.metrics}
    for one in comparison.differences:
        metric = by_key[one.key]
        means = [number(metric, one.mean_a), number(metric, one.mean_b), number(metric, one.mean, sign=True)]
        shares = ["", ""] if metric.better == "neither" else [_percent(one.better_share), _percent(one.worse_share)]
        ends = interval(metric, one.low, one.high, sign=True)
        rows.append([_title(metric), *means, ends, *shares, _p(one.p_holm), one.verdict])
    lines += [*table(rows, text=(0, 8)), *textwrap.wrap(rule(comparison.differences, len(comparison.pairs)), 100), ""]
    metric = by_key[comparison.sort]
    for title, pairs in (("improved most", comparison.improved), ("got worse most", comparison.regressed)):
        lines += [*_pairs(f"{title} by {metric.label}", pairs, metric), ""] if pairs else []
    for label, only in ((a, comparison.only_a), (b, comparison.only_b)):
        if only:
            lines.append(f"only in {label}: {_sounds(len(only))}")
            lines += [f"  {name}: {why}" for name, why in list(only.items())[:SHOWN_FAILURES]]
            lines += [f"  and {len(only) - SHOWN_FAILURES} more"] if len(only) > SHOWN_FAILURES else []
            lines.append("")
    return "\n".join(lines)


def table(rows: Sequence[Sequence[str]], text: Sequence[int] = (0,)) -> list[str]:
    """Cells in columns: those in `text` flush left, figures flush right."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if place in text else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def number(metric: Metric, value: float | None, *, sign: bool = False) -> str:
    """A figure with as many digits as its metric is worth, more where it is small; shares in per cent."""
    if value is None:
        return "-"
    if metric.unit == "share":
        value, digits = 100 * value, 1
    else:
        digits = metric.decimals
    tiny = 0 < abs(value) < 0.95 * 10**-digits
    form = ("+" if sign else "") + (".1g" if tiny else f".{digits}f")
    return f"{value:{form}}"


def interval(metric: Metric, low: float | None, high: float | None, *, sign: bool = False) -> str:
    """A confidence interval, or a dash."""
    if low is None or high is None:
        return "-"
    return f"{number(metric, low, sign=sign)} to {number(metric, high, sign=sign)}"


def _pairs(title: str, pairs: Sequence[Pair], metric: Metric) -> list[str]:
    rows = [[title, "A", "B", "about B"]]
    for pair in pairs:
        figures = [number(metric, row.metrics[metric.key]) for row in (pair.a, pair.b)]
        rows.append([pair.name, *figures, "; ".join(pair.b.hints[:2]) or "-"])
    return table(rows, text=(0, 3))


def _with_margin(metric: Metric, own: Summary | None) -> str:
    if own is None:
        return "-"
    if own.low is None or own.high is None:
        return number(metric, own.mean)
    return f"{number(metric, own.mean)} ±{number(metric, (own.high - own.low) / 2)}"


def _mean_of(group: Group | None, metric: Metric) -> str:
    own = group.metrics.get(metric.key) if group is not None else None
    return number(metric, own.mean if own is not None else None)


def _title(metric: Metric) -> str:
    arrow = {"lower": " (less is better)", "higher": " (more is better)", "neither": ""}[metric.better]
    return metric.label + _unit(metric) + arrow


def _unit(metric: Metric) -> str:
    if not metric.unit:
        return ""
    return f", {'%' if metric.unit == 'share' else metric.unit}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _p(value: float | None) -> str:
    if value is None:
        return "-"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _shown(value: object) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _sounds(count: int) -> str:
    return f"{count} sound{'' if count == 1 else 's'}"
