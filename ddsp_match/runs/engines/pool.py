"""Jobs assigned to workers that may die: the bookkeeping that processes and Ray have in common.

A pool knows how to start a worker, send it a job and wait for its events. `PoolEngine` decides the rest, the same way
everywhere: a job is drawn when a worker is free; a worker that dies loses only the job it had, which a new worker
gets before all others; a worker holds one job at a time, so that it is known which job it died of; workers that came to
the end of their jobs stay for the engine's next run, which then loads nothing.
"""

from __future__ import annotations

import pickle
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from ddsp_match.runs.engines.base import EngineError, Finished, J, R
from ddsp_match.runs.engines.job import Reply, error_text, pickle_function

W = TypeVar("W")

# How long to wait for events before `stop` is asked again: five times a second.
TICK_S = 0.2
# What running jobs are given to come to an end once they were asked to; a person who pressed Ctrl-C waits for it.
GRACE_S = 3.0


@dataclass(frozen=True)
class Ready:
    """The worker has started and has the function."""


@dataclass(frozen=True)
class Unusable:
    """The worker has started and cannot import the function; another one could not either."""

    reason: str


@dataclass(frozen=True)
class Exited:
    """The worker is gone."""

    reason: str


Event = Ready | Unusable | Exited | Reply


class Pool(Protocol[W]):
    """Workers that have one function; `W` is the type of a worker (hashable)."""

    def start(self) -> W:
        """Begin to start a worker; the event `Ready` or `Exited` follows."""
        ...

    def send(self, worker: W, payload: bytes) -> None:
        """Send a pickled job to a ready worker; `Reply` or `Exited` follows, also if it is dead already."""
        ...

    def wait(self, seconds: float) -> list[tuple[W, Event]]:
        """Return events as soon as there are any, or an empty list after so many seconds."""
        ...

    def ask_to_stop(self) -> None:
        """Make `asked_to_stop` true in every worker."""
        ...

    def close(self) -> None:
        """End all workers, idle ones in order, the others at once; safe to call twice."""
        ...


@dataclass
class _Task(Generic[J]):
    job: J
    payload: bytes
    attempts: int = 0


class _Crew(Generic[W]):
    """A pool, and which of its workers have no job; between two runs these are all of them."""

    def __init__(self, pool: Pool[W]) -> None:
        self.pool = pool
        self.starting: set[W] = set()
        self.idle: list[W] = []


class _Assignments(Generic[W, J]):
    """Which worker has which job, and which jobs wait."""

    def __init__(self, crew: _Crew[W], size: int, jobs: Iterable[J], retries: int) -> None:
        self.pool, self.starting, self.idle = crew.pool, crew.starting, crew.idle
        self.size, self.retries = size, retries
        self.source: Iterator[J] = iter(jobs)
        self.waiting: deque[_Task[J]] = deque()
        self.busy: dict[W, _Task[J]] = {}
        self.failed_starts = 0

    def dispatch(self) -> list[Finished[J, Any]]:
        """Draw jobs for free workers, start workers, send jobs; returns jobs that cannot be sent."""
        unsendable: list[Finished[J, Any]] = []
        while len(self.waiting) + len(self.busy) < self.size:
            try:
                job = next(self.source)
            except StopIteration:
                break
            try:
                self.waiting.append(_Task(job, pickle.dumps(job, pickle.HIGHEST_PROTOCOL)))
            except Exception as error:
                unsendable.append(Finished(job, error=f"the job cannot be sent to a worker: {error_text(error)}"))
                break  # a few thousand of them should not be held either
        while self.idle and self.waiting:
            worker, task = self.idle.pop(), self.waiting.popleft()
            task.attempts += 1
            self.busy[worker] = task
            self.pool.send(worker, task.payload)
        while len(self.starting) < len(self.waiting) and len(self.starting) + len(self.busy) < self.size:
            self.starting.add(self.pool.start())
        return unsendable

    def handle(self, worker: W, event: Event) -> Iterator[Finished[J, Any]]:
        """Take in an event of a worker; yields the job that it finished or was given up for."""
        match event:
            case Ready():
                self.starting.discard(worker)
                self.idle.append(worker)
                self.failed_starts = 0
            case Unusable(reason):
                raise EngineError(f"workers cannot load what they have to do: {reason}")
            case Exited(reason):
                yield from self._exited(worker, reason)
            case Reply():
                task = self.busy.pop(worker, None)
                if task is not None:
                    self.idle.append(worker)
                    yield _finished(task, event)

    def _exited(self, worker: W, reason: str) -> Iterator[Finished[J, Any]]:
        if worker in self.idle:
            self.idle.remove(worker)
        elif worker in self.busy:
            task = self.busy.pop(worker)
            if task.attempts <= self.retries:
                self.waiting.appendleft(task)
            else:
                times = "once" if task.attempts == 1 else f"{task.attempts} times"
                yield Finished(task.job, error=f"its worker died {times}: {reason}", attempts=task.attempts)
        elif worker in self.starting:
            self.starting.discard(worker)
            self.failed_starts += 1
            if self.failed_starts <= self.retries:
                return
            alive = len(self.idle) + len(self.busy)
            if not alive and not self.starting:
                raise EngineError(
                    f"workers died before they could begin, {self.failed_starts} in a row; the last one: {reason}",
                    hint="fewer workers (engine.workers), or engine=inline to see what goes wrong",
                )
            # some work, more do not fit (memory, most likely): go on with those
            self.size = max(1, alive + len(self.starting))


