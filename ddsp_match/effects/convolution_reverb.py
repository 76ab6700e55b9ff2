"""A learned impulse response: any linear effect that does not change in time, up to its length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from ddsp_match.core.params import Parameter
from ddsp_match.dsp.convolution import convolve, spectrum_at
from ddsp_match.dsp.response_between import response_between
from ddsp_match.effects.partitioned import PartitionedConvolution
from ddsp_match.effects.processor import Processor, Value

LIMIT = 10.0  # of a tap
LONGEST = 1 << 20


@dataclass(frozen=True)
class ConvolutionReverb(Processor):
    """Convolution with an impulse response, whose taps are the knobs, beside the dry sound.

    The taps hold for one sample rate. `guesses` solves for all of them at once, with a penalty that grows towards the
    end of the response (see `response_between`), which no optimiser improves on. A blend with the dry sound is what
    ``{"mix": ["convolution"]}`` is for: here it would say the same as the taps.

    Args:
        taps: Length of the response in samples: a second at 24 kHz.
    """

    name: ClassVar[str] = "convolution"
    title: ClassVar[str] = "convolution with a learned impulse response"
    equation: ClassVar[str] = "y[n] = x[n] + sum_k ir_k x[n - k]"
    source: ClassVar[str] = "van Waterschoot, Rombouts and Moonen 2008 (how the taps are found)"
    linear: ClassVar[bool] = True
    delays: ClassVar[bool] = True
    rate_bound: ClassVar[bool] = True

    taps: int = 24_000

    def __post_init__(self) -> None:
        if not (isinstance(self.taps, int) and 1 <= self.taps <= LONGEST):
            raise ValueError(f"convolution: taps={self.taps!r}, not 1 to {LONGEST}")

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """The impulse response without the dry sound."""
        neutral, meaning = (0.0,) * self.taps, "impulse response after the dry sound, a tap each"
        return (Parameter("ir", meaning, neutral, -LIMIT, LIMIT, size=self.taps),)

    def process(self, audio: torch.Tensor, knobs: dict[str, torch.Tensor], sample_rate: int) -> torch.Tensor:
        """See `Processor.process`."""
        return audio + convolve(audio, knobs["ir"].unsqueeze(1))

    def stream(self, knobs: dict[str, np.ndarray], sample_rate: int, channels: int) -> PartitionedConvolution:
        """See `Processor.stream`."""
        return PartitionedConvolution(knobs["ir"][None], channels, 1.0)

    def response(self, knobs: dict[str, torch.Tensor], sample_rate: int, hz: torch.Tensor) -> torch.Tensor:
        """See `Processor.response`."""
        return 1 + spectrum_at(knobs["ir"], hz, sample_rate)

    def guesses(self, dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> list[dict[str, Value]]:
        """The response that explains the pair best."""
        ir = response_between(dry, wet, self.taps)
        ir[0] -= 1.0
        return [{"ir": np.clip(ir, -LIMIT, LIMIT)}]
