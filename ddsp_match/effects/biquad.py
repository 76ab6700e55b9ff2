"""Second-order filters with the knobs of a mixing desk: low, high, band, notch, shelves and peak.

The shelves and the peak are neutral at 0 dB. A low-, high- or bandpass is neutral at no cutoff that means the same at
every sample rate, so those carry a `mix` knob, 0 at first: it fades the filter in without moving its cutoff, and below
1 it makes the gentler slopes that a desk's filters have.
"""

from __future__ import annotations

from typing import ClassVar

import torch

from ddsp_match.core.params import Parameter
from ddsp_match.dsp import biquads
from ddsp_match.effects.sections import COOKBOOK, Sections, cutoff, gain, mix, quality


class _Biquad(Sections):
    """One cookbook shape."""

    source: ClassVar[str] = COOKBOOK
    design: ClassVar[biquads.Design]

    def cascade(self, knobs: dict[str, torch.Tensor], sample_rate: int) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Sections.cascade`."""
        level = knobs.get("gain_db", torch.zeros_like(knobs["q"]))
        coefficients = type(self).design(knobs["cutoff_hz"], knobs["q"], level, sample_rate)
        return biquads.blended(knobs["mix"], coefficients) if "mix" in knobs else coefficients


class _Blended(_Biquad):
    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """Cutoff, resonance and blend."""
        return (cutoff(), quality(), mix())


class _Boost(_Biquad):
    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """Frequency, width and level."""
        return (cutoff(), quality(), gain())


class Lowpass(_Blended):
    """Second-order lowpass."""

    name: ClassVar[str] = "lowpass"
    title: ClassVar[str] = "lowpass, 12 dB per octave"
    equation: ClassVar[str] = "H(s) = 1 - mix + mix / (s^2 + s/Q + 1)"
    design = staticmethod(biquads.lowpass)


class Highpass(_Blended):
    """Second-order highpass."""

    name: ClassVar[str] = "highpass"
    title: ClassVar[str] = "highpass, 12 dB per octave"
    equation: ClassVar[str] = "H(s) = 1 - mix + mix s^2 / (s^2 + s/Q + 1)"
    design = staticmethod(biquads.highpass)


class Bandpass(_Blended):
    """Second-order bandpass."""

    name: ClassVar[str] = "bandpass"
    title: ClassVar[str] = "bandpass, 6 dB per octave on both sides"
    equation: ClassVar[str] = "H(s) = 1 - mix + mix (s/Q) / (s^2 + s/Q + 1)"
    design = staticmethod(biquads.bandpass)


class Notch(_Blended):
    """Second-order notch; `mix` is its depth."""

    name: ClassVar[str] = "notch"
    title: ClassVar[str] = "notch: one frequency taken out"
    equation: ClassVar[str] = "H(s) = 1 - mix + mix (s^2 + 1) / (s^2 + s/Q + 1)"
    design = staticmethod(biquads.notch)


class LowShelf(_Boost):
    """Boost or cut of the lows."""

    name: ClassVar[str] = "low_shelf"
    title: ClassVar[str] = "low shelf: boost or cut below a frequency"
    equation: ClassVar[str] = "H(s) = A (s^2 + sqrt(A) s/Q + A) / (A s^2 + sqrt(A) s/Q + 1), A = 10^(gain_db / 40)"
    design = staticmethod(biquads.low_shelf)


class HighShelf(_Boost):
    """Boost or cut of the highs."""

    name: ClassVar[str] = "high_shelf"
    title: ClassVar[str] = "high shelf: boost or cut above a frequency"
    equation: ClassVar[str] = "H(s) = A (A s^2 + sqrt(A) s/Q + 1) / (s^2 + sqrt(A) s/Q + A), A = 10^(gain_db / 40)"
    design = staticmethod(biquads.high_shelf)


class Peak(_Boost):
    """Boost or cut around a frequency."""

    name: ClassVar[str] = "peak"
    title: ClassVar[str] = "bell: boost or cut around a frequency"
    equation: ClassVar[str] = "H(s) = (s^2 + s A/Q + 1) / (s^2 + s/(A Q) + 1), A = 10^(gain_db / 40)"
    design = staticmethod(biquads.peak)
