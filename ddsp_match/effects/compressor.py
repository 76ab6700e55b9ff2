"""Compressor and limiter: loud sound is turned down, by how much it exceeds a threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float

from ddsp_match.core.params import Parameter
from ddsp_match.dsp.ballistics import share_per_sample
from ddsp_match.effects.dynamics import Dynamics, linked_level, smoothed

DECIBEL = float(np.log(10) / 20)  # natural logarithm of 1 dB
SILENCE = 1e-6  # level below which no compressor works: -120 dB


@dataclass(frozen=True)
class Compressor(Dynamics):
    """The feed-forward compressor of the books; with a high ratio and a fast attack a limiter.

    The level of every sample, in dB, gives the reduction that the curve asks for; that follows with the attack when it
    grows and with the release when it shrinks. Sound before the first sample is taken to be silence.

    Args:
        linked: Whether the louder channel turns both down, so that the stereo image stays where it is.
    """

    name: ClassVar[str] = "compressor"
    title: ClassVar[str] = "compressor and limiter"
    equation: ClassVar[str] = (
        "y = 10^((makeup_db - r)/20) x, r follows R with attack and release; R = (1 - 1/ratio) max(20 lg|x| - "
        "threshold, 0), over the knee (1 - 1/ratio) (20 lg|x| - threshold + knee/2)^2 / (2 knee)"
    )
    source: ClassVar[str] = (
        "D. Giannoulis, M. Massberg, J. D. Reiss, Digital Dynamic Range Compressor Design, JAES 60(6), 2012, eq. 4, 16"
    )
    linked: bool = False

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """Curve, times and level; at a ratio of 1 nothing is turned down."""
        return (
            Parameter("threshold_db", "level of a sample above which it works", -20.0, -60.0, 0.0, "dB"),
            Parameter("ratio", "dB in for 1 dB out, above the threshold", 1.0, 1.0, 100.0, curve="log"),
            Parameter("knee_db", "width of the bend around the threshold", 6.0, 0.0, 30.0, "dB"),
            Parameter("attack_ms", "time to 63 % of more reduction", 10.0, 0.05, 300.0, "ms", "log"),
            Parameter("release_ms", "time to 63 % of less reduction", 100.0, 1.0, 3000.0, "ms", "log"),
            Parameter("makeup_db", "level at the end", 0.0, -30.0, 30.0, "dB"),
        )

    def reduction(
        self, level_db: Float[torch.Tensor, "*shape"], knobs: dict[str, torch.Tensor]
    ) -> Float[torch.Tensor, "*shape"]:
        """Return the dB by which a steady level is turned down: the static curve."""
        over = level_db - knobs["threshold_db"]
        half = knobs["knee_db"] / 2
        into = (over + half).clamp(min=0)
        bend = into.clamp(max=2 * half)
        # The parabola up to the knee's end, straight on from there; a knee of nothing has no parabola.
        bent = bend.square() / (4 * half).clamp(min=1e-9)
        return (1 - 1 / knobs["ratio"]) * (bent + into - bend)

    def turned(
        self, audio: torch.Tensor, knobs: dict[str, torch.Tensor], sample_rate: int, state: dict[str, torch.Tensor]
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """See `Dynamics.turned`."""
        level_db = torch.log(linked_level(audio, self.linked).clamp(min=SILENCE)) / DECIBEL
        wanted = self.reduction(level_db, knobs)
        rise = share_per_sample(knobs["attack_ms"], sample_rate)
        fall = share_per_sample(knobs["release_ms"], sample_rate)
        before = state.get("reduction", torch.zeros_like(wanted[..., :1]))
        reduction = smoothed(wanted, rise, fall, before)
        gain = torch.exp(DECIBEL * (knobs["makeup_db"] - reduction))
        return audio * gain, {"reduction": reduction[..., -1:]}

    def tries(self) -> dict[str, np.ndarray]:
        """See `Dynamics.tries`."""
        grid = np.meshgrid([-45, -38, -31, -24, -17, -10], [1.6, 3.0, 10.0], [1.0, 8.0], [10.0, 50.0, 250.0])
        names = ("threshold_db", "ratio", "attack_ms", "release_ms")
        return {name: values.ravel() for name, values in zip(names, grid, strict=True)}
