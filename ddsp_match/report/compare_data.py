"""What a comparison of two runs shows: `ddsp_match.report.compare_page.write` takes a `CompareData`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ddsp_match.report.table_data import Column, Mean, Sound


@dataclass(frozen=True)
class Change:
    """What became of a metric from run A to run B, over the sounds that both have.

    Attributes:
        key: The column's.
        a: Its mean in A.
        b: Its mean in B.
        difference: Mean of B minus A, paired, with its interval of 95 %.
        better_share: Share of sounds in which B is better, 0 to 1 (higher, where neither way is better).
        worse_share: Share in which it is worse; the others are equal.
        verdict: Of B: ``better``, ``worse``, ``higher``, ``lower`` or ``no clear difference``.
        p: Probability of so large a difference by chance alone, corrected for all metrics, if it was tested.
    """

    key: str
    a: float
    b: float
    difference: Mean
    better_share: float
    worse_share: float
    verdict: str
    p: float | None = None


@dataclass(frozen=True)
class Pair:
    """A sound that both runs matched.

    Attributes:
        name: Its name.
        a: Metrics of A's match by the columns' keys.
        b: Metrics of B's.
        family: What it is grouped by.
        target: The sound.
        match_a: A's match.
        match_b: B's match.
    """

    name: str
    a: Mapping[str, float | None]
    b: Mapping[str, float | None]
    family: str = ""
    target: Sound | None = None
    match_a: Sound | None = None
    match_b: Sound | None = None


@dataclass(frozen=True)
class CompareData:
    """All that is on a page of comparison. No text in it needs to be trusted.

    Attributes:
        title: Name of the comparison.
        name_a: Name of run A, the one before.
        name_b: Name of run B, the one after.
        columns: The metrics, in order; the first is shown at first unless `sort_by` names another.
        changes: What became of each.
        pairs: The sounds that both have.
        only_a: Sounds that A alone has, each with why.
        only_b: The same for B.
        settings: Settings that differ, by their dotted names: A's value and B's.
        headline: The result in a sentence.
        rule: When a difference is called clear, and how p was corrected.
        command: The command line.
        notes: Remarks for the user; `backquoted` words are set as code.
        sort_by: Key of the metric that is shown at first.
    """

    title: str
    name_a: str
    name_b: str
    columns: Sequence[Column]
    changes: Sequence[Change]
    pairs: Sequence[Pair]
    only_a: Mapping[str, str] = field(default_factory=dict)
    only_b: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, tuple[object, object]] = field(default_factory=dict)
    headline: str = ""
    rule: str = ""
    command: str = ""
    notes: Sequence[str] = ()
    sort_by: str = ""
