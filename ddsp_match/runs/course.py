"""A run over many sounds: the jobs that are left, and an entry in the store as each sound ends."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ddsp_match.core.errors import OutputError
from ddsp_match.datasets import Item
from ddsp_match.runs.batches import BatchJob
from ddsp_match.runs.engines import Engine
from ddsp_match.runs.store import Entry, Store, read_entry, source_facts, unchanged

Fit = Callable[[BatchJob], list[Entry]]
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@dataclass(frozen=True)
class Counts:
    """Progress of a run over many sounds.

    Attributes:
        total: Sounds in all.
        skipped: Finished by an earlier command.
        done: Finished by this one.
        failed: Failed in this one.
    """

    total: int
    skipped: int = 0
    done: int = 0
    failed: int = 0

    @property
    def left(self) -> int:
        """Sounds that were neither finished nor failed."""
        return self.total - self.skipped - self.done - self.failed


class ManyRun:
    """The outcome of each sound, entered as it becomes known.

    Attributes:
        counts: Sounds by what became of them.
        rest: The sounds that were not finished before, or have changed since.
        lost: Sounds of batches whose worker died, and how often they were begun so far.
        failures: Name and reason of each sound that failed.
        trouble: What was wrong with the disk, if anything: it ends the run.

    Args:
        store: Open for writing.
        items: All the sounds.
        stop: Whether to end early.
        tell: Told after each sound.
    """

    def __init__(
        self, store: Store, items: list[Item], stop: Callable[[], bool], tell: Callable[[Counts], None]
    ) -> None:
        self._store, self._stop, self._tell = store, stop, tell
        self.trouble: OutputError | None = None
        self.failures: list[tuple[str, str]] = []
        self.lost: list[tuple[Item, int]] = []
        self._sources: dict[str, dict[str, int]] = {}
        finished, self._attempts = _earlier(store, items)
        self.rest = [item for item in items if item.name not in finished]
        self.counts = Counts(len(items), skipped=len(items) - len(self.rest))

    def work(self, engine: Engine, fit: Fit, jobs: Iterable[BatchJob]) -> None:
        """Run the jobs and enter what becomes of them."""
        for finished in engine.run(_perform, self._tasks(jobs, fit), self._ended):
            job, answer = finished.job.batch, finished.result
            if answer is None:
                self._lost(job, finished.error, finished.attempts)
                continue
            if answer.trouble is not None:
                self.trouble = self.trouble or OutputError(answer.trouble[1], where=answer.trouble[0])
            entered = {entry.name for entry in answer.entries}
            for entry in answer.entries:
                self._enter(entry, finished.attempts)
            if not self._ended():
                for item in job.items:
                    if item.name not in entered:
                        self._fail(item, "the fit gave no result for it", finished.attempts)

    def to_be_alone(self) -> Iterator[Item]:
        """Yield the sounds of batches whose worker died, but those that were written before that."""
        for item, attempts in self.lost:
            entry = _written(self._store, item)
            if entry is None:
                self._attempts[item.name] = self._attempts.get(item.name, 0) + attempts
                yield item
            else:
                self._enter(entry, attempts)

    def _ended(self) -> bool:
        return self.trouble is not None or self._stop()

    def _tasks(self, jobs: Iterable[BatchJob], fit: Fit) -> Iterator[_Task]:
        """Yield the jobs; note size and time of their files before they are read, for a later run to compare with."""
        for job in jobs:
            for item in job.items:
                self._sources[item.name] = source_facts(item.path)
            yield _Task(job, fit)

    def _lost(self, job: BatchJob, error: str, attempts: int) -> None:
        if len(job.items) > 1:
            self.lost += [(item, attempts) for item in job.items]
            return
        for item in job.items:
            self._fail(item, error or "the fit gave no result", attempts)

    def _fail(self, item: Item, reason: str, attempts: int) -> None:
        facts = {} if item.pitch_midi is None else {"pitch_midi": item.pitch_midi}
        self._enter(Entry(item.name, str(item.path), "failed", item.family, reason, facts=facts), attempts)

    def _enter(self, entry: Entry, attempts: int) -> None:
        entry.attempts = self._attempts.get(entry.name, 0) + attempts
        entry.facts = {**entry.facts, **self._sources.pop(entry.name, {})}
        entry.finished_at = entry.finished_at or datetime.now(UTC).isoformat("T", "seconds")
        try:
            self._store.enter(entry)
        except OutputError as error:  # its folder is whole, and the next run finds it
            self.trouble = self.trouble or error
            return
        if entry.status == "done":
            self.counts = replace(self.counts, done=self.counts.done + 1)
        else:
            self.counts = replace(self.counts, failed=self.counts.failed + 1)
            self.failures.append((entry.name, entry.reason))
        self._tell(self.counts)


@dataclass(frozen=True)
class _Task:
    """The message to a worker: a batch, and the function of a module that fits it."""

    batch: BatchJob
    fit: Fit


@dataclass(frozen=True)
class _Answer:
    """The answer of a worker: entries, and place and reason of a failure of the disk, if any."""

    entries: list[Entry]
    trouble: tuple[str, str] | None = None


def _perform(task: _Task) -> _Answer:
    """In the worker: a disk that is full must arrive as that, not as a sound that failed."""
    try:
        return _Answer(task.fit(task.batch))
    except OutputError as error:
        return _Answer([], (str(error.where or task.batch.folder), error.found))
    except OSError as error:
        if error.errno in _FULL:
            return _Answer([], (str(task.batch.folder), (error.strerror or str(error)).lower()))
        raise


def _earlier(store: Store, items: list[Item]) -> tuple[set[str], dict[str, int]]:
    """Return the sounds that are finished and unchanged, and how often those that failed were begun."""
    by_name = {item.name: item for item in items}
    finished, changed, attempts = set(), [], {}
    for entry in store.each():
        item = by_name.get(entry.name)
        if item is None:
            continue
        if entry.status == "failed":
            attempts[entry.name] = entry.attempts
        elif unchanged(entry, source_facts(item.path)):
            finished.add(entry.name)
        else:
            changed.append(item)
    for item in changed:
        entry = _written(store, item)
        if entry is not None:  # fitted again already, and killed before it was entered
            store.enter(entry)
            finished.add(item.name)
    return finished, attempts


def _written(store: Store, item: Item) -> Entry | None:
    """Return the entry of a sound that was written as it is now, also one that the index lacks."""
    entry = read_entry(store.folder, item.name)
    return entry if entry is not None and unchanged(entry, source_facts(item.path)) else None
