"""The parts of one server: its sounds, queue, results and renderer."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ddsp_match
from ddsp_match.app import storage
from ddsp_match.app.events import EventStream
from ddsp_match.app.limits import Limits
from ddsp_match.app.overrides import EFFECTS, QUALITIES, estimates_s, processors
from ddsp_match.app.queue import Queue
from ddsp_match.app.renderer import Renderer
from ddsp_match.app.results import KNOBS, Result, Results
from ddsp_match.app.sounds import Sound, Sounds
from ddsp_match.app.worker import Worker

PREFIX = "ddsp-match-app-"


def remove_stale(parent: Path) -> None:
    """Remove the scratch folders of killed servers: those whose process is gone."""
    for folder in parent.glob(f"{PREFIX}*-*"):
        pid = folder.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdecimal() and not _runs(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def _runs(pid: int) -> bool:
    if os.name != "posix":  # elsewhere asking would be a signal
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # of another process
        return True
    return True


class Services:
    """The sounds, the queue, the results and the renderer of one server.

    Args:
        outputs: Folder of the runs, and of what the app keeps.
        limits: Of this server.
        fit: Fits a sound; None for `ddsp_match.fit`.
        warm: Whether all that a fit needs is loaded before there is one.

    Raises:
        OutputError: Another app uses that folder, or nothing can be written there.
    """

    def __init__(self, outputs: Path, limits: Limits, fit: Callable[..., Any] | None, warm: bool) -> None:
        folder, self._lock = storage.locked(outputs)
        remove_stale(Path(tempfile.gettempdir()))
        self.scratch = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        self.boot = secrets.token_urlsafe(6)
        self.limits = limits
        self.events = EventStream(self.everything)
        self.runs, self.effects = Results(outputs), Results(outputs, KNOBS)
        self.sounds = Sounds(folder / "sounds", limits, self.tell_sounds)
        self.renderer = Renderer(self.scratch / "made")
        self.worker = Worker(self.runs, self.sounds, self.events, fit)
        self.queue = Queue(
            folder / "queue.json",
            self.sounds,
            self.worker.perform,
            self.worker.finished,
            self.tell_jobs,
            self.worker.warm if warm else lambda _: None,
            limits.n_waiting,
        )

    def everything(self) -> list[tuple[str, Any]]:
        """Return the events that tell a new page everything."""
        hello = {"version": ddsp_match.__version__, "boot": self.boot, "ready": self.worker.ready}
        sounds = {"sounds": self.sound_facts()}
        return [("jobs", {"jobs": self.queue.listed()}), ("sounds", sounds), ("hello", hello)]

    def tell_jobs(self) -> None:
        """Send the queue to all pages."""
        self.events.tell("jobs", {"jobs": self.queue.listed()})

    def tell_sounds(self) -> None:
        """Send the sounds to all pages."""
        self.events.tell("sounds", {"sounds": self.sound_facts()})

    def sound_facts(self) -> list[dict[str, Any]]:
        """Return the facts of the sounds, the newest first."""
        return [self.facts_of(sound) for sound in self.sounds.listed()]

    def facts_of(self, sound: Sound) -> dict[str, Any]:
        """Return the facts of a sound: its runs by their ids, the newest first, and how long a fit may take."""
        runs = [self.runs.id_of(self.runs.outputs / run) for run in reversed(sound.runs)]
        estimates = estimates_s(sound.seconds, sound.sample_rate, sound.channels)
        return {**sound.facts(), "runs": runs, "estimate_s": estimates}

    def short(self, run: Result) -> dict[str, Any]:
        """Return the row of a run in a list, with its sound and the present name of that."""
        sound = self.sounds.of_run(run.label)
        row = run.short()
        return {**row, "sound": sound and sound.id, "name": sound.name if sound else row["name"]}

    def state(self) -> dict[str, Any]:
        """Return all that a page needs to begin."""
        from ddsp_match.app.exports import kinds
        from ddsp_match.edits.kinds import registry

        return {
            "version": ddsp_match.__version__,
            "limits": {"bytes": self.limits.n_bytes, "seconds": self.limits.seconds, "channels": 2},
            "qualities": list(QUALITIES),
            "effects": list(EFFECTS),
            "processors": list(processors()),
            "edits": registry(),
            "exports": kinds(),
            "outputs": self.runs.outputs.name,
            # Last: the first time, what stands above takes seconds, and events tell of changes meanwhile.
            "ready": self.worker.ready,
            "jobs": self.queue.listed(),
            "sounds": self.sound_facts(),
        }

    def close(self, wait_s: float) -> bool:
        """End the work, with the best so far of a running fit kept; false where that did not come to its end."""
        self.renderer.close()
        try:
            return self.queue.close(wait_s)
        finally:
            shutil.rmtree(self.scratch, ignore_errors=True)
            self._lock.release()
