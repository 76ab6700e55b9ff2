"""Progress over many sounds, on stderr: one bar, or a line now and then in a log file."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ddsp_match.tasks.fit_many import Counts

LOG_EVERY_S = 10.0
_BAR = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"


class ManyProgress:
    """Shows how many sounds are done and failed, how many a minute, and how long it will take.

    Args:
        quiet: Show nothing.
        label: Put before what is shown, for the jobs of a sweep.
        log_every_s: Seconds between two lines where stderr is no terminal.
    """

    def __init__(self, *, quiet: bool = False, label: str = "", log_every_s: float = LOG_EVERY_S) -> None:
        self._quiet, self._label, self._every = quiet, label, log_every_s
        self._began = self._reported = time.monotonic()
        self._bar: Any = None

    def on_begin(self, counts: Counts, notes: list[str]) -> None:
        """Show how many sounds there are, how many are done already, and what was left out."""
        if self._quiet:
            return
        before = f", {counts.skipped} already done" if counts.skipped else ""
        self._line("\n".join([*(f"note: {note}" for note in notes), f"{self._prefix()}{sounds(counts.total)}{before}"]))
        self._began = self._reported = time.monotonic()
        if sys.stderr.isatty() and counts.left:
            from tqdm import tqdm

            shown = {"total": counts.total, "initial": counts.skipped, "bar_format": _BAR}
            self._bar = tqdm(desc=self._label or "fit", file=sys.stderr, mininterval=0.1, **shown)

    def on_progress(self, counts: Counts) -> None:
        """Show how far it has come."""
        if self._quiet:
            return
        now = time.monotonic()
        if self._bar is not None:
            self._bar.set_postfix_str(self._figures(counts, now), refresh=False)
            self._bar.update(counts.total - counts.left - self._bar.n)
        elif now - self._reported >= self._every:
            self._reported = now
            self._line(f"{self._prefix()}{counts.total - counts.left}/{counts.total}, {self._figures(counts, now)}")

    def close(self) -> None:
        """Finish what is shown."""
        if self._bar is not None:
            self._bar.close()
        self._bar = None

    def _figures(self, counts: Counts, now: float) -> str:
        rate = (counts.done + counts.failed) / max(now - self._began, 1e-3)
        failed = [f"{counts.failed} failed"] if counts.failed else []
        return ", ".join([*failed, f"{60 * rate:.3g} sounds/min", f"{duration(counts.left / rate)} left"])

    def _prefix(self) -> str:
        return f"{self._label}: " if self._label else ""

    def _line(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def __enter__(self) -> ManyProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def sounds(number: int) -> str:
    """A number of sounds in words."""
    return f"{number} sound{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """A time in words that are short and not more exact than they can be."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
