"""The interface of an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

from ddsp_match.core.errors import MatchError

J = TypeVar("J")
R = TypeVar("R")


class EngineError(MatchError):
    """Workers that cannot be had: they end before their first job, over and over."""


@dataclass(frozen=True)
class Finished(Generic[J, R]):
    """A job that came to its end, well or not.

    Attributes:
        job: The job, the very object that was given.
        result: What the function returned; None where there is an error.
        error: Empty, or why there is no result: the text of an exception (``TypeName: message``; our own
            errors' text as it is), or how often its worker died.
        attempts: How often the job was begun, at least 1.
        traceback: Of an exception that is not one of ours.
    """

    job: J
    result: R | None = None
    error: str = ""
    attempts: int = 1
    traceback: str = ""


class Engine(Protocol):
    """Runs jobs; a context manager that leaves no process behind. Workers may stay from one run to the next.

    Attributes:
        workers: How many jobs run at the same time, at most.
    """

    @property
    def workers(self) -> int:
        """The most jobs that run at the same time."""
        ...

    def run(
        self,
        function: Callable[[J], R],
        jobs: Iterable[J],
        stop: Callable[[], bool] | None = None,
    ) -> Iterator[Finished[J, R]]:
        """Run every job, and give each one back as it finishes, in whatever order that is.

        Jobs are drawn when a worker is free for them: at most `workers` are held that have not come back.
        While the caller looks at a result, the workers go on.

        Args:
            function: A function of a module (not a lambda, not of a script); it, the jobs and the results are pickled.
                It can ask `asked_to_stop` whether to come to an end.
            jobs: The jobs, as many as there are; drawn lazily.
            stop: Asked at least four times a second. Once true, no job is begun, `asked_to_stop` is true in the
                workers, results that still come within a few seconds are given back, and the iterator ends.
                Jobs that were cut off, or failed after they were asked to stop, are not given back at all.

        Raises:
            EngineError: Workers die before they could begin a job, over and over.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
