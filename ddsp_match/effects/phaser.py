"""The phaser: swept allpasses, which make notches where their output is out of phase with the dry sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from ddsp_match.core.params import Parameter
from ddsp_match.dsp import time_varying
from ddsp_match.effects.lfo import SWINGS, SweptStream, sweep_knobs, swept
from ddsp_match.effects.processor import Processor, Stream, Value
from ddsp_match.effects.sections import rows
from ddsp_match.effects.sweep_guesses import swings

FEEDBACKS = np.array([-0.8, -0.5, -0.2, 0.2, 0.5, 0.8])  # that a first guess tries
FEEDBACK = 0.95  # most of the output that goes back to the input: rings about 1 s at the lowest frequencies


@dataclass(frozen=True)
class Phaser(Processor):
    """Swept allpasses with feedback, mixed with the dry sound.

    The feedback has no delay, as in the analogue boxes: it is solved for at every sample, so that blocks of any
    length are the whole.

    Args:
        stages: Allpasses, 1 to 24; two make one notch.
    """

    name: ClassVar[str] = "phaser"
    title: ClassVar[str] = "phaser: notches that sweep"
    equation: ClassVar[str] = "w = A_f(t)^stages (x + feedback w), A_f a first-order allpass; y = (1 - mix) x + mix w"
    source: ClassVar[str] = "A. H. Gray and J. D. Markel, A Normalized Digital Filter Structure (1975)"
    swings: ClassVar[dict[str, tuple[str, float]]] = SWINGS
    stages: int = 4

    def __post_init__(self) -> None:
        if not 1 <= self.stages <= 24:
            raise ValueError(f"phaser: {self.stages} stages, where 1 to 24 are allowed")

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """The sweep, the feedback and the blend."""
        return (
            Parameter(
                "centre_hz",
                "where the allpasses turn the phase by a quarter, up to 0.49 of the sample rate",
                800.0,
                50.0,
                10_000.0,
                "Hz",
                "log",
            ),
            *sweep_knobs(1.0),
            Parameter("feedback", "how much of the allpasses' output goes back in", 0.0, -FEEDBACK, FEEDBACK),
            Parameter("mix", "how much of the allpasses: the notches are deepest at 0.5", 0.0, 0.0, 1.0),
        )

    def process(self, audio: torch.Tensor, knobs: dict[str, torch.Tensor], sample_rate: int) -> torch.Tensor:
        """See `Processor.process`."""
        flat = rows(knobs)
        sound = audio.double()
        hz = swept(flat["centre_hz"], flat, sample_rate, audio.shape[-1])
        wet = time_varying.allpass_chain(sound, hz, flat["feedback"][:, 0], self.stages, sample_rate)
        return (sound + knobs["mix"] * (wet - sound)).to(audio.dtype)

    def guesses(self, dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> list[dict[str, Value]]:
        """The swings that short stretches of the sounds agree on."""

        def outputs(audio: torch.Tensor, hz: torch.Tensor, feedback: torch.Tensor) -> torch.Tensor:
            return time_varying.allpass_chain(audio, hz, feedback, self.stages, sample_rate) - audio

        candidates = swings(outputs, dry, wet - dry, sample_rate, self.knob("centre_hz"), FEEDBACKS, (0.0, 1.0))
        return [
            {"centre_hz": s.centre_hz, "feedback": s.shape, "mix": float(s.levels[0]), **s.knobs} for s in candidates
        ]

    def stream(self, knobs: dict[str, np.ndarray], sample_rate: int, channels: int) -> Stream:
        """See `Processor.stream`."""
        return _Stream(self.stages, knobs, sample_rate, channels)


class _Stream(SweptStream):
    def __init__(self, stages: int, knobs: dict[str, np.ndarray], sample_rate: int, channels: int) -> None:
        super().__init__("centre_hz", knobs, sample_rate, channels)
        self.state = np.zeros((channels, stages))
        self.feedback = self.knobs["feedback"].reshape(1).numpy()
        self.mix = float(knobs["mix"])

    def run(self, block: np.ndarray, hz: torch.Tensor) -> np.ndarray:
        """See `SweptStream.run`."""
        wet = np.empty_like(block)
        turn = time_varying.lattice(hz, self.sample_rate).numpy()
        time_varying.kernels().allpasses(block, turn, self.feedback, self.of_x, self.of_c, self.state, wet)
        return block + self.mix * (wet - block)
