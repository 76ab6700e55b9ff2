"""Gain in dB."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch

from ddsp_match.core.params import Parameter
from ddsp_match.effects.processor import Processor, Value

LARGEST_DB = 100.0  # from a full scale to what 16 bits cannot hold
QUIETEST = 1e-20  # power below any sound


class Gain(Processor):
    """Makes everything louder or softer."""

    name: ClassVar[str] = "gain"
    title: ClassVar[str] = "level"
    equation: ClassVar[str] = "y[n] = 10^(gain_db / 20) x[n]"
    linear: ClassVar[bool] = True

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """The level alone."""
        return (Parameter("gain_db", "how much louder", 0.0, -LARGEST_DB, LARGEST_DB, "dB"),)

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
        """The gain that explains most of the wet sound, where it explains any; and the ratio of the levels."""
        power = max(float(np.square(dry).mean()), QUIETEST)
        ratios = [float((dry * wet).mean()) / power, float(np.sqrt(np.square(wet).mean() / power))]
        guesses = [20 * np.log10(ratio) for ratio in ratios if ratio > 0]
        return [{"gain_db": float(np.clip(guess, -LARGEST_DB, LARGEST_DB))} for guess in guesses]


class _Stream:
    latency = 0

    def __init__(self, level: float) -> None:
        self.level = level

    def __call__(self, block: np.ndarray) -> np.ndarray:
        return block * self.level
