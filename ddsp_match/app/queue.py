"""The queue of fits and effect identifications: one runs, the others wait; it survives the end of the server."""

from __future__ import annotations

import contextlib
import math
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddsp_match.app.responses import Refusal
from ddsp_match.app.sounds import Sound, Sounds
from ddsp_match.app.storage import read_json, write_json

if TYPE_CHECKING:
    from ddsp_match.fitting.live import Best

MAX_KEPT, MAX_LOSSES = 50, 400
MAX_STARTS = 2  # a fit that has ended the whole app so often is not begun again
QUEUED, RUNNING, STOPPING, DONE, FAILED, CANCELLED = "queued", "running", "stopping", "done", "failed", "cancelled"
OVER = (DONE, FAILED, CANCELLED)


@dataclass
class Job:
    """One fit or effect identification, from its order to its end.

    Attributes:
        sound: What is fitted; of an effect the wet sound.
        settings: As requested; the worker checks them.
        dry: Of an effect, the dry sound; None for a fit.
        starts: How often it has been begun, in this server and those before it.
        state: Where it is.
        stage: The step that is under way.
        progress: Of f0, 0 to 1, while that is tracked.
        steps: Done, in all, their loss, and the lowest loss.
        losses: Steps with their loss and the lowest so far.
        best: The best sound so far.
        version: How many of these there have been.
        best_seconds: From the fit's start to that one.
        run: Id of the run that was written.
        effect: Id of the effect that was written.
        error: What was wrong.
    """

    sound: Sound
    settings: dict[str, Any]
    dry: Sound | None = None
    starts: int = 0
    id: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    created: float = field(default_factory=time.time)
    state: str = QUEUED
    stage: str = ""
    progress: float | None = None
    steps: tuple[int, int, float, float] = (0, 0, math.nan, math.nan)
    losses: list[tuple[int, float, float]] = field(default_factory=list)
    best: Best | None = None
    version: int = 0
    best_seconds: float = 0.0
    began: float = 0.0
    ended: float = 0.0
    run: str | None = None
    effect: str | None = None
    error: dict[str, str] | None = None

    def elapsed_s(self) -> float:
        """Return the seconds it has been running."""
        return (self.ended or time.perf_counter()) - self.began if self.began else 0.0

    @property
    def sounds(self) -> tuple[Sound, ...]:
        """The sounds it needs."""
        return (self.sound,) if self.dry is None else (self.sound, self.dry)

    def order(self) -> dict[str, Any]:
        """Return what is stored of it, to begin it again."""
        return {
            "id": self.id,
            "created": self.created,
            "sound": self.sound.id,
            "dry": self.dry and self.dry.id,
            "settings": self.settings,
            "begun": self.starts,
        }

    def facts(self, position: int | None) -> dict[str, Any]:
        """Return its facts for pages."""
        step, steps, loss, best = self.steps
        thin = max(1, -(-len(self.losses) // MAX_LOSSES))
        names = "id settings state stage progress version best_seconds run effect error created".split()
        return {
            **{name: getattr(self, name) for name in names},
            "kind": "fit" if self.dry is None else "effect",
            "quality": self.settings.get("quality"),
            "effects": self.settings.get("effects"),
            "dry": self.dry and self.dry.id,
            "sound": self.sound.id,
            "name": self.sound.name,
            "position": position,
            "step": step,
            "steps": steps,
            "loss": loss,
            "best": best,
            "losses": [list(row) for row in self.losses[::thin]],
            "elapsed_s": self.elapsed_s(),
        }


class Queue:
    """Jobs in their order, and the one thread that does them.

    Args:
        file: Where those that are not over are written down; what a server before this one left there comes first.
        sounds: What they are about.
        perform: Does a job; what is wrong is left in it.
        finished: Told of a job that is over.
        changed: Told that the queue is another.
        prepare: Run before the first job, to have all at hand by then; told whether a client waits for it.
        n_waiting: Most jobs that may wait.
    """

    def __init__(
        self,
        file: Path,
        sounds: Sounds,
        perform: Callable[[Job], None],
        finished: Callable[[Job], None],
        changed: Callable[[], None],
        prepare: Callable[[Callable[[], bool]], None],
        n_waiting: int,
    ) -> None:
        self.file, self.n_waiting = file, n_waiting
        self._perform, self._finished, self._changed, self._prepare = perform, finished, changed, prepare
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._condition = threading.Condition()
        self.closing = False
        self._thread = threading.Thread(target=self._run, name="fits", daemon=True)
        for job in _stored(file, sounds):
            self._jobs[job.id] = job
            if job.state == QUEUED:
                for sound in job.sounds:
                    sound.needed += 1

    def start(self) -> None:
        """Begins to work."""
        self._thread.start()

    def close(self, wait_s: float) -> bool:
        """Ends the running fit with its best so far; those that wait stay written down. False: not ended in time."""
        with self._condition:
            self.closing = True
            for job in self._jobs.values():
                if job.state == RUNNING:
                    job.state = STOPPING
            self._condition.notify_all()
        if self._thread.is_alive():  # it may never have been started
            self._thread.join(wait_s)
        return not self.busy()

    def busy(self) -> bool:
        """Tell whether a job is running."""
        return any(job.state in (RUNNING, STOPPING) for job in list(self._jobs.values()))

    def add(self, job: Job) -> None:
        """Puts a job at the end.

        Raises:
            Refusal: Too many wait already.
        """
        with self._condition:
            if sum(other.state == QUEUED for other in self._jobs.values()) >= self.n_waiting:
                raise Refusal(429, f"{self.n_waiting} fits that wait already", "fewer", "waiting for one to end")
            self._jobs[job.id] = job
            for sound in job.sounds:
                sound.needed += 1
            over = [other for other in self._jobs.values() if other.state in OVER]
            for old in over[: max(0, len(over) - MAX_KEPT)]:
                del self._jobs[old.id]
            self._save()
            self._condition.notify_all()
        self._changed()

    def get(self, job_id: str) -> Job:
        """The job of that id.

        Raises:
            Refusal: There is none.
        """
        job = self._jobs.get(job_id)
        if job is None:
            raise Refusal(404, "no fit of that id", "one of this server", "the list of fits")
        return job

    def cancel(self, job: Job) -> None:
        """Calls a job off; one that runs ends with its best so far."""
        with self._condition:
            if job.state == QUEUED:
                self._over(job, CANCELLED)
            elif job.state == RUNNING:
                job.state = STOPPING
            self._save()
        self._changed()

    def facts(self, job: Job) -> dict[str, Any]:
        """Return the facts of one job for pages."""
        return next((facts for facts in self.listed() if facts["id"] == job.id), job.facts(None))

    def listed(self) -> list[dict[str, Any]]:
        """Return the facts of all jobs for pages, the oldest first."""
        with self._condition:
            rows, position = [], 0
            for job in self._jobs.values():
                waits = job.state == QUEUED
                position += waits
                rows.append(job.facts(position if waits else None if job.state in OVER else 0))
            return rows

    def _is_awaited(self) -> bool:
        return self.closing or any(job.state == QUEUED for job in list(self._jobs.values()))

    def _over(self, job: Job, state: str) -> None:
        job.state, job.ended = state, time.perf_counter()
        for sound in job.sounds:
            sound.needed -= 1

    def _save(self) -> None:
        """Writes down what is not over, but for a job that was called off and is about to end."""
        waiting = [job.order() for job in self._jobs.values() if job.state in (QUEUED, RUNNING)]
        write_json(self.file, {"jobs": waiting})

    def _next(self) -> Job | None:
        with self._condition:
            while not self.closing:
                for job in self._jobs.values():
                    if job.state == QUEUED:
                        job.state, job.began, job.starts = RUNNING, time.perf_counter(), job.starts + 1
                        self._save()
                        return job
                self._condition.wait()
        return None

    def _run(self) -> None:
        with contextlib.suppress(Exception):  # what is wrong will be wrong with the first job, too, and told there
            self._prepare(self._is_awaited)
        while (job := self._next()) is not None:
            self._changed()
            self._perform(job)
            with self._condition:
                ended = FAILED if job.error else DONE if job.run or job.effect else CANCELLED
                if ended == CANCELLED and self.closing:  # the server was ended, not the job: the next one begins it
                    job.state, job.starts = QUEUED, 0
                else:
                    self._over(job, ended)
                self._save()
            self._finished(job)
            self._changed()


def _stored(file: Path, sounds: Sounds) -> list[Job]:
    """The jobs that a server before this one has left."""
    content, jobs = read_json(file), []
    for order in content.get("jobs", []) if isinstance(content, dict) else []:
        with contextlib.suppress(Refusal):  # its sound is gone
            jobs.append(_restored(order, sounds))
    return jobs


def _restored(order: dict[str, Any], sounds: Sounds) -> Job:
    job = Job(
        sounds.get(order["sound"]),
        dict(order["settings"]),
        None if order["dry"] is None else sounds.get(order["dry"]),
        starts=order["begun"],
        id=order["id"],
        created=order["created"],
    )
    if job.starts >= MAX_STARTS:
        job.state = FAILED
        job.error = {
            "found": f"the app ended {job.starts} times in the midst of this",
            "needed": "as much memory as it takes",
            "try": "a shorter piece of the sound, or quality draft",
        }
    return job