class PoolEngine(Generic[W]):
    """An engine of workers that may die; see `Engine`. They stay from one run to the next of the same function.

    Args:
        workers: How many, at most; they are started when there are jobs for them.
        retries: How often a job is tried again whose worker died; also how many workers in a row may die at start.
        grace_s: Seconds that running jobs are given to come to an end when they are asked to stop.
    """

    def __init__(self, workers: int, retries: int, grace_s: float = GRACE_S) -> None:
        self.workers, self.retries, self.grace_s = workers, retries, grace_s
        self._pools: list[Pool[W]] = []
        self._resting: dict[bytes, _Crew[W]] = {}

    def new_pool(self, function: bytes) -> Pool[W]:
        """Return a pool without workers, for a pickled function."""
        raise NotImplementedError

    def run(
        self, function: Callable[[J], R], jobs: Iterable[J], stop: Callable[[], bool] | None = None
    ) -> Iterator[Finished[J, R]]:
        """See `Engine.run`."""
        return self._run(pickle_function(function), jobs, stop)

    def _run(self, function: bytes, jobs: Iterable[J], stop: Callable[[], bool] | None) -> Iterator[Finished[J, Any]]:
        crew = self._resting.pop(function, None) or self._new_crew(function)
        assignments = _Assignments(crew, self.workers, jobs, self.retries)
        try:
            while not (stop is not None and stop()):
                finished = assignments.dispatch()
                if not finished:
                    if not assignments.waiting and not assignments.busy:
                        self._resting[function] = crew
                        return
                    for worker, event in crew.pool.wait(TICK_S):
                        finished += assignments.handle(worker, event)
                    # before the caller takes its time over the results: no worker should wait for that
                    finished += assignments.dispatch()
                yield from finished
            yield from _late_results(assignments, self.grace_s)
        finally:
            if self._resting.get(function) is not crew:
                crew.pool.close()

    def _new_crew(self, function: bytes) -> _Crew[W]:
        self._pools.append(self.new_pool(function))
        return _Crew(self._pools[-1])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every worker, also where a run was left in the middle."""
        self._resting.clear()
        while self._pools:
            self._pools.pop().close()


def _late_results(assignments: _Assignments[W, J], grace_s: float) -> Iterator[Finished[J, Any]]:
    """Results of running jobs that still come when they are asked to stop."""
    assignments.pool.ask_to_stop()
    end = time.monotonic() + grace_s
    while assignments.busy and (remaining_s := end - time.monotonic()) > 0:
        for worker, event in assignments.pool.wait(min(remaining_s, TICK_S)):
            if worker in assignments.busy:
                yield from (one for one in assignments.handle(worker, event) if not one.error)


def _finished(task: _Task[J], reply: Reply) -> Finished[J, Any]:
    if reply.error:
        return Finished(task.job, error=reply.error, attempts=task.attempts, traceback=reply.traceback)
    try:
        return Finished(task.job, pickle.loads(reply.payload), attempts=task.attempts)
    except Exception as error:
        return Finished(task.job, error=f"the result could not be read: {error_text(error)}", attempts=task.attempts)
