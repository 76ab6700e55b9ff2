"""The feedback comb filter."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch

from ddsp_match.core.params import Parameter
from ddsp_match.effects.delay_line import DelayLine, Parts, delay_knob, feedback_knob
from ddsp_match.effects.feedback_delay import SHORTEST_MS


class FeedbackComb(DelayLine):
    """Adds what it played a moment ago: evenly spaced resonances, a pitch of its own."""

    name: ClassVar[str] = "feedback_comb"
    title: ClassVar[str] = "comb with resonances: the output fed back"
    equation: ClassVar[str] = "y(t) = x(t) + feedback y(t - delay_ms)"
    source: ClassVar[str] = "Schroeder 1962, Natural sounding artificial reverberation"
    repeats: ClassVar[tuple[str, ...]] = ("wet",)

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """Length and gain of the loop."""
        return (delay_knob(10.0, SHORTEST_MS), feedback_knob(0.0, "share of the output fed back"))

    def parts(self, knobs: dict[str, torch.Tensor]) -> Parts:
        """See `DelayLine.parts`."""
        # 1 / (1 - f D) = 1 + f D / (1 - f D)
        return Parts(knobs["delay_ms"], of_x=1.0, of_v=knobs["feedback"], feedback=knobs["feedback"])

    def solved(self, shares: np.ndarray) -> dict[str, float]:
        """See `DelayLine.solved`."""
        return {"feedback": float(shares[1])}
