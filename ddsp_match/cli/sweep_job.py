"""One job of a sweep, wherever Hydra's launcher runs it: in this process, in another one, on another machine."""

from __future__ import annotations

import argparse
import math
import os
import platform
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ddsp_match.cli.sweep_watch import SweepInterrupt
from ddsp_match.cli.values import FLAGS
from ddsp_match.core.errors import MatchError, OutputError, SoundError
from ddsp_match.runs.sweep_rows import Row, Rows, remove_if_empty

# Does one combination: the command line, settings, folder, how it is called, the wish to stop, the row to fill in.
Work = Callable[[argparse.Namespace, Any, Path, str, SweepInterrupt, Row], None]


def _this_process() -> str:
    return f"{platform.node()}:{os.getpid()}"


@dataclass
class SweepJob:
    """Does one job and leaves its row on disk; holds nothing but what can be pickled.

    Attributes:
        work: Does one combination; a function of a module, or a `functools.partial` of one.
        arguments: Of the command line.
        rows: Where the row goes.
        fixed: The keys that the user set and that do not differ between jobs.
        started_by: The process that started the sweep.
        started_in: Its working directory, which relative paths start from.
    """

    work: Work
    arguments: argparse.Namespace
    rows: Rows
    fixed: frozenset[str]
    started_by: str = field(default_factory=_this_process)
    started_in: str = field(default_factory=os.getcwd)

    def __call__(self, build: Callable[[], Any], out: Path, words: list[str], number: int) -> float:
        """Do it.

        Args:
            build: Returns the settings, or raises ConfigError.
            out: The run directory.
            words: The overrides of this job.
            number: Which job it is.

        Returns:
            What the sweeper makes small; infinite where the job failed or was left out.

        Raises:
            Exception: In the process that started the sweep, what would meet every other job, and a bug of ours.
        """
        here = _this_process() == self.started_by
        if not here:
            self._settle_in()
        interrupt = SweepInterrupt(self.rows)
        if interrupt.wanted():
            remove_if_empty(out)
            return math.inf
        pairs = [word.lstrip("+").partition("=") for word in words]
        values = {key: value for key, equals, value in pairs if equals and key not in self.fixed}
        row = Row(out, values, number=number)
        self.rows.put(row)
        try:
            self.work(self.arguments, build(), out, row.label(), interrupt, row)
        except MatchError as error:
            row.error, row.ends_all = error.text(FLAGS), isinstance(error, SoundError | OutputError)
            if here and row.ends_all:
                self.rows.drop(row)
                raise
        except Exception as error:
            if here:
                self.rows.drop(row)
                raise
            row.error, row.ends_all = f"{type(error).__name__}: {error}", True
            row.bug = traceback.format_exc()
        except BaseException:  # a second Ctrl-C
            self.rows.drop(row)
            raise
        finally:
            remove_if_empty(out)
        row.ended = True
        self.rows.put(row)
        if row.ends_all:
            self.rows.stop_mark.touch()
        return row.figure()

    def _settle_in(self) -> None:
        """Make another process behave as the one that started the sweep."""
        os.chdir(self.started_in)
        if threading.current_thread() is threading.main_thread():
            # Ctrl-C reaches every process of the terminal; what it means is for the one that waits to say.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
