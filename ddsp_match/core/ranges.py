"""How a free number becomes a physical one: declared once, read by optimiser, decoder, printer and file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch

from ddsp_match.dsp.scaling import THRESHOLD, exp_sigmoid, inverse_exp_sigmoid

Curve = Literal["linear", "log", "exp_sigmoid", "free"]


@dataclass(frozen=True)
class Range:
    """A named physical range and a bijection between it and all real numbers.

    Args:
        name: What the number is.
        low: Lowest value, not reached by `to_physical`.
        high: Highest value, not reached by `to_physical`.
        unit: Unit of the value, empty for a plain ratio.
        curve: ``linear`` and ``log`` squash with a sigmoid along a linear or logarithmic scale; ``exp_sigmoid`` is
            DDSP's amplitude scaling (its `low` is 1e-7); ``free`` leaves the number alone (angles).
    """

    name: str
    low: float
    high: float
    unit: str = ""
    curve: Curve = "linear"

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"{self.name}: low {self.low} must lie below high {self.high}")
        if self.curve == "log" and self.low <= 0:
            raise ValueError(f"{self.name}: a log range starts above 0, not at {self.low}")
        if self.curve == "exp_sigmoid" and self.low != THRESHOLD:
            raise ValueError(f"{self.name}: an exp_sigmoid range starts at {THRESHOLD}")

    def to_physical(self, free: torch.Tensor) -> torch.Tensor:
        """Free numbers to values inside the range."""
        if self.curve == "free":
            return free
        if self.curve == "exp_sigmoid":
            return exp_sigmoid(free, self.high)
        return self.at(torch.sigmoid(free))

    def to_free(self, value: torch.Tensor) -> torch.Tensor:
        """Values to free numbers; a value at or beyond an end is moved just inside."""
        if self.curve == "free":
            return value
        if self.curve == "exp_sigmoid":
            return inverse_exp_sigmoid(value, self.high)
        return torch.logit(self.position(value).clamp(1e-6, 1 - 1e-6))

    def position(self, value: torch.Tensor) -> torch.Tensor:
        """Values to positions along the curve, 0 at `low` and 1 at `high`, both of which are reached.

        For optimisers that keep to bounds by themselves: a sigmoid has no slope at the ends, where many effects are
        neutral. Only for ``linear`` and ``log``.
        """
        self._bounded()
        if self.curve == "log":
            return torch.log(value.clamp(min=self.low) / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def at(self, position: torch.Tensor) -> torch.Tensor:
        """Positions along the curve, 0 to 1, to values: the inverse of `position`."""
        self._bounded()
        if self.curve == "log":
            return self.low * torch.exp(position * math.log(self.high / self.low))
        return self.low + (self.high - self.low) * position

    def _bounded(self) -> None:
        if self.curve not in ("linear", "log"):
            raise ValueError(f"{self.name}: a range with the curve {self.curve} has no positions")
