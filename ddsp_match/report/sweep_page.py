"""The page of a sweep: a row for each job with its settings, its figures and its sound; the best marked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ddsp_match.report import packing, shell, table_page
from ddsp_match.report.table_page import counted
from ddsp_match.runs.sweep_rows import Row
from ddsp_match.score.card import Metric
from ddsp_match.score.definitions import BY_KEY

LOSS_KEY = "loss"
_ENDS = {"interval_low": "95 % from", "interval_high": "95 % to"}  # of the mean over many sounds that ranks the rows
_COUNTS = {"numbers_per_second", "sounds", "failed"}
# The match and its target, as `fit` and as `effect` call their files.
_SOUNDS = (("match.wav", "target.wav"), ("output.wav", "wet.wav"))


def write(
    path: str | Path, jobs: Sequence[Row], *, title: str, figure: str, best_by: str, headline: str, command: str
) -> Path:
    """Writes the page; it points to the sounds in the jobs' folders and holds everything else.

    Args:
        path: The HTML file to make; links to sounds are relative to its folder.
        jobs: The jobs, best first. No text in them needs to be trusted.
        title: Name of the sound, or of the many.
        figure: What the loss of a job is called.
        best_by: The metric that marks the best job and sorts the page; empty: the loss does.
        headline: The result in a sentence.
        command: The command line.

    Returns:
        The path.

    Raises:
        OutputError: If the file cannot be written.
    """
    finished, failed = ([job for job in jobs if bool(job.error) == wrong] for wrong in (False, True))
    names = dict.fromkeys(name for job in jobs for name in job.metrics)
    ends = _ENDS if any(job.intervals for job in jobs) else {}
    ends = [Metric(key, label, "", "neither", "", "") for key, label in ends.items()]
    metrics = [_loss_metric(figure), *ends, *map(_metric, names)]
    numbers = _numbers(finished, metrics, figure, best_by or LOSS_KEY, Path(path))
    values = {
        "title": title,
        "facts": f"{counted(len(finished), 'run')} finished" + (f", {len(failed):,} failed." if failed else "."),
        "headline": headline,
        "failures": [(_name(job), _settings_words(job), job.error) for job in failed],
        "reports": bool(numbers["reports"]),
        "command": command,
        "notes": [],
        "settings": [],
    }
    html = table_page.page("sweep_page.html", values, numbers, brand="ddsp-match sweep", script="sweep.js")
    return shell.save(path, html)


def _loss_metric(figure: str) -> Metric:
    if figure in BY_KEY:
        return replace(_metric(figure), key=LOSS_KEY)
    meaning = "What the search made small. Losses of different kinds do not compare; the other figures do."
    if figure != "best loss":
        meaning = "Energy of what is left between the two, as part of the wet sound's; 0 is identical."
    return Metric(LOSS_KEY, figure, "", "lower", meaning, "")


def _metric(name: str) -> Metric:
    return BY_KEY.get(name) or Metric(name, name, "", "neither" if name == "sounds" else "lower", "", "")


def _name(job: Row) -> str:
    return "not started" if job.number is None else str(job.number)


def _settings_words(job: Row) -> str:
    return ", ".join(f"{key}={_setting(value)}" for key, value in job.values.items())


def _setting(text: str) -> int | float | str:
    """Return a swept value as a number where it is one, which JSON can hold, or else as the text that it is."""
    if text.lower() in ("true", "false", "null"):
        return text.lower()
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        return value if math.isfinite(value) else text
    return text


def _numbers(
    jobs: Sequence[Row], metrics: Sequence[Metric], figure: str, best_by: str, page: Path
) -> dict[str, Any]:
    names = [_name(job) for job in jobs]
    keys = list(dict.fromkeys(key for job in jobs for key in job.values))
    figures = [
        {
            **job.metrics,
            LOSS_KEY: job.loss if math.isfinite(job.loss) else None,
            **dict(zip(_ENDS, job.intervals.get(figure, ()), strict=False)),
        }
        for job in jobs
    ]
    values = packing.values(metrics, figures)
    best_by = packing.first_shown(metrics, best_by)
    stops, stop_of = packing.shared(job.stop_reason for job in jobs)
    matches, targets, reports = [], [], []
    for job in jobs:
        folder = job.folder.absolute()
        match, target = next((pair for pair in _SOUNDS if (folder / pair[0]).is_file()), (None, None))
        matches.append(match and folder / match)
        targets.append(target and folder / target)
        report = folder / "report.html"
        reports.append(folder if job.by_sound else report if report.is_file() else None)
    target = next(filter(None, targets), None)
    unknown = [None] * len(jobs)  # levels
    return {
        # Figures of a sweep may be of any size: as many digits as that asks for.
        "columns": [{**one, "digits": 0 if one["key"] in _COUNTS else None} for one in packing.columns(metrics)],
        "names": names,
        "families": [""],
        "family_of": [0] * len(jobs),
        "settings": [
            {
                "key": key,
                "label": key,
                "values": [_setting(job.values[key]) if key in job.values else None for job in jobs],
            }
            for key in keys
        ],
        "values": values,
        "seconds": [packing.number(job.seconds) for job in jobs],
        "stops": {"words": stops, "at": stop_of},
        "sounds": {
            "target": packing.sounds([target] * len(jobs), unknown, names, page),
            "match": packing.sounds(matches, unknown, names, page),
        },
        "reports": packing.links(reports, names, page),
        "best_by": best_by,
        "best": _best({one.key: one.better for one in metrics}[best_by], values[best_by]),
    }


def _best(better: str, values: Sequence[float | int | None]) -> int | None:
    """Return the job with the best figure; None where no job has one, or where neither way is better."""
    known = [(value, at) for at, value in enumerate(values) if value is not None]
    if not known or better == "neither":
        return None
    # The first of equals: the one that was tried first.
    return min(known, key=lambda one: one[0] if better == "lower" else -one[0])[1]
