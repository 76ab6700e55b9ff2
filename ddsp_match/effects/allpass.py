"""Schroeder's allpass."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch

from ddsp_match.core.params import Parameter
from ddsp_match.effects.delay_line import DelayLine, Parts, delay_knob
from ddsp_match.effects.feedback_delay import SHORTEST_MS


class Allpass(DelayLine):
    """Smears a sound in time and leaves its spectrum alone.

    At delays of whole samples the magnitude is exactly flat; in between, up to 0.8 of the Nyquist frequency. The
    allpasses inside Freeverb are another filter, ``(-1 + (1 + g) z^-m) / (1 - g z^-m)``, and not quite flat.
    """

    name: ClassVar[str] = "allpass"
    title: ClassVar[str] = "Schroeder allpass: echoes without a colour"
    equation: ClassVar[str] = "A = (-gain + z^-m) / (1 - gain z^-m),  y = (1 - mix) x + mix A x"
    source: ClassVar[str] = "Schroeder 1962, Natural sounding artificial reverberation, eq. 5"

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """Length and gain of the loop, and the blend."""
        return (
            delay_knob(5.0, SHORTEST_MS),
            Parameter("gain", "how long it rings", 0.5, -0.98, 0.98),
            Parameter("mix", "0 is dry, 1 is the allpass alone", 0.0, 0.0, 1.0),
        )

    def parts(self, knobs: dict[str, torch.Tensor]) -> Parts:
        """See `DelayLine.parts`."""
        gain, mix = knobs["gain"], knobs["mix"]
        # (-g + D) / (1 - g D) = -g + (1 - g²) D / (1 - g D)
        return Parts(knobs["delay_ms"], of_x=1 - mix - mix * gain, of_v=mix * (1 - gain**2), feedback=gain)

    def solved(self, shares: np.ndarray) -> dict[str, float]:
        """See `DelayLine.solved`."""
        direct, _, repeat = (float(share) for share in shares)
        # (1 - g D) y = (1 - mix - mix g) x + (mix - g (1 - mix)) D x
        return {"gain": repeat, "mix": (1 - direct) / max(1 + repeat, 0.02)}
