"""A run over many sounds with a fast fit, which dies by ``kill -9`` at a chosen change on the disk.

``python -m tests.tasks.killed_run SAMPLES OUT ENGINE [CHANGE]``: just before the process that fits makes its CHANGE-th
change in the folder OUT (a file opened for writing, a rename, a new or removed folder), the run's own process is
killed. Counting changes rather than milliseconds makes the moment the same on every machine. Each fit that begins
leaves its sound's name in ``OUT.log``.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from ddsp_match.core.settings import FitSettings
from ddsp_match.tasks.fit_many import fit_many
from tests.tasks.fakes_many import fake_fit

# What workers are told through the environment: the folder, the change to die at, and the process to kill.
FOLDER, CHANGE, VICTIM = "KILLED_RUN_FOLDER", "KILLED_RUN_CHANGE", "KILLED_RUN_VICTIM"
CHANGES = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir")


def logged_fit(job):
    log = job.folder.with_suffix(".log")
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, "".join(f"{item.name}\n" for item in job.items).encode())
    os.close(handle)
    return fake_fit(job)


def kill_at_change() -> None:
    """Count this process' changes in the folder, and kill the run at the chosen one."""
    inside, left, victim = os.environ[FOLDER] + os.sep, int(os.environ[CHANGE]), int(os.environ[VICTIM])

    def count(event: str, arguments: tuple) -> None:
        nonlocal left
        if event not in CHANGES or not os.fsdecode(arguments[0] or "").startswith(inside):
            return
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
            return
        left -= 1
        if left == 0:
            os.kill(victim, signal.SIGKILL)

    sys.addaudithook(count)


if CHANGE in os.environ:
    kill_at_change()


def main() -> None:
    samples, out, engine, *change = sys.argv[1:]
    from tests.tasks import killed_run  # not __main__: workers are handed a function of a module

    if change:
        os.environ.update({FOLDER: out, CHANGE: change[0], VICTIM: str(os.getpid())})
        if engine == "inline":  # else the workers count, when they import this module
            kill_at_change()
    settings = FitSettings(batch_size=2, threads=1)
    settings.engine.name, settings.engine.workers = engine, 2 if engine == "processes" else None
    result = fit_many(Path(samples), settings, Path(out), fit=killed_run.logged_fit)
    print(result.counts.skipped, result.counts.done, result.counts.failed, result.counts.left)


if __name__ == "__main__":
    main()
