"""Delays with feedback: repeated echoes, alike or ever darker."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch

from ddsp_match.core.params import Parameter
from ddsp_match.effects.delay import levels
from ddsp_match.effects.delay_line import DelayLine, Parts, delay_knob, feedback_knob

SHORTEST_MS = 0.1  # a delay of less than two samples is taken as that


class FeedbackDelay(DelayLine):
    """The echo of a delay unit with its repeats; they all sound alike."""

    name: ClassVar[str] = "feedback_delay"
    title: ClassVar[str] = "echo with repeats"
    equation: ClassVar[str] = "e(t) = x(t - delay_ms) + feedback e(t - delay_ms),  y = dry x + wet e"
    source: ClassVar[str] = "Zölzer (ed.), DAFX, 2nd ed., section 2.6"

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """Distance and strength of the repeats, and the levels."""
        return (delay_knob(250.0, SHORTEST_MS), feedback_knob(0.0, "level of each repeat in the last"), *levels())

    def parts(self, knobs: dict[str, torch.Tensor]) -> Parts:
        """See `DelayLine.parts`."""
        return Parts(knobs["delay_ms"], of_x=knobs["dry"], of_v=knobs["wet"], feedback=knobs["feedback"])

    def solved(self, shares: np.ndarray) -> dict[str, float]:
        """See `DelayLine.solved`."""
        direct, echo, repeat = (float(share) for share in shares)
        # (1 - f D) y = dry x + (wet - f dry) D x
        return {"dry": direct, "wet": echo + repeat * direct, "feedback": repeat}


class LowpassFeedbackComb(DelayLine):
    """Repeats that grow darker: the comb of Freeverb, H = z^-N / (1 - f (1 - d) / (1 - d z^-1) z^-N)."""

    name: ClassVar[str] = "lowpass_feedback_comb"
    title: ClassVar[str] = "echo with repeats that grow darker, as in Freeverb"
    equation: ClassVar[str] = (
        "e(t) = x(t - delay_ms) + feedback L[e](t - delay_ms),  L = (1 - damping) / (1 - damping z^-1),"
        "  y = dry x + wet e"
    )
    source: ClassVar[str] = "Moorer 1979, About this reverberation business; Freeverb (Jezar 2000)"
    dampings: ClassVar[tuple[float, ...]] = (0.5, 0.01, 0.1, 0.25, 0.7, 0.85)

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """Distance, strength and darkness of the repeats, and the levels."""
        return (
            delay_knob(30.0, SHORTEST_MS),
            feedback_knob(0.0, "level of each repeat in the last"),
            Parameter("damping", "how much darker each repeat is than the last", 0.2, 0.0, 0.95),
            *levels(),
        )

    def parts(self, knobs: dict[str, torch.Tensor]) -> Parts:
        """See `DelayLine.parts`."""
        return Parts(
            knobs["delay_ms"],
            of_x=knobs["dry"],
            of_v=knobs["wet"],
            feedback=knobs["feedback"],
            damping=knobs["damping"],
        )

    def solved(self, shares: np.ndarray) -> dict[str, float]:
        """See `DelayLine.solved`."""
        # y = dry x + wet D x + f L D y - f dry L D x; the last share follows from the others.
        direct, echo, repeat, _ = (float(share) for share in shares)
        return {"dry": direct, "wet": echo, "feedback": repeat}
