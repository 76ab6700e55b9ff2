"""Everything one server holds, put together."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Any

import ddsp_match
from ddsp_match.app import checkpoint
from ddsp_match.app.bench import Bench
from ddsp_match.app.events import Hub
from ddsp_match.app.fitting import Fitter
from ddsp_match.app.jobs import Queue
from ddsp_match.app.orders import EFFECTS, QUALITIES, estimates_s, processors
from ddsp_match.app.runs import KNOBS, Run, Runs
from ddsp_match.app.sounds import Limits, Sound, Sounds

PREFIX = "ddsp-match-app-"


def sweep() -> None:
    """Removes what servers left behind that were killed: scratch folders whose process is gone."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
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
    except OSError:  # somebody else's
        return True
    return True


class Desk:
    """The sounds, the queue, the runs and the workbench of one server.

    Args:
        outputs: Folder of the runs, and of what the app keeps.
        limits: Of an upload.

    Raises:
        OutputError: Another app uses that folder, or nothing can be written there.
    """

    def __init__(self, outputs: Path, limits: Limits) -> None:
        kept, self._lock = checkpoint.locked(outputs)
        sweep()
        self.scratch = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        self.boot = secrets.token_urlsafe(6)
        self.limits = limits
        self.hub = Hub(self.everything)
        self.runs, self.effects = Runs(outputs), Runs(outputs, KNOBS)
        self.sounds = Sounds(kept / "sounds", limits, self.tell_sounds)
        self.bench = Bench(self.scratch / "made")
        self.fitter = Fitter(self.runs, self.sounds, self.hub)
        self.queue = Queue(
            kept / "queue.json",
            self.sounds,
            self.fitter.perform,
            self.fitter.finished,
            self.tell_jobs,
            self.fitter.warm,
        )

    def everything(self) -> list[tuple[str, Any]]:
        """What a page is told when it comes."""
        hello = {"version": ddsp_match.__version__, "boot": self.boot, "ready": self.fitter.ready}
        sounds = {"sounds": self.told_sounds()}
        return [("hello", hello), ("jobs", {"jobs": self.queue.listed()}), ("sounds", sounds)]

    def tell_jobs(self) -> None:
        """Tells all pages of the queue."""
        self.hub.tell("jobs", {"jobs": self.queue.listed()})

    def tell_sounds(self) -> None:
        """Tells all pages of the sounds."""
        self.hub.tell("sounds", {"sounds": self.told_sounds()})

    def told_sounds(self) -> list[dict[str, Any]]:
        """What pages are told of the sounds, the newest first."""
        return [self.told_sound(sound) for sound in self.sounds.listed()]

    def told_sound(self, sound: Sound) -> dict[str, Any]:
        """What pages are told of a sound: its runs by their ids, the newest first, and how long a fit may take."""
        runs = [self.runs.id_of(self.runs.outputs / run) for run in reversed(sound.runs)]
        estimates = estimates_s(sound.seconds, sound.sample_rate, sound.channels)
        return {**sound.facts(), "runs": runs, "estimate_s": estimates}

    def short(self, run: Run) -> dict[str, Any]:
        """What a list tells of a run: its sound, and what that is called now."""
        sound = self.sounds.of_run(run.label)
        told = run.short()
        return {**told, "sound": sound and sound.id, "name": sound.name if sound else told["name"]}

    def state(self) -> dict[str, Any]:
        """All that a page needs to begin."""
        from ddsp_match.app.exports import kinds
        from ddsp_match.edits.kinds import registry

        return {
            "version": ddsp_match.__version__,
            "boot": self.boot,
            "limits": {"bytes": self.limits.n_bytes, "seconds": self.limits.seconds, "channels": 2},
            "qualities": list(QUALITIES),
            "effects": list(EFFECTS),
            "processors": list(processors()),
            "edits": registry(),
            "exports": kinds(),
            "outputs": self.runs.outputs.name,
            # Last: the first time, what stands above takes seconds, and events tell of changes meanwhile.
            "ready": self.fitter.ready,
            "jobs": self.queue.listed(),
            "sounds": self.told_sounds(),
        }

    def close(self, wait_s: float) -> bool:
        """Ends the work, with the best so far of a running fit kept; false where that did not come to its end."""
        self.bench.close()
        try:
            return self.queue.close(wait_s)
        finally:
            shutil.rmtree(self.scratch, ignore_errors=True)
            self._lock.release()
