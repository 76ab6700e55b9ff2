"""Delays without feedback: an echo, and the feedforward comb."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch

from ddsp_match.core.params import Parameter
from ddsp_match.effects.delay_line import DelayLine, Parts, delay_knob

LEVEL = 2.0  # highest level of either path, 6 dB, either polarity


def levels() -> tuple[Parameter, Parameter]:
    """Levels of the direct and of the delayed sound."""
    return (
        Parameter("dry", "level of the direct sound, negative for upside down", 1.0, -LEVEL, LEVEL),
        Parameter("wet", "level of the delayed sound, negative for upside down", 0.0, -LEVEL, LEVEL),
    )


class Delay(DelayLine):
    """One echo at any distance, whole samples or not; ``dry=0, wet=1`` is a plain delay.

    A delay shorter than half of its kernel (32 samples) needs samples that are yet to come: the stream waits for them.
    """

    name: ClassVar[str] = "delay"
    title: ClassVar[str] = "one late copy of the sound, at any fraction of a sample"
    equation: ClassVar[str] = "y(t) = dry x(t) + wet x(t - delay_ms)"
    source: ClassVar[str] = "Laakso et al. 1996, Splitting the unit delay"
    loops: ClassVar[bool] = False
    repeats: ClassVar[tuple[str, ...]] = ("dry",)

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """The distance, and the levels."""
        return (delay_knob(250.0, 0.0), *levels())

    def parts(self, knobs: dict[str, torch.Tensor]) -> Parts:
        """See `DelayLine.parts`."""
        return Parts(knobs["delay_ms"], of_x=knobs["dry"], of_v=knobs["wet"])

    def solved(self, shares: np.ndarray) -> dict[str, float]:
        """See `DelayLine.solved`."""
        return {"dry": float(shares[0]), "wet": float(shares[1])}


class FeedforwardComb(DelayLine):
    """The sound and one echo of it: evenly spaced notches."""

    name: ClassVar[str] = "feedforward_comb"
    title: ClassVar[str] = "comb with notches: one echo"
    equation: ClassVar[str] = "y(t) = x(t) + gain x(t - delay_ms)"
    source: ClassVar[str] = "J. O. Smith, Physical Audio Signal Processing, feedforward comb filters"
    loops: ClassVar[bool] = False
    repeats: ClassVar[tuple[str, ...]] = ("dry",)

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """Distance and level of the echo."""
        return (delay_knob(10.0, 0.0), Parameter("gain", "level of the echo", 0.0, -1.0, 1.0))

    def parts(self, knobs: dict[str, torch.Tensor]) -> Parts:
        """See `DelayLine.parts`."""
        return Parts(knobs["delay_ms"], of_x=1.0, of_v=knobs["gain"])

    def solved(self, shares: np.ndarray) -> dict[str, float]:
        """See `DelayLine.solved`."""
        # Divided by the direct share: another part of a chain may have changed the level.
        return {"gain": float(shares[1] / (shares[0] or 1.0))}
