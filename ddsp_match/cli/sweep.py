"""A sweep's jobs as rows: recorded as they end, printed and written as one table."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ddsp_match.errors import MatchError, OutputError, SoundError

CSV_NAME = "sweep.csv"
LOSS = "best loss"


@dataclass
class Row:
    """One job of a sweep.

    Attributes:
        folder: Its run directory.
        values: The swept settings and their values in this job.
        loss: Best loss; infinite where it failed.
        metrics: Figures by name.
        stop_reason: Why it ended.
        seconds: Wall time.
        error: What was wrong, if it failed.
        ranked_by: The metric that ranks it among those with the same, where its loss does not.
    """

    folder: Path
    values: dict[str, str]
    loss: float = math.inf
    metrics: dict[str, float] = field(default_factory=dict)
    stop_reason: str = ""
    seconds: float = math.nan
    error: str = ""
    ranked_by: str = ""

    def finish(
        self, loss: float, metrics: Mapping[str, float], stop_reason: str, seconds: Mapping[str, float]
    ) -> None:
        """Record how it went."""
        self.loss, self.metrics, self.stop_reason = loss, dict(metrics), stop_reason
        self.seconds = sum(seconds.values())


class Sweep:
    """Gathers the rows; on leaving writes ``sweep.csv``, or takes away the folder if nothing came of it.

    Args:
        folder: The sweep's folder.
        swept: The keys that differ between jobs.
        figure: What the loss of a row is called.
        form: How it is written.
    """

    def __init__(self, folder: Path, swept: list[str], figure: str = LOSS, form: str = ".4f") -> None:
        self.folder, self.swept, self.figure, self.form = folder, swept, figure, form
        self.rows: list[Row] = []

    @contextmanager
    def job(self, folder: Path, words: list[str]) -> Iterator[Row]:
        """Record a job; a problem with its settings becomes its row, one with the sound ends the sweep."""
        values = dict(word.lstrip("+").split("=", 1) for word in words if "=" in word)
        here = Path.cwd()
        shown = folder.relative_to(here) if folder.is_relative_to(here) else folder
        row = Row(shown, {key: values[key] for key in self.swept if key in values})
        try:
            yield row
        except (SoundError, OutputError):
            raise  # every other job would meet the same
        except MatchError as error:
            row.error = str(error)
        finally:
            _remove_if_empty(folder)
        self.rows.append(row)

    def skip(self, folder: Path) -> float:
        """Leave a job out, after Ctrl-C."""
        _remove_if_empty(folder)
        return math.inf

    def failed(self) -> bool:
        """Say whether any job failed."""
        return any(row.error for row in self.rows)

    def ranked(self) -> list[Row]:
        """Return the jobs, best first: those ranked by their loss, those ranked by another figure, failed ones."""
        other = self._other_metric()

        def place(row: Row) -> tuple[bool, str, float]:
            return bool(row.error), row.ranked_by, row.metrics.get(row.ranked_by or other, row.loss)

        return sorted(self.rows, key=place)

    def best(self) -> list[Row]:
        """Return the best job of each kind of ranking."""
        firsts: dict[str, Row] = {}
        for row in self.ranked():
            if not row.error:
                firsts.setdefault(row.ranked_by, row)
        return list(firsts.values())

    def ranking(self) -> str:
        """Say what ranks the jobs; those ranked by different figures are not compared with one another."""
        plain = self._other_metric() or self.figure.removeprefix("best ")
        kinds = [row.ranked_by or plain for row in self.best()]
        return f"best first by {', then apart by '.join(kinds)}" if kinds else "every job failed"

    def table(self) -> str:
        """Return the jobs as a table for a terminal, best first."""
        metrics = self._metric_names()
        head = [*self.swept, self.figure, *metrics, "path"]
        body = []
        for row in self.ranked():
            figures = [f"{row.loss:{self.form}}", *(_figure(row.metrics.get(name)) for name in metrics)]
            figures = ["failed", *[""] * len(metrics)] if row.error else figures
            body.append(
                [*(row.values.get(key, "") for key in self.swept), *figures, row.error or str(row.folder)]
            )
        widths = [max(len(line[i]) for line in [head, *body]) for i in range(len(head))]
        lines = [
            "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip()
            for line in [head, *body]
        ]
        lines += ["", f"{self.ranking()}; written: {self.folder / CSV_NAME}"]
        return "\n".join(lines)

    def __enter__(self) -> Sweep:
        return self

    def __exit__(self, *_: object) -> None:
        if self.rows:
            self._write()
        elif self.folder.is_dir():
            (self.folder / "multirun.yaml").unlink(missing_ok=True)  # Hydra's record of a sweep that was not
        # Hydra makes the folder of each job, also of those left out after an error.
        for folder in sorted(self.folder.rglob("*"), reverse=True):
            _remove_if_empty(folder)
        _remove_if_empty(self.folder)

    def _other_metric(self) -> str:
        """The metric that ranks the jobs of a sweep over the loss, where it is known of all of them."""
        over_losses = any(key.partition(".")[0] == "loss" for key in self.swept)
        known = all("mrstft" in row.metrics for row in self.rows if not row.error)
        return "mrstft" if over_losses and known and self.figure == LOSS else ""

    def _metric_names(self) -> list[str]:
        return list(dict.fromkeys(name for row in self.rows for name in row.metrics))

    def _write(self) -> None:
        metrics = self._metric_names()
        with (self.folder / CSV_NAME).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            figures = [name.replace(" ", "_") for name in (self.figure, *metrics)]
            writer.writerow([*self.swept, *figures, "seconds", "stop_reason", "path", "error"])
            for row in self.ranked():
                settings = [row.values.get(key, "") for key in self.swept]
                figures = [row.metrics.get(name, "") for name in metrics]
                writer.writerow(
                    [*settings, row.loss, *figures, row.seconds, row.stop_reason, row.folder, row.error]
                )


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _remove_if_empty(folder: Path) -> None:
    """Hydra makes a job's folder before the job; leave none behind for a job that wrote nothing."""
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
