"""One job of the queue: the verb of the command line, with its progress sent to the open pages."""

from __future__ import annotations

import contextlib
import copy
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddsp_match.app.events import EventStream
from ddsp_match.app.overrides import QUALITIES, effect_overrides, fit_overrides, fit_settings
from ddsp_match.app.queue import DONE, FAILED, STOPPING, Job
from ddsp_match.app.responses import error_words
from ddsp_match.app.results import Results, plain_name
from ddsp_match.app.sounds import Sounds
from ddsp_match.core.errors import MatchError

if TYPE_CHECKING:
    from ddsp_match.fitting.live import Best
    from ddsp_match.tasks.fit import Analysis

EVERY_S = 1 / 15  # a curve that moves more often looks no smoother
# Stages that are over before they could be read, as the part of the one beside them that takes its time.
SHOWN_AS = {"render": "write", "judge": "write", "align": "read"}


def _fit(*args: Any, **options: Any) -> None:
    from ddsp_match.tasks.fit import fit  # imported at the first fit: it takes seconds

    fit(*args, **options)


class _Cancelled(Exception):
    """A job that was cancelled before there was anything to keep."""


class Worker:
    """Does the jobs of the queue.

    Args:
        runs: The runs that it writes.
        sounds: Their sounds.
        events: To the pages.
        fit: Fits a sound; None for `ddsp_match.fit`.
    """

    def __init__(
        self, runs: Results, sounds: Sounds, events: EventStream, fit: Callable[..., Any] | None = None
    ) -> None:
        self.runs, self.sounds, self.events, self.fit = runs, sounds, events, fit or _fit
        self.ready = False

    def warm(self, is_awaited: Callable[[], bool]) -> None:
        """Load and compile all that a fit needs, by a short one of no sound in particular, if there is time for it.

        Args:
            is_awaited: Tells whether a real one waits already.
        """
        import numpy as np

        from ddsp_match import config
        from ddsp_match.core.audio import Audio
        from ddsp_match.tasks import write_run  # noqa: F401  imported now, not in the first fit
        from ddsp_match.tasks.fit import fit

        def hurry(*_: object) -> None:
            if is_awaited():
                raise _Cancelled

        time_s = np.arange(8000) / 16000
        wave = sum(0.2 / k * np.sin(2 * np.pi * 220 * k * time_s) for k in range(1, 9))
        sound = Audio(np.asarray(wave, np.float32)[None], 16000)
        with contextlib.suppress(_Cancelled):
            for quality in QUALITIES:
                hurry()
                fit_settings(fit_overrides({"quality": quality}))
            settings = config.build(["optimizer.steps=2"])
            fit(sound, settings=settings, on_stage=hurry, on_pitch=hurry, on_step=hurry)
        self.ready = True
        self.events.tell("ready", {})

    def perform(self, job: Job) -> None:
        """Do a job; an error is stored in it."""
        try:
            _Fit(self, job).run() if job.dry is None else _Identification(self, job).run()
        except _Cancelled:
            pass
        except BaseException as error:
            if not isinstance(error, MatchError):
                logging.getLogger("ddsp_match.app").exception("a fit failed")
            job.error = error_words(error)

    def finished(self, job: Job) -> None:
        """Tell pages how a job ended."""
        if job.state == DONE:
            self.events.tell("done", {"job": job.id, "run": job.run, "effect": job.effect})
            self.events.tell("runs" if job.run else "effects", {})
        elif job.state == FAILED:
            self.events.tell("failed", {"job": job.id, "error": job.error})
        else:
            self.events.tell("cancelled", {"job": job.id})


