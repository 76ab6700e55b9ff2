"""Progress of scoring on stderr: a bar, or lines in a log file."""

from __future__ import annotations

import sys
import time
from typing import Any

LOG_EVERY_S = 10.0
_BAR = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}]"


class ScoreProgress:
    """Shows how many sounds are scored.

    Args:
        quiet: Show nothing.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet, self._bar, self._label, self._said = quiet, None, "", 0.0

    def start(self) -> None:
        """Say that something happens, as importing torch takes a second."""
        if not self._quiet and not sys.stderr.isatty():
            print("score", file=sys.stderr, flush=True)

    def on_progress(self, done: int, total: int, label: str = "score") -> None:
        """Show it."""
        if self._quiet:
            return
        if not sys.stderr.isatty():
            if time.monotonic() - self._said >= LOG_EVERY_S or done == total:
                self._said = time.monotonic()
                print(f"{label}: {done}/{total} sounds", file=sys.stderr, flush=True)
            return
        if self._bar is None or self._label != label:
            self.close()
            self._bar, self._label = self._opened(label, total), label
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Finish what is shown."""
        if self._bar is not None:
            self._bar.close()
        self._bar = None

    def _opened(self, label: str, total: int) -> Any:
        from tqdm import tqdm

        return tqdm(desc=label, total=total, file=sys.stderr, bar_format=_BAR, mininterval=0.1)

    def __enter__(self) -> ScoreProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
