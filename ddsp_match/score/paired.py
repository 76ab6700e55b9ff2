"""The same sounds in two runs: paired differences, and whether they are more than chance."""

from __future__ import annotations

import dataclasses
import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from scipy import stats

from ddsp_match.score.bootstrap import intervals_where_known
from ddsp_match.score.card import Difference, Metric, Outcome, Pair
from ddsp_match.score.definitions import badness

CLEAR_P = 0.05
TIE = 1e-9  # of the larger figure: less apart are two computations of the same


def differences(pairs: Sequence[Pair], metrics: Sequence[Metric]) -> list[Difference]:
    """Every metric of B less that of A, over the pairs that have it in both."""
    figures = [
        [[pair.a.metrics.get(metric.key, np.nan), pair.b.metrics.get(metric.key, np.nan)] for metric in metrics]
        for pair in pairs
    ]
    table = np.array(figures, dtype=np.float64).reshape(len(pairs), len(metrics), 2)
    change = table[..., 1] - table[..., 0]
    change = np.where(np.abs(change) <= TIE * np.abs(table).max(-1), 0.0, change)
    ends = intervals_where_known(change)
    results: list[Difference] = []
    metric_of = {metric.key: metric for metric in metrics}
    for column, metric in enumerate(metrics):
        here = np.isfinite(change[:, column])
        if here.any():
            results.append(_difference(metric, table[here, column], change[here, column], ends[column]))
    return [dataclasses.replace(one, verdict=_verdict(metric_of[one.key], one)) for one in _with_holm(results)]


def sounds_needed(n_metrics: int) -> int:
    """How many sounds it takes for a difference in one of so many metrics to become clear.

    The smallest p of a signed-rank test over n pairs is ``2 ** (1 - n)``; Holm multiplies it by the number of metrics.
    """
    return math.floor(math.log2(n_metrics / CLEAR_P)) + 2


def by_family(pairs: Sequence[Pair], metrics: Sequence[Metric]) -> dict[str, list[Difference]]:
    """The same a family, in alphabetical order; none where there are not two."""
    members: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        members[pair.a.family].append(pair)
    return {name: differences(members[name], metrics) for name in sorted(members)} if len(members) > 1 else {}


def extremes(pairs: Sequence[Pair], key: str, count: int) -> tuple[list[Pair], list[Pair]]:
    """The pairs that became better by a metric, and those that became worse, the largest change first."""
    changes = [(_worsening(pair, key), pair) for pair in pairs if pair.change(key) is not None]
    changes.sort(key=lambda change: (change[0], change[1].name))
    improved = [pair for change, pair in changes if change < 0]
    regressed = [pair for change, pair in sorted(changes, key=lambda c: (-c[0], c[1].name)) if change > 0]
    return improved[:count], regressed[:count]


def _worsening(pair: Pair, key: str) -> float:
    a, b = pair.a.metrics[key], pair.b.metrics[key]
    return 0.0 if abs(b - a) <= TIE * max(abs(a), abs(b)) else badness(key, b) - badness(key, a)


def _difference(
    metric: Metric, figures: np.ndarray, change: np.ndarray, ends: tuple[float, float] | None
) -> Difference:
    """One metric; `figures` is ``(pairs, 2)``: A, B."""
    low, high = ends or (None, None)
    good = -1 if metric.better == "lower" else 1
    p = float(np.asarray(stats.wilcoxon(change))[1]) if len(change) > 1 and change.any() else None
    return Difference(
        key=metric.key,
        n=len(change),
        mean_a=float(figures[:, 0].mean()),
        mean_b=float(figures[:, 1].mean()),
        mean=float(change.mean()),
        low=low,
        high=high,
        better_share=float(np.mean(good * change > 0)),
        worse_share=float(np.mean(good * change < 0)),
        p=p,
        p_holm=None,
        verdict="no clear difference",
    )


def _verdict(metric: Metric, one: Difference) -> Outcome:
    """Of one metric, once its p is corrected; the interval and the test have to agree."""
    if one.low is None or one.high is None or one.low <= 0 <= one.high:
        return "no clear difference"
    if one.p_holm is None or one.p_holm >= CLEAR_P:
        return "no clear difference"
    if metric.better == "neither":
        return "higher" if one.low > 0 else "lower"
    return "better" if (one.low > 0) == (metric.better == "higher") else "worse"


def _with_holm(results: list[Difference]) -> list[Difference]:
    """The same with p-values by Holm 1979: the chance that any of so many comparisons is a false alarm."""
    tested = sorted((d.p, place) for place, d in enumerate(results) if d.p is not None)
    corrected: dict[int, float] = {}
    largest = 0.0
    for rank, (p, place) in enumerate(tested):
        largest = max(largest, min(1.0, p * (len(tested) - rank)))
        corrected[place] = largest
    return [dataclasses.replace(one, p_holm=corrected.get(place)) for place, one in enumerate(results)]
