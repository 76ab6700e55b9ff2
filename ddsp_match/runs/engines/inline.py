"""This process, one job after the other: the easiest to debug."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Self

from ddsp_match.core.errors import MatchError
from ddsp_match.runs.engines.base import Finished, J, R
from ddsp_match.runs.engines.performing import words_of
from ddsp_match.runs.engines.stopping import told_by


class Inline:
    """Runs the jobs here. A job that kills its process kills this one: there is no worker to lose."""

    workers = 1

    def run(
        self, function: Callable[[J], R], jobs: Iterable[J], stop: Callable[[], bool] | None = None
    ) -> Iterator[Finished[J, R]]:
        """See `Engine.run`."""
        for job in jobs:
            if stop is not None and stop():
                return
            with told_by(stop):
                finished = _finished(function, job)
            if finished.error and stop is not None and stop():
                return  # as in the other engines: who was interrupted has not failed
            yield finished

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to end."""


def _finished(function: Callable[[J], R], job: J) -> Finished[J, R]:
    try:
        return Finished(job, function(job))
    except MatchError as error:
        return Finished(job, error=words_of(error))
    except (Exception, SystemExit) as error:
        return Finished(job, error=words_of(error), traceback=traceback.format_exc())
