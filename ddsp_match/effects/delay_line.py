"""What echoes, combs and allpasses have in common: one delay of any length, alone or in a loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float

from ddsp_match.core.params import Parameter
from ddsp_match.dsp.delay_loop import Loop, LoopStream
from ddsp_match.dsp.fractional_delay import delay_kernel, fir_response
from ddsp_match.dsp.frequency_sampling import Circle
from ddsp_match.effects.delay_guesses import guess_line
from ddsp_match.effects.processor import Processor, Value

LONGEST_MS = 1000.0
FEEDBACK = 0.98  # highest, either sign: such a loop falls by 60 dB in 342 rounds


@dataclass(frozen=True)
class Parts:
    """What a delay line is set to, each a column ``(batch, 1)`` or a number.

    With V the transfer function of the line in its loop, ``V = D / (1 - feedback L D)`` for the delay D and the
    lowpass ``L = (1 - damping) / (1 - damping z^-1)``, the output is ``of_x + of_v V``.
    """

    delay_ms: torch.Tensor
    of_x: torch.Tensor | float = 0.0
    of_v: torch.Tensor | float = 0.0
    feedback: torch.Tensor | float = 0.0
    damping: torch.Tensor | float = 0.0


class DelayLine(Processor):
    """Base of the processors with one delay line; subclasses say how their knobs set it."""

    linear: ClassVar[bool] = True
    delays: ClassVar[bool] = True
    loops: ClassVar[bool] = True  # the delay is inside a feedback loop, where its kernel must be causal
    repeats: ClassVar[tuple[str, ...]] = ("dry", "wet")  # the sounds whose late copies make up the wet one
    dampings: ClassVar[tuple[float, ...]] = (0.0,)  # that guesses try
    batch_bytes: ClassVar[int] = 1 << 28  # of spectra: settings beyond these are processed afterwards

    def parts(self, knobs: dict[str, torch.Tensor]) -> Parts:
        """The settings of the line from knobs that are columns ``(batch, 1)``."""
        raise NotImplementedError

    def solved(self, shares: Float[np.ndarray, " sounds"]) -> dict[str, float]:
        """The knobs but for delay and damping, where the wet sound is the dry one and late copies in these shares.

        Args:
            shares: Of the dry sound, then of the late copies of `repeats`. With damping, of the dry sound, and late of
                the dry sound, of the wet one damped and of the dry one damped.
        """
        raise NotImplementedError

    def guesses(self, dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> list[dict[str, Value]]:
        """Distances at which the wet sound repeats the dry one or itself, with the levels that fit best."""
        return guess_line(self, dry, wet, sample_rate)

    def process(
        self, audio: Float[torch.Tensor, "batch channels samples"], knobs: dict[str, torch.Tensor], sample_rate: int
    ) -> Float[torch.Tensor, "batch channels samples"]:
        """See `Processor.process`."""
        circle = Circle(audio.shape[-1], audio.device)
        spectrum = circle.spectrum(audio)
        columns = {name: value.reshape(-1, 1).double() for name, value in knobs.items()}
        batch = max([audio.shape[0], *(len(column) for column in columns.values())])
        rows = max(1, self.batch_bytes // (16 * circle.size))
        heard = []
        for start in range(0, batch, rows):
            here = {name: value[start : start + rows] if len(value) > 1 else value for name, value in columns.items()}
            part = self.parts(here)
            first, taps = self._kernel(part, sample_rate)
            echoes = self._echoes(part, circle.fir(taps, first), 1 / circle.z)
            sound = audio[start : start + rows] if len(audio) > 1 else audio
            waves = spectrum[start : start + rows] if len(audio) > 1 else spectrum
            level = torch.as_tensor(part.of_x, dtype=torch.float64).reshape(-1, 1, 1)
            # The direct sound takes no detour by the circle: neutral settings return it exactly.
            heard.append(level * sound + circle.filtered(waves, echoes[:, None]))
        return torch.cat(heard).to(audio.dtype)

    def response(self, knobs: dict[str, torch.Tensor], sample_rate: int, hz: torch.Tensor) -> torch.Tensor:
        """See `Processor.response`."""
        part = self.parts({name: value.reshape(-1, 1).double() for name, value in knobs.items()})
        first, taps = self._kernel(part, sample_rate)
        angle = hz * (-2 * torch.pi / sample_rate)
        late = fir_response(taps, first, hz, sample_rate)
        return part.of_x + self._echoes(part, late, torch.polar(torch.ones_like(angle), angle))

    def stream(self, knobs: dict[str, np.ndarray], sample_rate: int, channels: int) -> LoopStream:
        """See `Processor.stream`."""
        part = self.parts({name: torch.from_numpy(value).double().reshape(1, 1) for name, value in knobs.items()})
        first, taps = self._kernel(part, sample_rate)
        start = int(first)
        if self.loops:
            # What a kernel that was narrowed to be causal has before time 1 is zero.
            taps, start = taps[:, max(0, 1 - start) :], max(1, start)
        numbers = (part.feedback, part.damping, part.of_x, part.of_v)
        return LoopStream(Loop(taps[0].numpy(), start, *(float(number) for number in numbers)), channels)

    def _kernel(self, part: Parts, sample_rate: int) -> tuple[torch.Tensor, torch.Tensor]:
        return delay_kernel(part.delay_ms[:, 0] * (sample_rate / 1000), causal=self.loops)

    @staticmethod
    def _echoes(part: Parts, late: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        """All but the direct sound, given the delay D and the delay ``z^-1`` at some points."""
        if not isinstance(part.feedback, torch.Tensor):
            return part.of_v * late
        back = part.feedback + 0 * step
        if isinstance(part.damping, torch.Tensor):
            back = part.feedback * (1 - part.damping) / (1 - part.damping * step)
        return part.of_v * late / (1 - back * late)


def delay_knob(default_ms: float, low_ms: float) -> Parameter:
    """The length of a delay; what it is where nothing is heard of it does not matter."""
    return Parameter("delay_ms", "how late the echo comes", default_ms, low_ms, LONGEST_MS, "ms")


def feedback_knob(default: float, meaning: str) -> Parameter:
    """The gain of a loop, short of where it would not die away."""
    return Parameter("feedback", meaning, default, -FEEDBACK, FEEDBACK)
