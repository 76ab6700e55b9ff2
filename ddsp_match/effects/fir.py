"""A filter that is nothing but its impulse response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from scipy.fft import next_fast_len
from scipy.linalg import solve_toeplitz
from scipy.signal import lfilter

from ddsp_match.effects.processor import Knob, Processor, Value
from ddsp_match.ranges import Range

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
    def knobs(self) -> tuple[Knob, ...]:
        """The impulse response: a single 1 at first."""
        unit = (1.0,) + (0.0,) * (self.taps - 1)
        return (Knob(Range("taps", -LEVEL, LEVEL), unit, "impulse response, sample by sample", self.taps),)

    def process(self, audio: torch.Tensor, knobs: dict[str, torch.Tensor], sample_rate: int) -> torch.Tensor:
        """See `Processor.process`."""
        n = audio.shape[-1]
        size = int(next_fast_len(n + self.taps - 1, real=True))  # pyright: ignore[reportArgumentType]
        dry = torch.fft.rfft(audio.double(), n=size)
        taps = torch.fft.rfft(knobs["taps"].double(), n=size)[:, None]
        return torch.fft.irfft(dry * taps, n=size)[..., :n].to(audio.dtype)

    def stream(self, knobs: dict[str, np.ndarray], sample_rate: int, channels: int) -> _Stream:
        """See `Processor.stream`."""
        return _Stream(knobs["taps"], channels)

    def response(self, knobs: dict[str, torch.Tensor], sample_rate: int, hz: torch.Tensor) -> torch.Tensor:
        """See `Processor.response`."""
        phase = -2 * torch.pi / sample_rate * torch.arange(self.taps, dtype=hz.dtype)[:, None] * hz
        turns = torch.polar(torch.ones_like(phase), phase)
        return knobs["taps"].to(turns.dtype) @ turns

    def guesses(self, dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> list[dict[str, Value]]:
        """The taps with the least squared error, by the normal equations (Wiener and Hopf)."""
        n = dry.shape[1]
        size = int(next_fast_len(n + self.taps, real=True))  # pyright: ignore[reportArgumentType]
        before, after = np.fft.rfft(dry, n=size), np.fft.rfft(wet, n=size)
        own = np.fft.irfft(np.abs(before) ** 2, n=size).sum(0)[: self.taps]
        shared = np.fft.irfft(before.conj() * after, n=size).sum(0)[: self.taps]
        if own[0] <= 0:
            return []
        own[0] *= 1 + RIDGE
        return [{"taps": np.clip(solve_toeplitz(own, shared), -LEVEL, LEVEL)}]


class _Stream:
    latency = 0

    def __init__(self, taps: np.ndarray, channels: int) -> None:
        self.taps = taps
        self.state = np.zeros((channels, len(taps) - 1))

    def __call__(self, block: np.ndarray) -> np.ndarray:
        out, self.state = lfilter(self.taps, [1.0], block, zi=self.state)
        return np.asarray(out)
