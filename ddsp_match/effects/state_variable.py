"""The state-variable filter: low, band and high at once, with a cutoff that may move while it sounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from ddsp_match.core.params import Parameter
from ddsp_match.dsp import biquads, time_varying
from ddsp_match.effects.lfo import SWINGS, SweptStream, sweep_knobs, swept
from ddsp_match.effects.processor import Stream, Value
from ddsp_match.effects.sections import Sections, cutoff, quality, rows
from ddsp_match.effects.sweep_guesses import swings

RESONANCES = np.array([0.15, 0.4, 1.0, 2.5, 6.0, 15.0])  # that a first guess tries
LEVEL = 4.0  # highest level of an output, either polarity: 12 dB


@dataclass(frozen=True)
class StateVariable(Sections):
    """State-variable filter, integrated by the trapezoidal rule.

    `ddsp_match.dsp.time_varying.state_variable_filter` is the same filter under any cutoff that is given sample by
    sample.

    Args:
        sweep: With the three knobs that swing the cutoff; without them the filter is linear and time-invariant.
    """

    name: ClassVar[str] = "svf"
    title: ClassVar[str] = "state-variable filter with a swept cutoff"
    equation: ClassVar[str] = "H(s) = (low + band s/Q + high s^2) / (1 + s/Q + s^2), s in units of the moving cutoff"
    source: ClassVar[str] = "V. Zavalishin, The Art of VA Filter Design (2018), chapter 4"
    linear: ClassVar[bool] = False
    sweep: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "linear", not self.sweep)
        object.__setattr__(self, "swings", SWINGS if self.sweep else {})

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """Cutoff, resonance, the three levels, and the sweep."""
        outputs = (("low", "what lies below the cutoff"), ("band", "what lies around it"), ("high", "what lies above"))
        levels = (Parameter(name, f"level of {what}", 1.0, -LEVEL, LEVEL) for name, what in outputs)
        return (cutoff(), quality(), *levels, *(sweep_knobs(0.0) if self.sweep else ()))

    def cascade(self, knobs: dict[str, torch.Tensor], sample_rate: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The filter with its cutoff at rest; see `Sections.cascade`."""
        levels = (knobs["low"], knobs["band"], knobs["high"])
        return biquads.state_variable(knobs["cutoff_hz"], knobs["q"], levels, sample_rate)

    def process(self, audio: torch.Tensor, knobs: dict[str, torch.Tensor], sample_rate: int) -> torch.Tensor:
        """See `Processor.process`."""
        if not self.sweep:
            return super().process(audio, knobs, sample_rate)
        flat = rows(knobs)
        sound = audio.double()
        hz = swept(flat["cutoff_hz"], flat, sample_rate, audio.shape[-1])
        low, band, _ = time_varying.state_variable_filter(sound, hz, flat["q"][:, 0], sample_rate)
        high_level = knobs["high"].double()
        # The high output is what the others leave of the sound: in this order, neutral is exact.
        mixed = high_level * sound + (knobs["band"] - high_level) * band + (knobs["low"] - high_level) * low
        return mixed.to(audio.dtype)

    def stream(self, knobs: dict[str, np.ndarray], sample_rate: int, channels: int) -> Stream:
        """See `Processor.stream`."""
        if not self.sweep:
            return super().stream(knobs, sample_rate, channels)
        return _Stream("cutoff_hz", knobs, sample_rate, channels)

    def guesses(self, dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> list[dict[str, Value]]:
        """Settings with a still cutoff, and the swings that short stretches of the sounds agree on."""
        if not self.sweep:
            return super().guesses(dry, wet, sample_rate)
        still = StateVariable(sweep=False).guesses(dry, wet, sample_rate)

        def outputs(audio: torch.Tensor, hz: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
            low, band, high = time_varying.state_variable_filter(audio, hz, q, sample_rate)
            return torch.cat([low, band, high], dim=1)

        candidates = swings(outputs, dry, wet, sample_rate, self.knob("cutoff_hz"), RESONANCES, (-LEVEL, LEVEL))
        moving: list[dict[str, Value]] = [
            {
                "cutoff_hz": swing.centre_hz,
                "q": swing.shape,
                **dict(zip(("low", "band", "high"), swing.levels.tolist(), strict=True)),
                **swing.knobs,
            }
            for swing in candidates
        ]
        return [*still, *moving]


class _Stream(SweptStream):
    def __init__(self, centre: str, knobs: dict[str, np.ndarray], sample_rate: int, channels: int) -> None:
        super().__init__(centre, knobs, sample_rate, channels)
        self.state = np.zeros((channels, 2))
        self.damping = 1 / self.knobs["q"].reshape(1).numpy()
        self.low, self.band, self.high = (float(knobs[name]) for name in ("low", "band", "high"))

    def run(self, block: np.ndarray, hz: torch.Tensor) -> np.ndarray:
        """See `SweptStream.run`."""
        warped = torch.tan(biquads.angle(hz, self.sample_rate) / 2).numpy()
        band, low = np.empty_like(block), np.empty_like(block)
        time_varying.kernels().state_variable(block, warped, self.damping, self.of_x, self.of_c, self.state, band, low)
        band *= self.damping
        return self.high * block + (self.band - self.high) * band + (self.low - self.high) * low
