"""A sweep's rows as the page to look at and listen to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ddsp_match.cli.sweep_rows import Row, as_value

if TYPE_CHECKING:
    from ddsp_match.report.table_data import Column

LOSS_KEY = "loss"
_ENDS = {"interval_low": "95 % from", "interval_high": "95 % to"}  # of the mean over many sounds that ranks the rows
_HIGHER = {"snr_db", "mos"}
_NEITHER = {"harmonic_share", "noise_share", "voiced_share", "numbers", "sounds"}
_COUNTS = {"numbers", "sounds", "failed"}
# What a run calls its sounds: the match and what it was matched to, of `fit` and of `effect`.
_SOUNDS = (("match.wav", "target.wav"), ("output.wav", "wet.wav"))


def write(
    path: Path, rows: Sequence[Row], *, title: str, figure: str, best_by: str, headline: str, command: str
) -> None:
    """Write the page of a sweep; it points to the sounds in the folders of the runs.

    Args:
        path: Of the page.
        rows: The jobs, best first.
        title: Name of the sound, or of the many.
        figure: What the loss of a row is called.
        best_by: The metric that ranks the rows; empty: the loss does.
        headline: The result in a sentence.
        command: The command line.
    """
    from ddsp_match.report import sweep_page
    from ddsp_match.report.sweep_data import Run, SweepData
    from ddsp_match.report.table_data import Column, Sound

    names = list(dict.fromkeys(name for row in rows for name in row.metrics))
    columns = [_loss_column(figure), *map(_column, names)]
    if any(row.intervals for row in rows):
        columns[1:1] = [Column(key, label, better="neither") for key, label in _ENDS.items()]
    runs, target = [], None
    for position, row in enumerate(rows):
        folder = row.folder.absolute()
        pair = next((pair for pair in _SOUNDS if (folder / pair[0]).is_file()), None)
        if pair is not None and target is None:
            target = Sound(folder / pair[1])
        scores = {**row.metrics, LOSS_KEY: row.loss, **dict(zip(_ENDS, row.intervals.get(figure, ()), strict=False))}
        runs.append(
            Run(
                name=f"not started {position}" if row.number is None else str(row.number),
                settings={key: as_value(value) for key, value in row.values.items()},
                scores={} if row.error else {key: _finite(value) for key, value in scores.items()},
                stop_reason=row.stop_reason,
                seconds=_finite(row.seconds),
                match=None if pair is None else Sound(folder / pair[0]),
                report=folder if row.by_sound else report if (report := folder / "report.html").is_file() else None,
                reason=row.error,
            )
        )
    data = SweepData(
        title=title,
        columns=columns,
        runs=runs,
        target=target,
        best_by=best_by or LOSS_KEY,
        headline=headline,
        command=command,
    )
    sweep_page.write(path, data)


def _loss_column(figure: str) -> Column:
    from ddsp_match.report.metrics_table import MEANINGS
    from ddsp_match.report.table_data import Column

    if figure in MEANINGS:
        return replace(_column(figure), key=LOSS_KEY)
    meaning = "What the search made small. Losses of different kinds do not compare; the other figures do."
    if figure != "best loss":
        meaning = "Energy of what is left between the two, as part of the wet sound's; 0 is identical."
    return Column(LOSS_KEY, figure, meaning=meaning)


def _column(name: str) -> Column:
    from ddsp_match.report.metrics_table import MEANINGS
    from ddsp_match.report.table_data import Column

    better = "higher" if name in _HIGHER else "neither" if name in _NEITHER else "lower"
    known = MEANINGS.get(name)
    if known is None:
        return Column(name, name, better=better, digits=0 if name in _COUNTS else None)
    return Column(name, known.label, "share" if known.unit == "%" else known.unit, better, known.words)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
