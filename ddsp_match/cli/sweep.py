"""A sweep's jobs as one table: read from their rows on disk, printed, and written as CSV and as a page."""

from __future__ import annotations

import contextlib
import csv
import io
import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from ddsp_match.cli.sweep_winner import SOUND, winner_words
from ddsp_match.core.errors import MatchError
from ddsp_match.core.files import write_text
from ddsp_match.runs.sweep_rows import LOSS, Row, Rows, over_losses, relative_to_here, remove_if_empty

CSV_NAME = "sweep.csv"
PAGE_NAME = "sweep.html"
_LEFTOVERS = ("multirun.yaml", "optimization_results.yaml")  # what Hydra notes down of a sweep
_LOGS = ".submitit"
_MOST_WIDTH = 60  # characters of a setting in the table for a terminal


class Sweep:
    """Gathers the rows; on leaving writes the table and the page, or takes away the folder if nothing came of it.

    Attributes:
        rows: The jobs, in their order.
        trouble: What a launcher or sweeper ended with before its time, if it did.
        stopped: Whether the user asked to stop.

    Args:
        folder: The sweep's folder.
        swept: The keys that differ between jobs.
        figure: What the loss of a row is called.
        form: How it is written.
        title: Name of the sound, or of the many.
        command: The command line.
        score: Gives the rows that came to a result their figures, where these are means over many sounds; returns what
            the means are over, in words.
    """

    def __init__(
        self,
        folder: Path,
        swept: list[str],
        figure: str = LOSS,
        form: str = ".4f",
        *,
        title: str = "",
        command: str = "",
        score: Callable[[Sequence[Row]], str] | None = None,
    ) -> None:
        self.folder, self.swept, self.figure, self.form = folder, list(swept), figure, form
        self.title, self.command = title, command
        self.files = Rows(folder)
        self.rows: list[Row] = []
        self.fatal: list[Row] = []
        self.trouble, self.stopped = "", False
        self._score, self._means = score, ""

    def refuse(self, jobs: Sequence[tuple[dict[str, str], MatchError]]) -> None:
        """Enter jobs that will not be started, by their settings and what is wrong with them."""
        self.rows += [Row(self.folder, values, error=str(error), ended=True) for values, error in jobs]

    def gather(self, interrupted: bool = False) -> None:
        """Take in the rows that the jobs have left on disk.

        Args:
            interrupted: Whether jobs without an end were told to go; otherwise they are failures.
        """
        for row in map(relative_to_here, self.files.read()):
            if not row.ended and not interrupted:
                row.error = "no result: its process was killed, ran out of memory, or was left behind by the sweep"
            if row.ends_all:
                self.fatal.append(row)
            elif row.ended or row.error:
                self.rows.append(row)
        self.swept = list(dict.fromkeys([*self.swept, *(key for row in self.rows for key in row.values)]))
        if self._score is not None:
            self._means = self._score([row for row in self.rows if not row.error])

    def raise_fatal(self) -> None:
        """Raise what ended the whole sweep in another process, if anything did.

        Raises:
            MatchError: A problem that every job would meet.
            RuntimeError: A bug of ours.
        """
        for row in self.fatal:
            if not row.bug:
                raise MatchError(row.error)
            bug = RuntimeError(row.error)
            bug.add_note(row.bug)
            raise bug

    def done(self) -> bool:
        """Say whether any job came to a result."""
        return any(not row.error for row in self.rows)

    def failed(self) -> bool:
        """Say whether any job failed, or the sweep did not come to its end."""
        return bool(self.trouble) or any(row.error for row in self.rows)

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
        means = f", {self._means}" if self._means else ""
        return f"best first by {', then apart by '.join(kinds)}{means}" if kinds else "every job failed"

    def winners(self) -> list[str]:
        """Say of each kind of ranking which settings are best, and whether that may be chance."""
        other, kinds = self._other_metric(), dict.fromkeys(row.ranked_by for row in self.ranked() if not row.error)
        words = []
        for kind in kinds:
            runs = []
            for row in self.rows:
                if row.error or row.ranked_by != kind:
                    continue
                single = {"": row.metrics.get(kind or other, row.loss)}
                runs += [({**row.values, SOUND: name}, figure) for name, figure in (row.by_sound or single).items()]
            words.append(winner_words(runs))
        return [sentence for sentence in words if sentence]

    def table(self) -> str:
        """Return the jobs as a table for a terminal, best first."""
        metrics = self._metric_names()
        head = [*self.swept, self.figure, *metrics, "path"]
        body = []
        for row in self.ranked():
            figures = [self._loss(row), *(_figure(row.metrics.get(name)) for name in metrics)]
            figures = ["failed", *[""] * len(metrics)] if row.error else figures
            body.append(
                [*(_short(row.values.get(key, "")) for key in self.swept), *figures, row.error or str(row.folder)]
            )
        widths = [max(len(line[i]) for line in [head, *body]) for i in range(len(head))]
        lines = [
            "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip()
            for line in [head, *body]
        ]
        lines += ["", *self.winners(), f"{self.ranking()}; written: {self.folder / CSV_NAME}"]
        lines += [f"page: {self.folder / PAGE_NAME}"]
        lines += [f"the sweep ended before its time: {self.trouble}"] if self.trouble else []
        return "\n".join(lines)

    def __enter__(self) -> Sweep:
        self.files.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        interrupted = kind is not None and not issubclass(kind, Exception)
        self.gather(interrupted)
        if not (interrupted or self.trouble) or not (self.folder / _LOGS).is_dir():
            self.files.close()  # else jobs that wait on a cluster still have to see the wish to stop
        if self.rows and any(row.number is not None for row in self.rows):
            self._write()
            self._write_page()
        else:
            for name in _LEFTOVERS:
                (self.folder / name).unlink(missing_ok=True)
            shutil.rmtree(self.folder / _LOGS, ignore_errors=True)
        # Hydra makes the folder of each job, also of those left out after an error.
        for folder in sorted(self.folder.rglob("*"), reverse=True):
            remove_if_empty(folder)
        remove_if_empty(self.folder)

    def _other_metric(self) -> str:
        """The metric that ranks the jobs of a sweep over the loss, where it is known of all of them."""
        known = all("mrstft" in row.metrics for row in self.rows if not row.error)
        return "mrstft" if over_losses(self.swept) and known and self.figure == LOSS else ""

    def _metric_names(self) -> list[str]:
        return list(dict.fromkeys(name for row in self.rows for name in row.metrics))

    def _loss(self, row: Row) -> str:
        interval = row.intervals.get(self.figure)
        ends = "" if interval is None else f" ({interval[0]:{self.form}} to {interval[1]:{self.form}})"
        return f"{row.loss:{self.form}}{ends}"

    def _write(self) -> None:
        metrics = self._metric_names()
        with_interval = [name for name in (self.figure, *metrics) if any(name in row.intervals for row in self.rows)]
        text = io.StringIO()
        writer = csv.writer(text)
        figures = [name.replace(" ", "_") for name in (self.figure, *metrics)]
        ends = [f"{name}_{end}" for name in with_interval for end in ("low", "high")]
        writer.writerow(["run", *self.swept, *figures, "seconds", "stop_reason", "path", "error", *ends])
        for row in self.ranked():
            number = "" if row.number is None else row.number
            settings = [number, *(row.values.get(key, "") for key in self.swept)]
            figures = [row.metrics.get(name, "") for name in metrics]
            outcome = [row.loss, *figures, row.seconds, row.stop_reason, row.folder, row.error]
            ends = [end for name in with_interval for end in row.intervals.get(name, ("", ""))]
            writer.writerow([*settings, *outcome, *ends])
        write_text(self.folder / CSV_NAME, text.getvalue())

    def _write_page(self) -> None:
        from ddsp_match.report import sweep_page

        sweep_page.write(
            self.folder / PAGE_NAME,
            self.ranked(),
            title=self.title,
            figure=self.figure,
            best_by=next((row.ranked_by for row in self.best()), "") or self._other_metric(),
            headline=self._headline(),
            command=self.command,
        )

    def _headline(self) -> str:
        failed = sum(bool(row.error) for row in self.rows)
        counted = f"{len(self.rows)} run{'' if len(self.rows) == 1 else 's'}" + (f", {failed} failed" if failed else "")
        words = ". ".join(part for part in (counted, self.ranking(), *self.winners()) if part)
        return f"{words[:1].upper()}{words[1:]}."


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}" if 1000 <= value < math.inf else f"{value:.4g}"


def _short(text: str) -> str:
    """A setting as a cell: numbers that a sweeper drew to six digits, the middle of long ones left out."""
    with contextlib.suppress(ValueError):
        return f"{float(text):.6g}" if len(text) > 10 else text
    return text if len(text) <= _MOST_WIDTH else f"{text[: _MOST_WIDTH // 2]}…{text[1 - _MOST_WIDTH // 2 :]}"