class _Work:
    """A job that is being done, and what it tells."""

    def __init__(self, worker: Worker, job: Job) -> None:
        self.worker, self.job, self.told_at = worker, job, 0.0

    def stop(self) -> bool:
        return self.job.state == STOPPING

    def on_stage(self, stage: str) -> None:
        stage = SHOWN_AS.get(stage, stage)
        if stage != self.job.stage:
            self.job.stage, self.job.progress = stage, None
            self._tell("stage", stage=stage, progress=None)

    def on_step(self, step: int, steps: int, loss: float, best: float) -> None:
        job = self.job
        job.steps = (step, steps, loss, best)
        job.losses.append((step, loss, best))
        if step == steps or self._due():
            self._tell("step", step=step, steps=steps, loss=loss, best=best, elapsed_s=job.elapsed_s())

    def _due(self) -> bool:
        now = time.perf_counter()
        if now - self.told_at < EVERY_S:
            return False
        self.told_at = now
        return True

    def _tell(self, event: str, **data: Any) -> None:
        self.worker.events.tell(event, {"job": self.job.id, **data})


class _Identification(_Work):
    """The identification of an effect."""

    def run(self) -> None:
        from ddsp_match.config import build_effect
        from ddsp_match.tasks.effect import effect

        job = self.job
        assert job.dry is not None
        words = effect_overrides(job.settings)
        folder = self.worker.runs.free_folder(f"{job.sound.name} effect")
        effect(
            job.dry.wav,
            job.sound.wav,
            settings=build_effect(words),
            out=folder,
            name=plain_name(job.sound.name),
            command=f"ddsp-match app: effect {' '.join(words)}",
            on_stage=self.on_stage,
            on_step=self.on_step,
            stop=self.stop,
        )
        job.effect = self.worker.runs.id_of(folder)


class _Fit(_Work):
    """The fit of a sound."""

    def __init__(self, worker: Worker, job: Job) -> None:
        super().__init__(worker, job)
        self.has_lock = False

    def run(self) -> None:
        job, sound = self.job, self.job.sound
        words = fit_overrides(job.settings)
        same_f0 = all(word.startswith("quality=") for word in words)  # its f0 is the one that the sound's page shows
        folder = self.worker.runs.free_folder(sound.name)
        # Requests for f0 meanwhile wait for the analysis of this fit, and this fit for one that is under way.
        self.has_lock = same_f0 and sound.analysis_lock.acquire()
        try:
            self.worker.fit(
                sound.wav,
                settings=copy.deepcopy(fit_settings(words)),
                out=folder,
                name=plain_name(sound.name),
                command=f"ddsp-match app: fit {' '.join(words)}",
                on_stage=self.on_stage,
                on_step=self.on_step,
                on_pitch=self.on_pitch,
                on_analysis=self.on_analysis,
                on_best=self.on_best,
                analysis=sound.analysis if same_f0 else None,
                stop=self.stop,
            )
        finally:
            self._release_analysis()
        self.worker.sounds.note_run(sound, self.worker.runs.label_of(folder))
        job.run = self.worker.runs.id_of(folder)

    def on_pitch(self, done: int, total: int) -> None:
        if self.stop():
            raise _Cancelled
        self.job.progress = done / max(total, 1)
        if self._due():
            self._tell("stage", stage=self.job.stage, progress=self.job.progress)

    def on_analysis(self, analysis: Analysis) -> None:
        if self.has_lock:
            self.job.sound.analysis = analysis
        self._release_analysis()

    def on_best(self, best: Best) -> None:
        job = self.job
        job.best, job.best_seconds = best, job.elapsed_s()
        job.version += 1
        url = f"/api/fits/{job.id}/best.wav?v={job.version}"
        self._tell("best", version=job.version, seconds=job.best_seconds, url=url)

    def _release_analysis(self) -> None:
        if self.has_lock:
            self.has_lock = False
            self.job.sound.analysis_lock.release()


def write_best(job: Job, folder: Path) -> Path | None:
    """Writes the best sound so far to a file of its own; None where there is nothing to hear yet."""
    from ddsp_match.core.audio import write

    best, version = job.best, job.version
    if best is None:
        return None
    path = folder / f"best-{job.id}-{version}.wav"
    if not path.exists():
        write(path, best.audio(), "FLOAT")
        for old in folder.glob(f"best-{job.id}-*.wav"):  # but the last few, which may just be on their way
            if int(old.stem.rpartition("-")[2]) < version - 3:
                old.unlink(missing_ok=True)
    return path
