"""One delay of any length, alone or in a feedback loop: base of echoes, combs and allpasses, and its first guesses.

The first guess regresses the wet sound on late copies of the dry one, or of itself, at every lag (`LagFit`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from scipy.signal import lfilter

from ddsp_match.core.params import Parameter
from ddsp_match.dsp.deconvolution import LagFit, matched, valleys
from ddsp_match.dsp.delay_loop import Loop, LoopStream
from ddsp_match.dsp.fractional_delay import delay_kernel, fir_response
from ddsp_match.dsp.frequency_sampling import Circle
from ddsp_match.dsp.levels import levelled
from ddsp_match.effects.processor import Processor, Value

LONGEST_MS = 1000.0
FEEDBACK = 0.98  # highest, either sign: such a loop falls by 60 dB in 342 rounds
LONGEST_S = 10.0  # of a pair that is analysed
VALLEYS = 64  # lags that are refined between whole samples
TRIED = 10  # of them that are rendered
KEPT = 5  # candidates from the dry sound as it is
KEPT_MATCHED = 3  # and from the dry sound with the filter that brings it nearest to the wet one


@dataclass(frozen=True)
class Parts:
    """Settings of a delay line, each a column ``(batch, 1)`` or a number.

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
        """Return the settings of the line from knobs that are columns ``(batch, 1)``."""
        raise NotImplementedError

    def solved(self, shares: Float[np.ndarray, " sounds"]) -> dict[str, float]:
        """Solve the knobs, but for delay and damping, from the shares of the dry sound and its late copies.

        Args:
            shares: Of the dry sound, then of the late copies of `repeats`. With damping, of the dry sound, and late of
                the dry sound, of the wet one damped and of the dry one damped.
        """
        raise NotImplementedError

    def guesses(self, dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> list[dict[str, Value]]:
        """Return delays at which the wet sound repeats the dry one or itself, with the levels that fit best."""
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
        outputs = []
        for start in range(0, batch, rows):
            here = {name: value[start : start + rows] if len(value) > 1 else value for name, value in columns.items()}
            part = self.parts(here)
            first, taps = self._kernel(part, sample_rate)
            echoes = self._echoes(part, circle.fir(taps, first), 1 / circle.z)
            sound = audio[start : start + rows] if len(audio) > 1 else audio
            waves = spectrum[start : start + rows] if len(audio) > 1 else spectrum
            level = torch.as_tensor(part.of_x, dtype=torch.float64).reshape(-1, 1, 1)
            # The direct sound takes no detour by the circle: neutral settings return it exactly.
            outputs.append(level * sound + circle.filtered(waves, echoes[:, None]))
        return torch.cat(outputs).to(audio.dtype)

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
        """Return all but the direct sound, given the delay D and the delay ``z^-1`` at some points."""
        if not isinstance(part.feedback, torch.Tensor):
            return part.of_v * late
        back = part.feedback + 0 * step
        if isinstance(part.damping, torch.Tensor):
            back = part.feedback * (1 - part.damping) / (1 - part.damping * step)
        return part.of_v * late / (1 - back * late)


def delay_knob(default_ms: float, low_ms: float) -> Parameter:
    """Return the knob of a delay's length."""
    return Parameter("delay_ms", "how late the echo comes", default_ms, low_ms, LONGEST_MS, "ms")


def feedback_knob(default: float, meaning: str) -> Parameter:
    """Return the knob of a loop's gain, below the limit of stability."""
    return Parameter("feedback", meaning, default, -FEEDBACK, FEEDBACK)


def guess_line(
    part: DelayLine, dry: Float[np.ndarray, "channels samples"], wet: np.ndarray, sample_rate: int
) -> list[dict[str, Value]]:
    """Return settings of a delay line that may make `wet` from `dry`, the best first."""
    began = int(np.argmax(np.abs(dry).max(0) > 0))
    dry, wet = (sound[:, began : began + int(LONGEST_S * sample_rate)] for sound in (dry, wet))
    if dry.shape[1] < 64 or not dry.any() or not wet.any():
        return []
    candidates: list[dict[str, Value]] = []
    for source, count in ((dry, KEPT), (matched(dry, wet), KEPT_MATCHED)):
        settings = _from_source(part, source, wet, sample_rate)
        candidates += _nearest(part, source, wet, sample_rate, settings)[:count]
    return candidates


def _from_source(part: DelayLine, dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> list[dict[str, Value]]:
    delay = part.knob("delay_ms")
    longest = int(np.ceil(delay.high * sample_rate / 1000)) + 2
    ranked: list[tuple[float, dict[str, Value]]] = []
    lags: np.ndarray | None = None
    # The middle damping first: its valleys are then refined with the others too.
    for damping in part.dampings:
        fit = LagFit(wet, [dry], _terms(part, dry, wet, damping), longest)
        if lags is None:
            steps, unexplained = fit.everywhere()
            allowed = steps >= delay.low * sample_rate / 1000
            lags = steps[allowed][valleys(unexplained[allowed], VALLEYS)]
        near, unexplained, coefficients = fit.refined(lags)
        order = np.argsort(unexplained, kind="stable")[:TRIED]
        for place in order:
            knobs = part.solved(coefficients[place])
            knobs["delay_ms"] = float(near[place]) * 1000 / sample_rate
            if len(part.dampings) > 1:
                knobs["damping"] = damping
            inside: dict[str, Value] = {name: _inside(part, name, value) for name, value in knobs.items()}
            ranked.append((float(unexplained[place]), inside))
        lags = near[order]
    ranked.sort(key=lambda entry: entry[0])
    return [setting for _, setting in ranked[:TRIED]]


def _terms(part: DelayLine, dry: np.ndarray, wet: np.ndarray, damping: float) -> list[np.ndarray]:
    """Return the sounds whose late copies make up the wet one."""
    if not damping:
        return [{"dry": dry, "wet": wet}[name] for name in part.repeats]
    dull = [np.asarray(lfilter([1 - damping], [1.0, -damping], sound)) for sound in (dry, wet)]
    return [dry, dull[1], dull[0]]


def _inside(part: DelayLine, name: str, value: float) -> float:
    bounds = part.knob(name)
    return float(np.clip(np.nan_to_num(value), bounds.low, bounds.high))


def _nearest(
    part: DelayLine, dry: np.ndarray, wet: np.ndarray, sample_rate: int, settings: list[dict[str, Value]]
) -> list[dict[str, Value]]:
    """Sort settings by their residual, each at its best overall level."""
    names = [knob.name for knob in part.knobs]
    with torch.inference_mode():
        stacked = {name: torch.tensor([float(s[name]) for s in settings], dtype=torch.float64) for name in names}  # pyright: ignore[reportArgumentType]
        outputs = part(torch.from_numpy(np.ascontiguousarray(dry))[None], sample_rate, **stacked).numpy()
    return [settings[place] for place in np.argsort(levelled(outputs, wet)[1], kind="stable")]
