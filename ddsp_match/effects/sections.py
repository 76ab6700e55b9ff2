"""Base of all filters made of second-order sections: the cascade, its stream, its response and its first guess."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Complex, Float
from scipy.signal import sosfilt

from ddsp_match.core.params import Parameter
from ddsp_match.dsp import recursive
from ddsp_match.effects import response_fit
from ddsp_match.effects.processor import Processor, Value

COOKBOOK = "R. Bristow-Johnson, Audio EQ Cookbook (W3C note, 2021)"


class Sections(Processor):
    """A filter that is second-order sections one after the other. Subclasses write `cascade`."""

    linear: ClassVar[bool] = True

    def cascade(
        self, knobs: dict[str, torch.Tensor], sample_rate: int
    ) -> tuple[Float[torch.Tensor, "b1 sections 3"], Float[torch.Tensor, "b2 sections 3"]]:
        """Coefficients ``b`` and ``a`` of each section, float64, `a_0` = 1; single knobs are rows of one here."""
        raise NotImplementedError

    def coefficients(self, sample_rate: int, **knobs: Value) -> Float[np.ndarray, "sections 6"]:
        """The second-order sections of one setting as scipy takes them: ``b0 b1 b2 1 a1 a2`` a row."""
        return self._table(self.arrays(knobs), sample_rate)

    def process(self, audio: torch.Tensor, knobs: dict[str, torch.Tensor], sample_rate: int) -> torch.Tensor:
        """See `Processor.process`."""
        return recursive.sosfilt(audio, *self.cascade(rows(knobs), sample_rate))

    def stream(self, knobs: dict[str, np.ndarray], sample_rate: int, channels: int) -> SectionStream:
        """See `Processor.stream`."""
        return SectionStream(self._table(knobs, sample_rate), channels)

    def response(self, knobs: dict[str, torch.Tensor], sample_rate: int, hz: torch.Tensor) -> torch.Tensor:
        """See `Processor.response`."""
        return section_response(*self.cascade(rows(knobs), sample_rate), sample_rate, hz)

    def guesses(self, dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> list[dict[str, Value]]:
        """The settings whose response is nearest to the measured one."""
        return response_fit.guesses(self, dry, wet, sample_rate)

    def _table(self, knobs: dict[str, np.ndarray], sample_rate: int) -> np.ndarray:
        with torch.no_grad():
            tensors = {name: torch.from_numpy(np.atleast_1d(value)).reshape(1, -1) for name, value in knobs.items()}
            return np.concatenate([c[0].numpy() for c in self.cascade(tensors, sample_rate)], axis=-1)


def rows(knobs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """All knobs as ``(batch, size)``, single ones with a size of 1."""
    return {name: value.reshape(len(value), -1) for name, value in knobs.items()}


def section_response(
    b: Float[torch.Tensor, "b1 sections 3"],
    a: Float[torch.Tensor, "b2 sections 3"],
    sample_rate: int,
    hz: Float[torch.Tensor, " points"],
) -> Complex[torch.Tensor, "batch points"]:
    """Response of sections in a row."""
    return recursive.response(b, a, sample_rate, hz).prod(dim=1)


def cutoff(default: float | tuple[float, ...] = 1000.0) -> Parameter:
    """The knob of a frequency, or of one for each band; beyond 0.49 of the sample rate it turns no further."""
    size = len(default) if isinstance(default, tuple) else 0
    meaning = f"where {'each band' if size else 'the filter'} acts, up to 0.49 of the sample rate"
    return Parameter("cutoff_hz", meaning, default, 20.0, 20_000.0, "Hz", "log", size)


def quality(size: int = 0) -> Parameter:
    """The knob of a resonance."""
    flat, meaning = 0.5**0.5, "resonance: 0.71 is flat, more is a narrower, higher peak"
    return Parameter("q", meaning, (flat,) * size if size else flat, 0.1, 30.0, curve="log", size=size)


def gain(size: int = 0) -> Parameter:
    """The knob of a boost or cut."""
    return Parameter("gain_db", "boost or cut", (0.0,) * size if size else 0.0, -30.0, 30.0, "dB", size=size)


def mix() -> Parameter:
    """The knob that blends a filter with its input."""
    return Parameter("mix", "how much of the filter: 0 is the input alone, 1 the filter alone", 0.0, 0.0, 1.0)


class SectionStream:
    """Sections in a row with memory.

    Args:
        table: As `scipy.signal.sosfilt` takes them.
        channels: Of the sound.
    """

    latency = 0

    def __init__(self, table: Float[np.ndarray, "sections 6"], channels: int) -> None:
        self.table = np.ascontiguousarray(table)
        self.state = np.zeros((len(table), channels, 2))

    def __call__(self, block: np.ndarray) -> np.ndarray:
        """The next block."""
        out, self.state = sosfilt(self.table, block, zi=self.state)
        return np.asarray(out)
