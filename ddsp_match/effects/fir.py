"""Finite impulse response filter; every tap is a knob."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from ddsp_match.core.params import Parameter
from ddsp_match.dsp.convolution import convolve, spectrum_at
from ddsp_match.dsp.deconvolution import wiener
from ddsp_match.effects.partitioned import PartitionedConvolution
from ddsp_match.effects.processor import Processor, Value

LEVEL = 4.0  # highest tap, either polarity
RIDGE = 1e-9  # of the dry sound's power, added to its spectrum: taps that it cannot tell stay small


@dataclass(frozen=True)
class Fir(Processor):
    """A short convolution; every tap is a knob.

    Args:
        taps: Length of the impulse response in samples, 1 to 4096.
    """

    name: ClassVar[str] = "fir"
    title: ClassVar[str] = "finite impulse response"
    equation: ClassVar[str] = "y[n] = sum_k tap_k x[n-k]"
    linear: ClassVar[bool] = True
    delays: ClassVar[bool] = True
    rate_bound: ClassVar[bool] = True
    taps: int = 32

    def __post_init__(self) -> None:
        if not 1 <= self.taps <= 4096:
            raise ValueError(f"fir: {self.taps} taps, where 1 to 4096 are allowed")

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """The impulse response: a single 1 at first."""
        unit = (1.0,) + (0.0,) * (self.taps - 1)
        return (Parameter("taps", "impulse response, sample by sample", unit, -LEVEL, LEVEL, size=self.taps),)

    def process(self, audio: torch.Tensor, knobs: dict[str, torch.Tensor], sample_rate: int) -> torch.Tensor:
        """See `Processor.process`."""
        return convolve(audio.double(), knobs["taps"].double()[:, None]).to(audio.dtype)

    def stream(self, knobs: dict[str, np.ndarray], sample_rate: int, channels: int) -> PartitionedConvolution:
        """See `Processor.stream`."""
        return PartitionedConvolution(knobs["taps"][None], channels)

    def response(self, knobs: dict[str, torch.Tensor], sample_rate: int, hz: torch.Tensor) -> torch.Tensor:
        """See `Processor.response`."""
        return spectrum_at(knobs["taps"], hz, sample_rate)

    def guesses(self, dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> list[dict[str, Value]]:
        """The taps with the least squared error."""
        if not dry.any():
            return []
        return [{"taps": np.clip(wiener(dry, wet, self.taps, RIDGE), -LEVEL, LEVEL)}]
