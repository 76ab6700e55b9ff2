"""Everything one server holds, put together."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Any

import ddsp_match
from ddsp_match.app.bench import Bench
from ddsp_match.app.events import Hub
from ddsp_match.app.fitting import Fitter
from ddsp_match.app.jobs import EFFECTS, QUALITIES, Queue
from ddsp_match.app.runs import Runs
from ddsp_match.app.sounds import Limits, Sounds

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
        outputs: Folder of the runs.
        limits: Of an upload.
    """

    def __init__(self, outputs: Path, limits: Limits) -> None:
        sweep()
        self.scratch = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        self.boot = secrets.token_urlsafe(6)
        self.limits = limits
        self.runs = Runs(outputs)
        self.sounds = Sounds(self.scratch / "sounds", limits)
        self.bench = Bench(self.scratch / "made")
        self.hub = Hub(self.everything)
        self.fitter = Fitter(self.runs, self.hub)
        self.queue = Queue(self.fitter.perform, self.fitter.finished, self.tell_jobs, self.fitter.warm)

    def everything(self) -> list[tuple[str, Any]]:
        """What a page is told when it comes."""
        hello = {"version": ddsp_match.__version__, "boot": self.boot, "ready": self.fitter.ready}
        return [("hello", hello), ("jobs", {"jobs": self.queue.listed()})]

    def tell_jobs(self) -> None:
        """Tells all pages of the queue."""
        self.hub.tell("jobs", {"jobs": self.queue.listed()})

    def state(self) -> dict[str, Any]:
        """All that a page needs to begin."""
        from ddsp_match.app.exports import kinds
        from ddsp_match.tasks.edit_kinds import registry

        return {
            "version": ddsp_match.__version__,
            "boot": self.boot,
            "limits": {"bytes": self.limits.n_bytes, "seconds": self.limits.seconds, "channels": 2},
            "ready": self.fitter.ready,
            "jobs": self.queue.listed(),
            "sounds": self.sounds.listed(),
            "qualities": list(QUALITIES),
            "effects": list(EFFECTS),
            "edits": registry(),
            "exports": kinds(),
            "outputs": self.runs.outputs.name,
        }

    def close(self, wait_s: float) -> bool:
        """Ends the work, with the best so far of a running fit kept; false where that did not come to its end."""
        self.bench.close()
        try:
            return self.queue.close(wait_s)
        finally:
            shutil.rmtree(self.scratch, ignore_errors=True)
