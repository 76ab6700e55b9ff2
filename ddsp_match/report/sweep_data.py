"""What a sweep's page shows: `ddsp_match.report.sweep_page.write` takes a `SweepData`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ddsp_match.report.table_data import Column, Sound


@dataclass(frozen=True)
class Run:
    """One run of a sweep.

    Attributes:
        name: Its name or number, unique: ``0``.
        settings: The swept settings by their dotted names, as they were set: numbers as numbers, the rest as text.
        scores: Its metrics by the columns' keys.
        stop_reason: Why it ended.
        seconds: Wall seconds it took.
        match: Its match.
        report: Page of its own, if there is one.
        reason: Why it failed; empty where it did not.
    """

    name: str
    settings: Mapping[str, float | int | bool | str | None]
    scores: Mapping[str, float | None] = field(default_factory=dict)
    stop_reason: str = ""
    seconds: float | None = None
    match: Sound | None = None
    report: str | Path | None = None
    reason: str = ""


@dataclass(frozen=True)
class SweepData:
    """All that is on a sweep's page. No text in it needs to be trusted.

    Attributes:
        title: Name of the sound or of the sweep.
        columns: The metrics, in order.
        runs: The runs, failed ones among them.
        target: The sound that all of them matched.
        best_by: Key of the metric that marks the best run and sorts the page; the first column if empty.
        headline: The result in a sentence.
        command: The command line.
        notes: Remarks for the user; `backquoted` words are set as code.
    """

    title: str
    columns: Sequence[Column]
    runs: Sequence[Run]
    target: Sound | None = None
    best_by: str = ""
    headline: str = ""
    command: str = ""
    notes: Sequence[str] = ()
