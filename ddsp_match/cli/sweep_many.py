"""``ddsp-match fit --multirun`` of many sounds: a run over all of them with each setting, and a table of the runs."""

from __future__ import annotations

import argparse
import contextlib
import functools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ddsp_match import config
from ddsp_match.cli import jobs
from ddsp_match.cli.exits import EXIT_INTERRUPTED, EXIT_USER, exit_failed
from ddsp_match.cli.many_progress import ManyProgress, sounds
from ddsp_match.cli.sweep_watch import SweepInterrupt
from ddsp_match.cli.words import numbered
from ddsp_match.core.files import check_folder, claimed, is_free, printable
from ddsp_match.core.settings import FitSettings
from ddsp_match.runs.engines import Engine, engine_of
from ddsp_match.runs.sweep_rows import Row, has_rows

if TYPE_CHECKING:
    from ddsp_match.runs.store import Entry

FIGURE = "mrstft"  # means the same whatever loss or model a sound was fitted with
# They run a job a core: a pool of a worker a core in each would be as many workers as cores squared.
_SHARING = ("joblib", "submitit_local", "ray")


def sweep_many(
    arguments: argparse.Namespace,
    source: Path | list[Path],
    name: str,
    overrides: Sequence[str],
    output: Path | None,
    stopping: str,
) -> int:
    """Fit many sounds with every combination of the swept settings; the same command goes on where it ended.

    Args:
        arguments: Of the command line.
        source: What names the sounds.
        name: What the run is called.
        overrides: Settings, some of them swept.
        output: The folder that the user named, if any.
        stopping: What the user is told at the first Ctrl-C.

    Returns:
        0 when no sound failed, 100 and the number of failures (200 for 100 and more), 2 where a setting could not be
        run, 130 after Ctrl-C.
    """
    named = any(word.startswith("engine=") for word in overrides)
    launcher = config.launcher_of(overrides)
    with _Engines() as engines:
        table = jobs.sweep(
            arguments,
            list(overrides),
            _claim(f"{name}-sweep", output, force=arguments.force),
            functools.partial(_job, source, engines if launcher == config.BASIC else None),
            title=name,
            figure=FIGURE,
            defaults=["engine=inline"] if launcher in _SHARING and not named else [],
            stopping=stopping,
            score=score_rows,
        )
    print(table.table())
    if table.stopped:
        print("stopped; the same command goes on with what is left")
        return EXIT_INTERRUPTED
    return EXIT_USER if table.failed() else exit_failed(sum(int(row.metrics["failed"]) for row in table.rows))


def score_rows(rows: Sequence[Row]) -> str:
    """Give each row the means over the sounds that all rows have, from the runs' own indices.

    Args:
        rows: Those that came to a result; their figures, intervals and figures by sound are filled in.

    Returns:
        What the means are over, in words.
    """
    from ddsp_match.runs.store import Store

    entries = [Store.read(row.folder).entries() for row in rows]
    finished = [{entry.name for entry in some if entry.status == "done"} for some in entries]
    common = set.intersection(*finished) if finished else set()
    for row, some in zip(rows, entries, strict=True):
        _score(row, some, common)
    left_out = len(set().union(*finished)) - len(common)
    missing = f" that all settings have; {left_out} more are left out" if left_out else ""
    return f"the mean over {sounds(len(common))}{missing}"


def _score(row: Row, entries: Sequence[Entry], names: set[str] | None = None) -> None:
    """Fill in a row's figures: means over those of the named sounds that have the figure; None: all finished ones."""
    import numpy as np

    from ddsp_match.score.bootstrap import intervals_where_known

    finished = [entry for entry in entries if entry.status == "done"]
    taken = [entry for entry in finished if names is None or entry.name in names]
    figures = list(dict.fromkeys(figure for entry in taken for figure in entry.metrics if figure != "loss"))
    table = np.array([[entry.metrics.get(figure, math.nan) for figure in figures] for entry in taken])
    table = np.where(np.isfinite(table), table, math.nan).reshape(len(taken), len(figures))
    means = {
        figure: float(column[np.isfinite(column)].mean())
        for figure, column in zip(figures, table.T, strict=True)
        if np.isfinite(column).any()
    }
    ends = intervals_where_known(table) if taken else []
    row.intervals = {figure: pair for figure, pair in zip(figures, ends, strict=True) if pair is not None}
    row.by_sound = {entry.name: entry.metrics[FIGURE] for entry in taken if math.isfinite(entry.metrics[FIGURE])}
    row.loss = means.pop(FIGURE, math.inf)
    row.metrics = {"sounds": len(finished), "failed": len(entries) - len(finished), **means}
    row.seconds = sum(sum(entry.seconds.values()) for entry in finished)


class _Engines(contextlib.ExitStack):
    """Engines that stay from one combination to the next, so that workers load torch once; ended on leaving."""

    def __init__(self) -> None:
        super().__init__()
        self._engines: dict[str, Engine] = {}

    @contextlib.contextmanager
    def lent(self, settings: FitSettings) -> Iterator[Engine]:
        """Give the engine that the settings name, started if no combination before needed the same."""
        key = repr((settings.engine, settings.threads, settings.device))
        if key not in self._engines:
            engine = engine_of(settings.engine, threads=settings.threads, device=settings.device)
            self._engines[key] = self.enter_context(engine)
        yield self._engines[key]


def _job(
    source: Path | list[Path],
    engines: _Engines | None,
    arguments: argparse.Namespace,
    settings: FitSettings,
    out: Path,
    label: str,
    interrupt: SweepInterrupt,
    row: Row,
) -> None:
    """Fit all sounds with one combination; a function of the module, because launchers pickle it."""
    from ddsp_match.tasks.fit_many import fit_many

    with ManyProgress(quiet=arguments.quiet, label=label) as progress:
        result = fit_many(
            source,
            settings,
            out,
            force=arguments.force,
            command=arguments.command,
            on_begin=progress.on_begin,
            on_progress=progress.on_progress,
            stop=interrupt.wanted,
            engine=engines.lent(settings) if engines is not None else None,
        )
    _score(row, result.entries)
    row.by_sound = {}  # the process that waits reads the index itself
    row.stop_reason = f"stopped with {sounds(result.counts.left)} left" if result.stopped else "all sounds done"
    if not row.metrics["sounds"]:
        row.error = result.failures[0][1] if result.failures else "stopped before its first sound was finished"


@contextlib.contextmanager
def _claim(name: str, output: Path | None, *, force: bool) -> Iterator[Path]:
    """Choose where a sweep over many sounds writes; an earlier one is gone on with."""
    from ddsp_match.runs.store import is_run

    def is_sweep(folder: Path) -> bool:
        return folder.is_dir() and (has_rows(folder) or any(is_run(inside) for inside in folder.iterdir()))

    folders = [output] if output is not None else numbered(printable(name), "")
    folder = next(folder for folder in folders if output is not None or is_free(folder) or is_sweep(folder))
    with claimed(folder):
        if not is_sweep(folder):
            check_folder(folder, force=force)
        yield folder
