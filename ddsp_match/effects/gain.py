"""Level, polarity included."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch

from ddsp_match.effects.processor import Knob, Processor, Value
from ddsp_match.ranges import Range


class Gain(Processor):
    """Makes everything louder or softer."""

    name: ClassVar[str] = "gain"
    title: ClassVar[str] = "level"
    equation: ClassVar[str] = "y[n] = 10^(gain_db / 20) x[n]"
    linear: ClassVar[bool] = True

    @property
    def knobs(self) -> tuple[Knob, ...]:
        """The level alone."""
        return (Knob(Range("gain_db", -60.0, 60.0, "dB"), 0.0, "how much louder"),)

    def process(self, audio: torch.Tensor, knobs: dict[str, torch.Tensor], sample_rate: int) -> torch.Tensor:
        """See `Processor.process`."""
        return audio * 10 ** (knobs["gain_db"] / 20)

    def stream(self, knobs: dict[str, np.ndarray], sample_rate: int, channels: int) -> _Stream:
        """See `Processor.stream`."""
        return _Stream(10 ** (float(knobs["gain_db"]) / 20))

    def response(self, knobs: dict[str, torch.Tensor], sample_rate: int, hz: torch.Tensor) -> torch.Tensor:
        """See `Processor.response`."""
        level = 10 ** (knobs["gain_db"].reshape(-1, 1) / 20)
        return torch.complex(level, torch.zeros_like(level)).expand(-1, len(hz))

    def guesses(self, dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> list[dict[str, Value]]:
        """The ratio of the levels."""
        ratio = np.sqrt(np.square(wet).mean() / max(np.square(dry).mean(), 1e-20))
        return [{"gain_db": float(np.clip(20 * np.log10(max(ratio, 1e-3)), -60, 60))}]


class _Stream:
    latency = 0

    def __init__(self, level: float) -> None:
        self.level = level

    def __call__(self, block: np.ndarray) -> np.ndarray:
        return block * self.level
