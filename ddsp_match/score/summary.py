"""From rows to groups: means with confidence intervals, medians and worst cases, per family and over all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ddsp_match.score.bootstrap import intervals_where_known
from ddsp_match.score.card import OVERALL, REFIT, Card, Group, Metric, Row, Summary
from ddsp_match.score.definitions import badness

UNSEEN_NOISE = "Matches are played with a noise seed that their fits have not seen. "
FLOOR_OF_NOISE = (
    f"{UNSEEN_NOISE}Floor: the score of the match replayed with the next noise seed against itself. Smaller "
    "differences between two matches mean nothing."
)
FLOOR_OF_FITS = (
    f"{UNSEEN_NOISE}Floor: the score of one whole fit against another with different seeds. Smaller differences "
    "between two matches mean nothing."
)


def summaries(
    figures: Mapping[str, Mapping[str, float]], keys: Iterable[str], *, intervals: bool = True
) -> dict[str, Summary]:
    """Each metric over the sounds that have it.

    Args:
        figures: Figures by metric, by sound.
        keys: The metrics wanted; one that no sound has is left out.
        intervals: Whether to find confidence intervals.
    """
    wanted, names = list(keys), np.array(list(figures), dtype=object)
    table = np.array([[own.get(key, np.nan) for key in wanted] for own in figures.values()], dtype=np.float64)
    table = table.reshape(len(names), len(wanted))
    ends = intervals_where_known(table) if intervals else [None] * len(wanted)
    by_key = {}
    for column, key in enumerate(wanted):
        here = np.isfinite(table[:, column])
        if here.any():
            own = table[here, column]
            worst = int(np.argmax(own * badness(key, 1.0)))
            low, high = ends[column] or (None, None)
            by_key[key] = Summary(
                len(own), float(own.mean()), low, high, float(np.median(own)), float(own[worst]), names[here][worst]
            )
    return by_key


def group(name: str, rows: Sequence[Row], metrics: Sequence[Metric]) -> Group:
    """The figures of a group of sounds."""
    scored = [row for row in rows if row.status == "scored"]
    figures = summaries({row.name: row.metrics for row in scored}, [metric.key for metric in metrics])
    return Group(name, len(scored), len(rows) - len(scored), figures)


def families(rows: Sequence[Row], metrics: Sequence[Metric]) -> list[Group]:
    """One group a family, in alphabetical order; none where there are not two."""
    members: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        members[row.family].append(row)
    return [group(name, members[name], metrics) for name in sorted(members)] if len(members) > 1 else []


def summarise(card: Card) -> Card:
    """Fills in the groups, the floor and the ceilings of a card from its rows, and leaves out metrics nobody has."""
    rows = card.scored
    have = {key for row in rows for key in row.metrics}
    card.metrics = [metric for metric in card.metrics if metric.key in have]
    keys = [metric.key for metric in card.metrics]
    card.overall = group(OVERALL, card.rows, card.metrics)
    card.families = families(card.rows, card.metrics)
    refitted = [row for row in rows if row.facts.get("second_take") == REFIT and row.floor]
    card.floor = _means("floor", {row.name: row.floor for row in refitted or rows if row.floor}, keys)
    card.floor_meaning = (FLOOR_OF_FITS if refitted else FLOOR_OF_NOISE) if card.floor else ""
    names = list(dict.fromkeys(name for row in rows for name in row.ceilings))
    groups = {name: {row.name: row.ceilings[name] for row in rows if name in row.ceilings} for name in names}
    card.ceilings = {name: means for name in names if (means := _means(name, groups[name], keys)) is not None}
    return card


def worst_rows(card: Card, key: str, count: int) -> list[Row]:
    """The sounds that are worst by a metric, the worst first; those that lack it are not among them."""
    rows = [row for row in card.scored if key in row.metrics]
    return sorted(rows, key=lambda row: (-badness(key, row.metrics[key]), row.name))[:count]


def _means(name: str, figures: Mapping[str, Mapping[str, float]], keys: Sequence[str]) -> Group | None:
    return Group(name, len(figures), 0, summaries(figures, keys, intervals=False)) if figures else None
