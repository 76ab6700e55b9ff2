"""The page of a sweep: a row a run, its settings, its scores and its sound; the best marked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from ddsp_match.report import many_shell, packing, shell
from ddsp_match.report.many_shell import counted, escape
from ddsp_match.report.sweep_data import Run, SweepData


def write(path: str | Path, data: SweepData) -> Path:
    """Writes the page. It points to the sounds' files and holds everything else.

    Args:
        path: The HTML file to make; links to sounds are relative to its folder.
        data: What to show.

    Returns:
        The path.

    Raises:
        OutputError: If the file cannot be written.
    """
    return shell.save(path, html(data, Path(path)))


def html(data: SweepData, path: Path) -> str:
    """The page that is to lie at `path`, as one string of HTML. Nothing of `data` can become markup or script."""
    failed = [run for run in data.runs if run.reason]
    finished = [run for run in data.runs if not run.reason]
    values = {
        "title": escape(data.title),
        "facts": _facts(len(finished), len(failed)),
        "headline": many_shell.headline(data.headline),
        "failures": many_shell.folded(
            "Failed", "", [(run.name, _settings_words(run), run.reason) for run in failed], ("Run", "Settings", "Why")
        ),
        "list_label": "The runs, a table that scrolls",
        "key_words": "<kbd>T</kbd> target, <kbd>M</kbd> match at the same position",
        "more_keys": ", <kbd>O</kbd> the run's own report" if any(run.report for run in finished) else "",
        "list_words": "Press the head of a column to sort by it, best first; again, worst first.",
        **many_shell.made(data.command, data.notes),
    }
    return many_shell.page(
        "sweep_page.html", values, _numbers(data, finished, path), brand="ddsp-match sweep", script="sweep.js"
    )


def _facts(n_finished: int, n_failed: int) -> str:
    return f"{counted(n_finished, 'run')} finished" + (f", {n_failed:,} failed." if n_failed else ".")


def _settings_words(run: Run) -> str:
    return ", ".join(f"{key}={_setting(value)}" for key, value in run.settings.items())


def _setting(value: object) -> object:
    """A setting as JSON takes it and as one would type it: numbers stay numbers."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return "null" if value is None else value


def _numbers(data: SweepData, runs: Sequence[Run], path: Path) -> dict[str, object]:
    names = [run.name for run in runs]
    keys = list(dict.fromkeys(key for run in runs for key in run.settings))
    values = packing.values(data.columns, [run.scores for run in runs])
    best_by = packing.first_shown(data.columns, data.best_by)
    stops, stop_of = packing.shared(run.stop_reason for run in runs)
    kinds = {"target": [data.target] * len(runs), "match": [run.match for run in runs]}
    return {
        "columns": packing.columns(data.columns),
        "names": names,
        "families": [""],
        "family_of": [0] * len(runs),
        "settings": [
            {
                "key": key,
                "label": key,
                "values": [_setting(run.settings[key]) if key in run.settings else None for run in runs],
            }
            for key in keys
        ],
        "values": values,
        "seconds": [packing.number(run.seconds) for run in runs],
        "stops": {"words": stops, "at": stop_of},
        "sounds": {name: packing.sounds(given, names, path) for name, given in kinds.items()},
        "reports": packing.links([run.report for run in runs], names, path),
        "best_by": best_by,
        "best": _best(data, best_by, values.get(best_by, [])),
    }


def _best(data: SweepData, key: str, values: Sequence[float | int | None]) -> int | None:
    """The run with the best score; None where no run has one, or where neither way is better."""
    better = {one.key: one.better for one in data.columns}.get(key, "neither")
    known = [(value, at) for at, value in enumerate(values) if value is not None]
    if not known or better == "neither":
        return None
    # The first of equals: the one that was tried first.
    return min(known, key=lambda one: one[0] if better == "lower" else -one[0])[1]
