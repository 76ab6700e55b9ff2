"""Progress on stderr, and Ctrl-C as a wish to stop rather than an end."""

from __future__ import annotations

import signal
import sys
from types import FrameType, TracebackType
from typing import Any

STOPPING = "stopping with the best so far; Ctrl-C again quits without writing"
_BAR = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"


class Progress:
    """Shows stages by name with their time, and the optimisation as a bar with loss and time left.

    Args:
        quiet: Show nothing.
        label: Put before the name of each stage, for the jobs of a sweep.
        figure: How a loss is written.
    """

    def __init__(self, *, quiet: bool = False, label: str = "", figure: str = ".4f") -> None:
        self._figure = figure
        self._quiet, self._label = quiet, f"{label} " if label else ""
        self._bar: Any = None
        self._stage = ""
        self._counting = False

    def on_stage(self, stage: str) -> None:
        """Show that a stage begins."""
        if self._quiet:
            return
        self.close()
        self._stage = stage
        if sys.stderr.isatty():
            self._open(bar_format="{desc} [{elapsed}]")
        else:  # a log file wants a line a stage
            print(f"{self._label}{stage}", file=sys.stderr, flush=True)

    def on_pitch(self, frames_done: int, total: int) -> None:
        """Show how far the f0 tracker has come."""
        self._count("f0", frames_done, total)

    def on_step(self, steps_done: int, total: int, loss: float, best: float) -> None:
        """Show a step of the optimisation."""
        self._count("optimise", steps_done, total, f"loss {loss:{self._figure}}, best {best:{self._figure}}")

    def close(self) -> None:
        """Finish what is shown."""
        if self._bar is not None:
            self._bar.close()
        self._bar, self._counting = None, False

    def _count(self, stage: str, done: int, total: int, figures: str = "") -> None:
        if self._quiet:
            return
        if not self._counting or self._stage != stage:
            if self._bar is not None:
                self._bar.leave = False  # the bar takes the place of the stage's own line
            self.close()
            self._stage, self._counting = stage, True
            self._open(total=total, bar_format=_BAR)
        bar = self._bar
        if bar is not None:
            bar.set_postfix_str(figures, refresh=False)
            bar.update(done - bar.n)

    def _open(self, **options: Any) -> None:
        from tqdm import tqdm

        # A log file wants a line now and then, a terminal a smooth bar.
        interval_s = 0.1 if sys.stderr.isatty() else 2.0
        label = f"{self._label}{self._stage}"
        self._bar = tqdm(desc=label, file=sys.stderr, mininterval=interval_s, **options)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Interrupt:
    """While entered, the first Ctrl-C asks to stop (`wanted`), and the second raises KeyboardInterrupt.

    Args:
        message: What the user is told at the first one.
    """

    def __init__(self, message: str = STOPPING) -> None:
        self._message = message
        self._wanted = False
        self._before: Any = None

    def wanted(self) -> bool:
        """Say whether the user has asked to stop."""
        return self._wanted

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._wanted:
            raise KeyboardInterrupt
        self._wanted = True
        print(f"\n{self._message}", file=sys.stderr)

    def __enter__(self) -> Interrupt:
        self._before = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)
