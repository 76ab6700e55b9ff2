"""A sweep's jobs on disk: a row each, written by the process that runs the job and read by the one that waits.

Files rather than rows of one index, because jobs run in several processes and on several machines, and an index of a
run has one writer. The figures of a sweep over many sounds are read from the runs' own indices.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from ddsp_match.core.files import write_text

LOSS = "best loss"
_ROWS = ".rows"


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
        number: Which job it was, from 0; None for one that was not started.
        ended: Whether it came to its end, well or not.
        ends_all: Whether what was wrong would meet every other job too.
        bug: Where the program went wrong, if its error is none of the user's.
        matched: Whether the match is good enough, of an effect.
        intervals: Of a mean over many sounds, the ends of its 95 % interval, by figure.
        by_sound: Of a mean over many sounds, the figure that ranks the row for each of them.
    """

    folder: Path
    values: dict[str, str]
    loss: float = math.inf
    metrics: dict[str, float] = field(default_factory=dict)
    stop_reason: str = ""
    seconds: float = math.nan
    error: str = ""
    ranked_by: str = ""
    number: int | None = None
    ended: bool = False
    ends_all: bool = False
    bug: str = ""
    matched: bool = True
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    by_sound: dict[str, float] = field(default_factory=dict)

    def finish(
        self,
        loss: float,
        metrics: Mapping[str, float],
        stop_reason: str,
        seconds: Mapping[str, float],
        matched: bool = True,
    ) -> None:
        """Record how it went; the loss is not repeated among the metrics."""
        self.metrics = {name: value for name, value in metrics.items() if name != "loss"}
        self.loss, self.stop_reason, self.matched = loss, stop_reason, matched
        self.seconds = sum(seconds.values())

    def figure(self) -> float:
        """Return what a sweeper makes small: the loss, or the figure that means the same in every job."""
        if self.error:
            return math.inf
        return self.metrics.get(self.ranked_by or ("mrstft" if over_losses(self.values) else ""), self.loss)

    def label(self) -> str:
        """Return its settings in words."""
        return ", ".join(f"{key}={value}" for key, value in self.values.items())


def over_losses(keys: Mapping[str, str] | list[str]) -> bool:
    """Say whether the loss is swept, so that losses do not compare."""
    return any(key.partition(".")[0] == "loss" for key in keys)


class Rows:
    """The rows of a sweep as files in a folder of their own, one a job, replaced as a whole.

    Args:
        sweep: The sweep's folder.
    """

    def __init__(self, sweep: Path) -> None:
        self.folder = sweep.absolute() / _ROWS
        self.stop_mark = self.folder / "stop"

    def open(self) -> None:
        """Make the folder, and take away what an earlier sweep left in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)

    def close(self) -> None:
        """Take the folder away."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def put(self, row: Row) -> None:
        """Write a row."""
        write_text(self._path(row), json.dumps({**asdict(row), "folder": str(row.folder)}))

    def drop(self, row: Row) -> None:
        """Take a row away."""
        self._path(row).unlink(missing_ok=True)

    def read(self) -> list[Row]:
        """Return the rows in the order of the jobs."""
        contents = [json.loads(path.read_text(encoding="utf-8")) for path in self.folder.glob("*.json")]
        rows = [Row(**{**row, "folder": Path(row["folder"])}) for row in contents]
        return sorted(rows, key=lambda row: row.number or 0)

    def _path(self, row: Row) -> Path:
        return self.folder / f"{row.number}.json"


def has_rows(sweep: Path) -> bool:
    """Say whether a folder is that of a sweep which goes on, or was killed."""
    return (sweep / _ROWS).is_dir()


def relative_to_here(row: Row) -> Row:
    """Return a row whose folder reads as the user would write it."""
    here = Path.cwd()
    return replace(row, folder=row.folder.relative_to(here)) if row.folder.is_relative_to(here) else row


def remove_if_empty(folder: Path) -> None:
    """Hydra makes a job's folder before the job; leave none behind for a job that wrote nothing."""
    if folder.is_dir() and not os.listdir(folder):
        folder.rmdir()
