"""The course of an optimisation, and why it ended."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum


class StopReason(StrEnum):
    """Why an optimisation ended."""

    STEPS = "all steps done"
    TARGET = "target loss reached"
    PLATEAU = "plateau: the loss no longer fell"
    BUDGET = "time budget spent"
    INTERRUPTED = "interrupted"
    DIVERGED = "the loss was not finite again and again"


@dataclass
class Trace:
    """The course of an optimisation, one entry an evaluated step; entry 0 is the start.

    Attributes:
        steps: Step numbers.
        loss: Loss before that step's update.
        best: Lowest loss so far, infinite before the first that is a number.
        seconds: Time since the optimisation began.
        reason: Why it ended.
        recoveries: How often a non-finite step was taken back.
    """

    steps: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    best: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    reason: StopReason = StopReason.STEPS
    recoveries: int = 0

    @property
    def lowest(self) -> float:
        """The lowest loss; nan where none was a number."""
        return self.best[-1] if self.best else math.nan

    def add(self, step: int, loss: float, seconds: float) -> None:
        """Appends one evaluated step."""
        self.steps.append(step)
        self.loss.append(loss)
        # In this order a loss that is no number loses against any.
        self.best.append(min(self.best[-1] if self.best else math.inf, loss))
        self.seconds.append(seconds)
