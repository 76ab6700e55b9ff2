"""What a score page shows: `ddsp_match.report.score_page.write` takes a `ScoreData`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ddsp_match.report.table_data import Column, Mean, Sound


@dataclass(frozen=True)
class ScoreRow:
    """A match that was scored.

    Attributes:
        name: The sound's name, unique.
        values: Its metrics by the columns' keys; what is missing or NaN stays empty and is sorted last.
        family: What it is grouped by.
        target: The sound.
        match: Its match.
        report: Page of its own, if there is one.
        facts: Short remarks for the listener, by their label: ``{"Length": "2.50 s", "Pitch": "220.1 Hz"}``.
        level: How good the match is: ``excellent``, ``good``, ``fair`` or ``poor``; empty where that is not known.
    """

    name: str
    values: Mapping[str, float | None]
    family: str = ""
    target: Sound | None = None
    match: Sound | None = None
    report: str | Path | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    level: str = ""


@dataclass(frozen=True)
class Failure:
    """A sound without a score.

    Attributes:
        name: The sound's name.
        reason: Why, in the words of the error.
        family: What it is grouped by.
        target: The sound, if it may be playable.
    """

    name: str
    reason: str
    family: str = ""
    target: Sound | None = None


@dataclass(frozen=True)
class FamilyScores:
    """Means over the sounds of a family.

    Attributes:
        name: The family, as in the rows.
        n: Number of its sounds.
        means: By the columns' keys.
        floors: Their floors in this family, where they were measured.
    """

    name: str
    n: int
    means: Mapping[str, Mean]
    floors: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ScoreData:
    """All that is on a score page. No text in it needs to be trusted.

    Attributes:
        title: Name of the run.
        columns: The metrics, in order; the first is shown, worst sounds on top, unless `sort_by` names another.
        rows: The matches that were scored.
        overall: Means over all of them, by the columns' keys.
        families: Means by family; none or one, and the page leaves the table out.
        failures: Sounds without a score.
        headline: The result in a sentence.
        command: The command line that scored, or that made the run.
        notes: Remarks for the user; `backquoted` words are set as code.
        floor_words: What the floors are and how they were measured, in a sentence.
        settings: The run's settings as a plain nested mapping.
        sort_by: Key of the metric by which the page is sorted at first.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[ScoreRow]
    overall: Mapping[str, Mean] = field(default_factory=dict)
    families: Sequence[FamilyScores] = ()
    failures: Sequence[Failure] = ()
    headline: str = ""
    command: str = ""
    notes: Sequence[str] = ()
    floor_words: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    sort_by: str = ""
