"""A delay that swings to and fro: chorus and flanger."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float

from ddsp_match.core.params import Parameter
from ddsp_match.dsp.modulated_delay import ModulatedLine, modulated_delay
from ddsp_match.effects.chorus_guesses import guess_swing
from ddsp_match.effects.processor import Processor, Value


class _Swinging(Processor):
    """What both have in common."""

    delays: ClassVar[bool] = True
    swings: ClassVar[dict[str, tuple[str, float]]] = {"phase_deg": ("rate_hz", 360.0)}
    source: ClassVar[str] = "Zölzer (ed.), DAFX, 2nd ed., section 2.6"
    equation: ClassVar[str] = (
        "v(t) = w(t - d(t)),  d(t) = delay_ms + depth_ms (1 + sin(2 pi rate_hz t + phase_deg)) / 2,"
        "  w = x + feedback v,  y = x + wet v"
    )

    def process(
        self, audio: Float[torch.Tensor, "batch channels samples"], knobs: dict[str, torch.Tensor], sample_rate: int
    ) -> Float[torch.Tensor, "batch channels samples"]:
        """See `Processor.process`."""
        columns = {name: value.reshape(-1, 1).double() for name, value in knobs.items()}
        times = torch.arange(audio.shape[-1], dtype=torch.float64, device=audio.device) / sample_rate
        angle = 2 * torch.pi * columns["rate_hz"] * times + columns["phase_deg"] * (torch.pi / 180)
        delay_ms = columns["delay_ms"] + columns["depth_ms"] * (1 + torch.sin(angle)) / 2
        feedback = columns.get("feedback", torch.zeros(1, 1, dtype=torch.float64)).expand(len(delay_ms), 1)
        late = modulated_delay(audio, delay_ms * (sample_rate / 1000), feedback[:, 0])
        return (audio + columns["wet"][..., None] * late).to(audio.dtype)

    def stream(self, knobs: dict[str, np.ndarray], sample_rate: int, channels: int) -> _Stream:
        """See `Processor.stream`."""
        return _Stream({name: float(value) for name, value in knobs.items()}, sample_rate, channels)

    def guesses(self, dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> list[dict[str, Value]]:
        """The swing that follows the lag between the sounds from moment to moment."""
        return guess_swing(self, dry, wet, sample_rate)


class Chorus(_Swinging):
    """The sound doubled by a copy that wanders behind it, as if by a second player."""

    name: ClassVar[str] = "chorus"
    title: ClassVar[str] = "a copy behind the sound that drifts to and fro"

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """The swing, and the level of the copy."""
        return (*_swing(0.5, 15.0, 1.0, 40.0, 3.0, 10.0), _wet())


class Flanger(_Swinging):
    """A comb filter whose teeth sweep: a short swinging delay, fed back."""

    name: ClassVar[str] = "flanger"
    title: ClassVar[str] = "a short swinging delay with feedback"

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """The swing, the feedback and the level."""
        feedback = Parameter("feedback", "how sharp the teeth are", 0.0, -0.95, 0.95)
        return (*_swing(0.25, 1.0, 0.1, 10.0, 2.0, 10.0), feedback, _wet())


def _swing(
    rate_hz: float, delay_ms: float, shortest_ms: float, longest_ms: float, depth_ms: float, deepest_ms: float
) -> tuple[Parameter, ...]:
    return (
        Parameter("rate_hz", "swings in a second", rate_hz, 0.05, 10.0, "Hz", "log"),
        Parameter("delay_ms", "the shortest delay", delay_ms, shortest_ms, longest_ms, "ms"),
        Parameter("depth_ms", "how much longer the longest is", depth_ms, 0.0, deepest_ms, "ms"),
        # Two turns, so that descent never stands at an end: angles 360 apart are the same.
        Parameter("phase_deg", "where the swing starts", 0.0, -360.0, 360.0, "°"),
    )


def _wet() -> Parameter:
    return Parameter("wet", "level of the swinging copy, negative for upside down", 0.0, -1.0, 1.0)


class _Stream:
    latency = 0

    def __init__(self, knobs: dict[str, float], sample_rate: int, channels: int) -> None:
        self.knobs, self.sample_rate, self.now = knobs, sample_rate, 0
        self.line = ModulatedLine((knobs["delay_ms"] + knobs["depth_ms"]) * sample_rate / 1000 + 1, channels)

    def __call__(self, block: np.ndarray) -> np.ndarray:
        knobs = self.knobs
        times = (self.now + np.arange(block.shape[1])) / self.sample_rate
        self.now += block.shape[1]
        swing = np.sin(2 * np.pi * knobs["rate_hz"] * times + np.deg2rad(knobs["phase_deg"]))
        delay_ms = knobs["delay_ms"] + knobs["depth_ms"] * (1 + swing) / 2
        late = self.line(block, delay_ms * self.sample_rate / 1000, knobs.get("feedback", 0.0))
        return block + knobs["wet"] * late
