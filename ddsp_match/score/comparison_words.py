"""A comparison in sentences, for the terminal and the page alike."""

from __future__ import annotations

from collections.abc import Sequence

from ddsp_match.score.card import Comparison, Difference, Outcome
from ddsp_match.score.paired import CLEAR_P, sounds_needed


def headline(comparison: Comparison) -> str:
    """The result in a sentence: the metrics in which B is clearly better, those in which it is clearly worse."""
    clear = {way: _labels(comparison, way) for way in ("better", "worse")}
    judged = sum(metric.better != "neither" for metric in comparison.metrics)
    if not any(clear.values()):
        return f"No clear difference between {comparison.label_a} and {comparison.label_b} in any of {judged} metrics."
    parts = [f"{way} in {', '.join(labels)}" for way, labels in clear.items() if labels]
    remaining = judged - sum(map(len, clear.values()))
    rest = f"; no clear difference in {'the other ' if remaining > 1 else ''}{remaining}" if remaining else ""
    return f"{comparison.label_b} is {', '.join(parts)}{rest}."


def rule(differences: Sequence[Difference], n_sounds: int) -> str:
    """When a difference is called clear, and how p was corrected."""
    tested = sum(one.p is not None for one in differences)
    words = (
        f"Better or worse only where the 95 % interval of the difference excludes 0 and p is below {CLEAR_P}. "
        f"p is that of Wilcoxon's signed-rank test, corrected for {tested} metrics (Holm)."
    )
    needed = sounds_needed(max(tested, 1))
    if n_sounds < needed:
        words += f" With {n_sounds} sounds p cannot become that small; it takes {needed} or more."
    return words


def _labels(comparison: Comparison, way: Outcome) -> list[str]:
    label = {metric.key: metric.label for metric in comparison.metrics}
    return [label[one.key] for one in comparison.differences if one.verdict == way]
