"""Run jobs in this process, one after the other: the easiest to debug."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Self

from ddsp_match.core.errors import MatchError
from ddsp_match.runs.engines.base import Finished, J, R
from ddsp_match.runs.engines.job import error_text, stop_request


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
            with stop_request(stop):
                finished = _finished(function, job)
            if finished.error and stop is not None and stop():
                return  # as in the other engines: a job that was interrupted has not failed
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
        return Finished(job, error=error_text(error))
    except (Exception, SystemExit) as error:
        return Finished(job, error=error_text(error), traceback=traceback.format_exc())
