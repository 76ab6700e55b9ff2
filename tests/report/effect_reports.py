"""Results of an identification made of closed forms: a plucked tone through a small chain whose knobs settle."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch

from ddsp_match.analysis.alignment import Alignment
from ddsp_match.core.audio import Audio
from ddsp_match.core.params import Parameter
from ddsp_match.core.settings import EffectSettings
from ddsp_match.effects.chain import Serial
from ddsp_match.effects.gain import Gain
from ddsp_match.effects.processor import Processor
from ddsp_match.effects.rack import Rack
from ddsp_match.fitting.effect_result import EffectResult
from ddsp_match.fitting.identify import Step
from ddsp_match.fitting.optimise import StopReason
from ddsp_match.fitting.verdict import Verdict


@dataclass(frozen=True)
class Taps(Processor):
    """A short filter: a row of knobs."""

    name: ClassVar[str] = "taps"
    linear: ClassVar[bool] = True
    size: int = 12

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        default = (1.0, *(0.0,) * (self.size - 1))
        return (Parameter("taps", "what each sample before adds", default, -2.0, 2.0, size=self.size),)

    def process(self, audio: torch.Tensor, knobs: dict[str, torch.Tensor], sample_rate: int) -> torch.Tensor:
        taps, n = knobs["taps"], audio.shape[-1]
        late = [torch.nn.functional.pad(audio, (k, 0))[..., :n] for k in range(self.size)]
        return sum((taps[:, k].reshape(-1, 1, 1) * part for k, part in enumerate(late)), torch.zeros_like(audio))

    def response(self, knobs: dict[str, torch.Tensor], sample_rate: int, hz: torch.Tensor) -> torch.Tensor:
        turn = torch.exp(-2j * torch.pi * hz / sample_rate * torch.arange(self.size)[:, None])
        return knobs["taps"].to(turn.dtype) @ turn


class Bend(Processor):
    """A soft clip."""

    name: ClassVar[str] = "bend"

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        drive = Parameter("drive", "how hard the curve is driven", 0.001, 0.001, 20.0, curve="log")
        return (drive, Parameter("offset", "where on the curve silence lies", 0.0, -0.5, 0.5))

    def process(self, audio: torch.Tensor, knobs: dict[str, torch.Tensor], sample_rate: int) -> torch.Tensor:
        drive, offset = knobs["drive"], knobs["offset"]
        return (torch.tanh(drive * (audio + offset)) - torch.tanh(drive * offset)) / drive


def plucks(seconds: float, rate: int, channels: int = 1) -> np.ndarray:
    """Decaying tones with overtones and a little noise, ``(channels, n)``."""
    time_s = np.arange(round(seconds * rate)) / rate
    rng = np.random.default_rng(0)
    sound = 0.002 * rng.standard_normal((channels, len(time_s)))
    for i, start in enumerate(np.arange(0, seconds, 0.4)):
        age = np.maximum(time_s - start, 0)
        f0_hz = 110 * 2 ** ((5 * i % 12) / 12)
        for k in range(1, 30):
            if k * f0_hz < 0.45 * rate:
                shape = np.where(time_s >= start, np.exp(-age * (2 + k)), 0.0)
                sound += 0.25 / k * shape * np.sin(2 * np.pi * k * f0_hz * age)
    pan = np.linspace(1.0, 0.7, channels)[:, None]
    return sound * pan


def effect_result(
    seconds: float = 2.0,
    rate: int = 16_000,
    channels: int = 1,
    *,
    steps: int = 60,
    chain: Processor | None = None,
    truth: dict[str, Any] | None = None,
    unseen: bool = True,
    error: float = 1e-3,
    **changes: Any,
) -> EffectResult:
    """A result whose knobs settle on the truth, but for a small error.

    Args:
        seconds: Length of the pair.
        rate: In Hz.
        channels: Of the pair.
        steps: Recorded steps of the search; none makes no history.
        chain: Processors; taps, a soft clip and a level by default.
        truth: Their settings.
        unseen: Whether a part was held out.
        error: Share of the range by which the knobs are off in the end.
        changes: Attributes of the result to replace.
    """
    chain = chain or Serial((Taps(), Bend(), Gain()))
    if truth is None:
        taps = np.append(0.8, 0.5 * 0.7 ** np.arange(1, 12) * np.cos(np.arange(1, 12)))
        truth = {"taps.taps": taps, "bend.drive": 5.0, "bend.offset": 0.05, "gain.gain_db": 6.0}
    true = Rack.of(chain, rate, truth)
    dry = plucks(seconds, rate, channels)
    noise = 1e-4 * np.random.default_rng(1).standard_normal(dry.shape)
    wet = true.process(dry, rate) + noise

    def knobs_at(share: float) -> dict[str, np.ndarray]:
        values = {}
        for index, knob in enumerate(chain.knobs):
            place = knob.position
            goal, rest = (place(torch.as_tensor(v, dtype=torch.float64)) for v in (true.knobs[knob.name], knob.default))
            way = (1 - share) ** (1 + index / 2) * np.cos(3 * index * (1 - share))
            values[knob.name] = knob.at((goal + (rest - goal) * way + error * share).clamp(0, 1)).numpy()
        return values

    found = Rack(chain, knobs_at(1.0), rate)
    output = found.process(dry, rate)
    n = dry.shape[1]
    last = round(0.8 * n) if unseen else n

    def ratio(made: np.ndarray, part: slice) -> float:
        return float(np.square(wet - made)[:, part].sum() / np.square(wet[:, part]).sum())

    gain = (wet * dry).sum() / np.square(dry).sum()
    history = []
    for step in range(steps):
        knobs = knobs_at(1 - np.exp(-step / max(1, steps) * 8))
        heard = slice(0, min(n, rate // 4))
        made = Rack(chain, knobs, rate).process(dry[:, heard], rate)
        loss = float(np.square(made - wet[:, heard]).sum() / np.square(wet[:, heard]).sum())
        history.append(Step(step, 0.1 * step, loss * (1 + 0.3 * abs(np.sin(3 * step))), knobs))
    held = slice(last, n) if unseen else slice(0, n)
    result = EffectResult(
        dry=Audio(dry.astype(np.float32), rate),
        wet=Audio(wet.astype(np.float32), rate),
        output=Audio(output.astype(np.float32), rate),
        rack=found,
        esr=ratio(output, slice(0, n)),
        esr_seen=ratio(output, slice(0, last)),
        esr_unseen=ratio(output, held) if unseen else None,
        esr_gain=ratio(gain * dry, held),
        seen=(0, last),
        history=history,
        alignment=Alignment(12.25, -1.0, 0.97, 0.83),
        verdict=Verdict(
            "good: close; error-to-signal ratio 4.1e-05 (-43.9 dB) on the part that was not fitted",
            [], [], ["bend.offset stands at 1, the end of its range: try another processor."], "good",
        ),
        loss=ratio(output, slice(0, last)),
        ambiguous=["bend.offset", "taps.taps[3]"],
        notes=["wet was 0.12 s longer than dry: its end was left out"],
        settings=EffectSettings(effects=["taps", "bend", "gain"]),
        seconds={"read and align": 0.12, "search": 3.4, "judge": 0.1},
        stop_reason=StopReason.PLATEAU,
        name="a pluck",
        command="ddsp-match effect dry.wav 'a pluck.wav' effects=[taps,bend,gain]",
    )
    return replace(result, **changes)
