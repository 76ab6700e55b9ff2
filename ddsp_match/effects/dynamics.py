"""Base of the processors whose gain follows the level of the sound: state, streams and first guesses."""

from __future__ import annotations

import numpy as np
import torch

from ddsp_match.dsp.ballistics import smooth
from ddsp_match.dsp.levels import levelled
from ddsp_match.effects.processor import Processor, Value

ANALYSED_S = 4.0  # of a pair, where the wet sound is loudest
AT_ONCE = 12  # settings that are tried together
GUESSES = 3

State = dict[str, torch.Tensor]


def smoothed(target: torch.Tensor, rise: torch.Tensor, fall: torch.Tensor, start: torch.Tensor) -> torch.Tensor:
    """`smooth` over ``(batch, channels, samples)``, with speeds and start ``(settings, channels or 1, 1)``."""
    channels, n = target.shape[1:]
    batch = max(len(target), len(rise), len(fall), len(start))

    def spread(values: torch.Tensor) -> torch.Tensor:
        return values.expand(batch, channels, 1).reshape(-1)

    # One mono row under many settings stays one row; anything else is laid out row by row.
    rows = target.reshape(1, n) if len(target) == 1 and channels == 1 else target.expand(batch, -1, -1).reshape(-1, n)
    envelope = smooth(rows, spread(rise), spread(fall), spread(start))
    return envelope.reshape(batch, channels, n)


def linked_level(audio: torch.Tensor, linked: bool) -> torch.Tensor:
    """Size of the samples: of each channel, or for both that of the louder one."""
    level = audio.abs()
    return level.amax(dim=1, keepdim=True) if linked else level


class Dynamics(Processor):
    """A sound times a gain that follows from it; subclasses write `turned` and `tries`."""

    def turned(
        self, audio: torch.Tensor, knobs: dict[str, torch.Tensor], sample_rate: int, state: State
    ) -> tuple[torch.Tensor, State]:
        """The sound turned down, and the state at its end; an empty state is that of the beginning."""
        raise NotImplementedError

    def tries(self) -> dict[str, np.ndarray]:
        """Settings that cover what such a unit does, one per row: `guesses` tries them all."""
        raise NotImplementedError

    def process(self, audio: torch.Tensor, knobs: dict[str, torch.Tensor], sample_rate: int) -> torch.Tensor:
        """See `Processor.process`."""
        return self.turned(audio, knobs, sample_rate, {})[0]

    def stream(self, knobs: dict[str, np.ndarray], sample_rate: int, channels: int) -> _Stream:
        """See `Processor.stream`."""
        return _Stream(self, self.tensors(knobs), sample_rate)

    def guesses(self, dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> list[dict[str, Value]]:
        """The settings of `tries` that come nearest, whatever the level, with the level that then fits best."""
        n = min(dry.shape[1], round(ANALYSED_S * sample_rate))
        energy = np.concatenate([[0.0], np.square(wet).sum(axis=0).cumsum()])
        starts = np.arange(0, dry.shape[1] - n + 1, max(n // 4, 1))
        first = int(starts[(energy[starts + n] - energy[starts]).argmax()])
        audio = torch.from_numpy(np.ascontiguousarray(dry[:, first : first + n], dtype=np.float64))[None]
        goal = wet[:, first : first + n].reshape(-1)
        tries = self.tries()
        count = len(next(iter(tries.values())))
        errors, levels = np.empty(count), np.empty(count)
        with torch.inference_mode():
            for at in range(0, count, AT_ONCE):
                some = {name: values[at : at + AT_ONCE] for name, values in tries.items()}
                out = self(audio, sample_rate, **some).reshape(-1, goal.size).numpy()
                levels[at : at + AT_ONCE], errors[at : at + AT_ONCE] = levelled(out, goal)
        makeup = self.knob("makeup_db")
        loud = np.clip(20 * np.log10(np.maximum(levels, 1e-6)), makeup.low, makeup.high)
        return [
            {**{name: float(values[i]) for name, values in tries.items()}, "makeup_db": float(loud[i])}
            for i in errors.argsort()[:GUESSES]
        ]


class _Stream:
    latency = 0

    def __init__(self, part: Dynamics, knobs: dict[str, torch.Tensor], sample_rate: int) -> None:
        self.part, self.knobs, self.sample_rate = part, knobs, sample_rate
        self.state: State = {}

    def __call__(self, block: np.ndarray) -> np.ndarray:
        audio = torch.from_numpy(np.ascontiguousarray(block, dtype=np.float64)).unsqueeze(0)
        with torch.inference_mode():
            out, self.state = self.part.turned(audio, self.knobs, self.sample_rate, self.state)
        return out[0].numpy()
