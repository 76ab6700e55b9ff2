"""A run over many sounds with a fast fit, for a test to kill: ``python -m tests.tasks.killed_run SAMPLES OUT ENGINE``.

Every begun fit leaves its sound's name in ``OUT.log``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ddsp_match.settings import FitSettings
from ddsp_match.tasks.fit_many import fit_many
from tests.tasks.fakes_many import fake_fit


def logged_fit(job):
    log = job.folder.with_suffix(".log")
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, "".join(f"{item.name}\n" for item in job.items).encode())
    os.close(handle)
    return fake_fit(job)


def main() -> None:
    from tests.tasks import killed_run  # not __main__: workers are handed a function of a module

    settings = FitSettings(batch_size=2, threads=1)
    settings.engine.name, settings.engine.workers = sys.argv[3], 2 if sys.argv[3] == "processes" else None
    result = fit_many(Path(sys.argv[1]), settings, Path(sys.argv[2]), fit=killed_run.logged_fit)
    print(result.counts.skipped, result.counts.done, result.counts.failed, result.counts.left)


if __name__ == "__main__":
    main()
