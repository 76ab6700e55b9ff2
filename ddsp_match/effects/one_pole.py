"""The one-pole lowpass."""

from __future__ import annotations

from typing import ClassVar

import torch

from ddsp_match.core.params import Parameter
from ddsp_match.dsp import biquads
from ddsp_match.effects.sections import Sections, cutoff, mix


class OnePole(Sections):
    """One-pole lowpass, as it sits in the feedback of echoes and in the tone knob of a guitar."""

    name: ClassVar[str] = "one_pole"
    title: ClassVar[str] = "one-pole lowpass, 6 dB per octave"
    equation: ClassVar[str] = "w[n] = (1 - p) x[n] + p w[n-1], p = exp(-2 pi cutoff / rate); y = (1 - mix) x + mix w"

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """Cutoff and blend."""
        return (cutoff(), mix())

    def cascade(self, knobs: dict[str, torch.Tensor], sample_rate: int) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Sections.cascade`."""
        return biquads.blended(knobs["mix"], biquads.one_pole(knobs["cutoff_hz"], sample_rate))
