"""The parametric equaliser, and its general form: sections that may take any second-order shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from ddsp_match.core.params import Parameter
from ddsp_match.dsp import biquads
from ddsp_match.effects import eq_guesses
from ddsp_match.effects.processor import Value
from ddsp_match.effects.sections import COOKBOOK, Sections, cutoff, gain, quality

LEVEL = 4.0  # highest level of an output of a section, either polarity: 12 dB


def _frequencies(size: int, low: float, high: float) -> Parameter:
    """One frequency a band, spread over the ear's range at first."""
    return cutoff(tuple(np.geomspace(low, high, size).tolist()) if size > 1 else (1000.0,))


@dataclass(frozen=True)
class Eq(Sections):
    """Low shelf, bells and high shelf in a row.

    Args:
        bands: From 1; the first is a low shelf and the last a high shelf where there are three or more, else bells.
    """

    name: ClassVar[str] = "eq"
    title: ClassVar[str] = "parametric equaliser: low shelf, bells, high shelf"
    equation: ClassVar[str] = "H = low_shelf(knobs 1) peak(knobs 2) ... high_shelf(knobs m)"
    source: ClassVar[str] = COOKBOOK
    bands: int = 4

    def __post_init__(self) -> None:
        if not 1 <= self.bands <= 16:
            raise ValueError(f"eq: {self.bands} bands, where 1 to 16 are allowed")

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """Frequency, level and width of each band."""
        return (_frequencies(self.bands, 100.0, 8000.0), gain(self.bands), quality(self.bands))

    def cascade(self, knobs: dict[str, torch.Tensor], sample_rate: int) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Sections.cascade`."""
        hz, q, gain_db = torch.broadcast_tensors(knobs["cutoff_hz"], knobs["q"], knobs["gain_db"])
        edge = 1 if self.bands > 2 else 0
        parts = (
            (biquads.low_shelf, slice(0, edge)),
            (biquads.peak, slice(edge, self.bands - edge)),
            (biquads.high_shelf, slice(self.bands - edge, self.bands)),
        )
        made = [design(hz[:, s], q[:, s], gain_db[:, s], sample_rate) for design, s in parts]
        return torch.cat([b for b, _ in made], dim=1), torch.cat([a for _, a in made], dim=1)

    def guesses(self, dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> list[dict[str, Value]]:
        """Bands put one by one where they help most, and the settings whose response is nearest up to a gain."""
        grown = eq_guesses.guesses(self, self.bands, dry, wet, sample_rate)
        return [*grown, *super().guesses(dry, wet, sample_rate)[-2:]]


@dataclass(frozen=True)
class Sos(Sections):
    """Second-order sections of any shape, in knobs that keep them stable.

    Poles by frequency and Q, zeros by the levels of a state-variable filter's three outputs, which reach every
    numerator (Kuznetsov, Parker and Esqueda, *Differentiable IIR Filters for Machine Learning Applications*, 2020).
    Levels scaled up in one section and down in another sound the same, and so do sections in another order.

    Args:
        sections: How many, 1 to 12.
    """

    name: ClassVar[str] = "sos"
    title: ClassVar[str] = "second-order sections in a row"
    equation: ClassVar[str] = "H(s) = prod_i (low_i + band_i s/Q_i + high_i s^2) / (1 + s/Q_i + s^2)"
    source: ClassVar[str] = "V. Zavalishin, The Art of VA Filter Design (2018), section 4.4"
    sections: int = 2

    def __post_init__(self) -> None:
        if not 1 <= self.sections <= 12:
            raise ValueError(f"sos: {self.sections} sections, where 1 to 12 are allowed")

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """Poles and zeros of each section."""
        return (
            _frequencies(self.sections, 300.0, 3000.0),
            quality(self.sections),
            *(
                Parameter(name, f"level of the {what}", (1.0,) * self.sections, -LEVEL, LEVEL, size=self.sections)
                for name, what in (("low", "lows"), ("band", "middle"), ("high", "highs"))
            ),
        )

    def cascade(self, knobs: dict[str, torch.Tensor], sample_rate: int) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Sections.cascade`."""
        levels = (knobs["low"], knobs["band"], knobs["high"])
        return biquads.state_variable(knobs["cutoff_hz"], knobs["q"], levels, sample_rate)
