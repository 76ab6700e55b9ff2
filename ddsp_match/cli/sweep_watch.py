"""A sweep seen from the waiting process: the request to stop, and the jobs that ended elsewhere."""

from __future__ import annotations

import sys
import threading
from types import FrameType

from ddsp_match.cli.progress import STOPPING, Interrupt
from ddsp_match.runs.sweep_rows import Rows

_POLL_S = 0.5


class SweepInterrupt(Interrupt):
    """Ctrl-C in a sweep: the wish to stop is a file, which jobs in other processes see too.

    Args:
        rows: Of the sweep.
        message: What the user is told at the first one.
    """

    def __init__(self, rows: Rows, message: str = STOPPING) -> None:
        super().__init__(message)
        self._mark = rows.stop_mark

    def wanted(self) -> bool:
        """Say whether the user has asked to stop, here or where the sweep was started."""
        return super().wanted() or self._mark.exists()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        super()._on_signal(number, frame)
        self._mark.touch()


class Watch:
    """While entered, says on stderr which jobs in other processes have ended.

    Args:
        rows: Of the sweep.
        form: How a loss is written.
    """

    def __init__(self, rows: Rows, form: str) -> None:
        self._rows, self._form = rows, form
        self._reported: set[int | None] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._over.wait(_POLL_S):
            self._say()

    def _say(self) -> None:
        for row in self._rows.read():
            if row.number not in self._reported and row.ended:
                self._reported.add(row.number)
                how = f"failed: {row.error}" if row.error else f"{row.loss:{self._form}} ({row.seconds:.1f} s)"
                print(f"run {row.number}  {row.label()}  {how}", file=sys.stderr, flush=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._say()
