"""Jobs handed to workers that may die: the bookkeeping that processes and Ray have in common.

A crew knows how to start a worker, give it a job and hear from it. `run_jobs` decides the rest, the same way
everywhere: a job is drawn when a worker is free; a worker that dies loses only the job it had, which a new worker
gets before all others; a worker holds one job at a time, so that nobody has to guess which job it died of.
"""

from __future__ import annotations

import pickle
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from ddsp_match.runs.engines.base import EngineError, Finished, J
from ddsp_match.runs.engines.performing import Reply, words_of

W = TypeVar("W")

# How long to listen before `stop` is asked again: five times a second.
TICK_S = 0.2
# What running jobs are given to come to an end once they were asked to; a person who pressed Ctrl-C waits for it.
GRACE_S = 3.0


@dataclass(frozen=True)
class Ready:
    """The worker has started and has the function."""


@dataclass(frozen=True)
class Useless:
    """The worker has started and cannot import the function; another one could not either."""

    why: str


@dataclass(frozen=True)
class Died:
    """The worker is gone."""

    why: str


Event = Ready | Useless | Died | Reply


class Crew(Protocol[W]):
    """The workers of one engine; `W` is what it calls a worker (hashable)."""

    def start(self) -> W:
        """Begin to start a worker; `Ready` or `Died` is heard later."""
        ...

    def give(self, worker: W, payload: bytes) -> None:
        """Hand a pickled job to a ready worker; `Reply` or `Died` is heard later, also if it is dead already."""
        ...

    def hear(self, seconds: float) -> list[tuple[W, Event]]:
        """What happened; returns as soon as something did, with an empty list after so many seconds."""
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


class _Roster(Generic[W, J]):
    """Who does what."""

    def __init__(self, crew: Crew[W], size: int, jobs: Iterable[J], retries: int) -> None:
        self.crew, self.size, self.retries = crew, size, retries
        self.source: Iterator[J] = iter(jobs)
        self.waiting: deque[_Task[J]] = deque()
        self.starting: set[W] = set()
        self.idle: list[W] = []
        self.busy: dict[W, _Task[J]] = {}
        self.failed_starts = 0

    def hand_out(self) -> list[Finished[J, Any]]:
        """Draw what there are workers for, start workers, give out jobs; returns jobs that cannot be sent."""
        unsendable: list[Finished[J, Any]] = []
        while len(self.waiting) + len(self.busy) < self.size:
            try:
                job = next(self.source)
            except StopIteration:
                break
            try:
                self.waiting.append(_Task(job, pickle.dumps(job, pickle.HIGHEST_PROTOCOL)))
            except Exception as error:
                unsendable.append(Finished(job, error=f"the job cannot be sent to a worker: {words_of(error)}"))
                break  # a few thousand of them should not be held either
        while self.idle and self.waiting:
            worker, task = self.idle.pop(), self.waiting.popleft()
            task.attempts += 1
            self.busy[worker] = task
            self.crew.give(worker, task.payload)
        while len(self.starting) < len(self.waiting) and len(self.starting) + len(self.busy) < self.size:
            self.starting.add(self.crew.start())
        return unsendable

    def note(self, worker: W, event: Event) -> Iterator[Finished[J, Any]]:
        """Enter what happened to a worker."""
        match event:
            case Ready():
                self.starting.discard(worker)
                self.idle.append(worker)
                self.failed_starts = 0
            case Useless(why):
                raise EngineError(f"workers cannot load what they have to do: {why}")
            case Died(why):
                yield from self._bury(worker, why)
            case Reply():
                task = self.busy.pop(worker, None)
                if task is not None:
                    self.idle.append(worker)
                    yield _finished(task, event)

    def _bury(self, worker: W, why: str) -> Iterator[Finished[J, Any]]:
        if worker in self.idle:
            self.idle.remove(worker)
        elif worker in self.busy:
            task = self.busy.pop(worker)
            if task.attempts <= self.retries:
                self.waiting.appendleft(task)
            else:
                times = "once" if task.attempts == 1 else f"{task.attempts} times"
                yield Finished(task.job, error=f"its worker died {times}: {why}", attempts=task.attempts)
        elif worker in self.starting:
            self.starting.discard(worker)
            self.failed_starts += 1
            if self.failed_starts <= self.retries:
                return
            alive = len(self.idle) + len(self.busy)
            if not alive and not self.starting:
                raise EngineError(
                    f"workers died before they could begin, {self.failed_starts} in a row; the last one: {why}",
                    hint="fewer workers (engine.workers), or engine=inline to see what goes wrong",
                )
            # some work, more do not fit (memory, most likely): go on with those
            self.size = max(1, alive + len(self.starting))


def run_jobs(
    crew: Crew[W], jobs: Iterable[J], *, size: int, retries: int, stop: Callable[[], bool] | None
) -> Iterator[Finished[J, Any]]:
    """Run jobs on a crew; see `Engine.run`. The crew is closed at the end, however that comes.

    Args:
        crew: The workers.
        jobs: What to do.
        size: How many workers, at most; they are started when there are jobs for them.
        retries: How often a job is tried again whose worker died; also how many workers in a row may die at start.
        stop: Whether to end early.
    """
    roster = _Roster(crew, size, jobs, retries)
    try:
        while not (stop is not None and stop()):
            finished = roster.hand_out()
            if not finished:
                if not roster.waiting and not roster.busy:
                    return
                for worker, event in crew.hear(TICK_S):
                    finished += roster.note(worker, event)
                # before the caller takes its time over the results: nobody should wait for that
                finished += roster.hand_out()
            yield from finished
        yield from _last_words(roster)
    finally:
        crew.close()


def _last_words(roster: _Roster[W, J]) -> Iterator[Finished[J, Any]]:
    """Results of running jobs that still come when they are asked to stop."""
    roster.crew.ask_to_stop()
    end = time.monotonic() + GRACE_S
    while roster.busy and (left := end - time.monotonic()) > 0:
        for worker, event in roster.crew.hear(min(left, TICK_S)):
            if worker in roster.busy:
                yield from (one for one in roster.note(worker, event) if not one.error)


def _finished(task: _Task[J], reply: Reply) -> Finished[J, Any]:
    if reply.error:
        return Finished(task.job, error=reply.error, attempts=task.attempts, traceback=reply.traceback)
    try:
        return Finished(task.job, pickle.loads(reply.payload), attempts=task.attempts)
    except Exception as error:
        return Finished(task.job, error=f"the result could not be read: {words_of(error)}", attempts=task.attempts)
