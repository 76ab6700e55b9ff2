"""The entry of one sound of many."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass
class Entry:
    """One sound's line in the index; the same lies as ``entry.json`` in the folder of a sound that was fitted.

    Attributes:
        name: The sound's name in its listing, unique.
        source: The sound file, absolute, as it was when it was fitted.
        status: ``done`` or ``failed``.
        family: What it is grouped by.
        reason: Why it failed, in the words of the error; empty where it did not.
        folder: Its folder, relative to the run's, with ``/``; empty where it failed.
        files: Names of the files in it.
        metrics: Figures of the match by name, as `ddsp_match.losses.metrics.measure` gives them.
        seconds: Wall seconds by stage; of a batch each sound's share.
        facts: What else is known: ``sample_rate``, ``n_samples``, ``pitched``, ``f0_median_hz``, ``level``,
            ``headline``, ``notes``, ``stop_reason``, ``steps``, ``peak_mb``, ``pitch_midi``, ``batch``.
        attempts: How often it was begun.
        finished_at: UTC, ISO 8601.
    """

    name: str
    source: str
    status: Literal["done", "failed"]
    family: str = ""
    reason: str = ""
    folder: str = ""
    files: list[str] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    attempts: int = 1
    finished_at: str = ""
