"""Effects in a row, side by side, and mixed with the dry sound: plain objects that are processors themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import numpy as np
import torch

from ddsp_match.core.params import Parameter
from ddsp_match.effects.processor import Processor, Stream

LEVEL = 2.0  # highest level of a parallel branch, either polarity: 6 dB

T = TypeVar("T")


def _names(parts: Sequence[Processor]) -> tuple[str, ...]:
    """A name for each part, unique: clip, clip2, clip3."""
    names: list[str] = []
    for part in parts:
        name = stem = part.name or "chain"
        count = 1
        while name in names:
            count += 1
            name = f"{stem}{count}"
        names.append(name)
    return tuple(names)


def share(values: Mapping[str, T], prefix: str) -> dict[str, T]:
    """The values of the part whose knobs have that prefix, by the part's own names."""
    return {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}


class _Composite(Processor):
    """Parts under names; their knobs are ours, as ``part.knob``."""

    parts: tuple[Processor, ...]

    @property
    def named(self) -> tuple[tuple[str, Processor], ...]:
        """The parts with their names."""
        return tuple(zip(_names(self.parts), self.parts, strict=True))

    @property
    def own(self) -> tuple[Parameter, ...]:
        """Knobs of the composite itself."""
        return ()

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """All knobs: our own, then ``part.knob``."""
        inner = (knob.named(f"{name}.{knob.name}") for name, part in self.named for knob in part.knobs)
        return (*self.own, *inner)

    @property
    def linear(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """True if all parts are."""
        return all(part.linear for part in self.parts)

    @property
    def delays(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """True if any part does."""
        return any(part.delays for part in self.parts)

    @property
    def by_chance(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """True if the fine structure of any part is."""
        return any(part.by_chance for part in self.parts)

    @property
    def stereo(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """True if any part is."""
        return any(part.stereo for part in self.parts)

    @property
    def swings(self) -> dict[str, tuple[str, float]]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Those of all parts."""
        return {
            f"{part_name}.{name}": (f"{part_name}.{rate}", turn)
            for part_name, part in self.named
            for name, (rate, turn) in part.swings.items()
        }

    @property
    def rate_bound(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """True if any part is."""
        return any(part.rate_bound for part in self.parts)


@dataclass(frozen=True)
class Serial(_Composite):
    """Effects one after the other.

    Args:
        parts: From the input to the output; none at all changes nothing.
    """

    title: ClassVar[str] = "effects in a row"
    equation: ClassVar[str] = "y = P_m(... P_2(P_1(x)))"
    parts: tuple[Processor, ...]

    def process(self, audio: torch.Tensor, knobs: dict[str, torch.Tensor], sample_rate: int) -> torch.Tensor:
        """See `Processor.process`."""
        for name, part in self.named:
            audio = part.process(audio, share(knobs, f"{name}."), sample_rate)
        return audio

    def stream(self, knobs: dict[str, np.ndarray], sample_rate: int, channels: int) -> Stream:
        """See `Processor.stream`."""
        return _Row([part.stream(share(knobs, f"{name}."), sample_rate, channels) for name, part in self.named])

    def response(self, knobs: dict[str, torch.Tensor], sample_rate: int, hz: torch.Tensor) -> torch.Tensor:
        """See `Processor.response`."""
        whole = torch.ones(1, len(hz), dtype=torch.complex128)
        for name, part in self.named:
            whole = whole * part.response(share(knobs, f"{name}."), sample_rate, hz)
        return whole


@dataclass(frozen=True)
class Parallel(_Composite):
    """Effects side by side on the same input, added to the dry sound.

    Args:
        parts: The branches.
    """

    name: ClassVar[str] = "parallel"
    title: ClassVar[str] = "branches side by side, added to the dry sound"
    equation: ClassVar[str] = "y = dry x + sum_i level_i P_i(x)"
    parts: tuple[Processor, ...] = ()

    @property
    def own(self) -> tuple[Parameter, ...]:
        """The level of the dry sound, and one for each branch."""
        count = len(self.parts)
        dry = Parameter("dry", "how much of the input", 1.0, -LEVEL, LEVEL)
        if not count:
            return (dry,)
        return (dry, Parameter("levels", "how much of each branch", (0.0,) * count, -LEVEL, LEVEL, size=count))

    def process(self, audio: torch.Tensor, knobs: dict[str, torch.Tensor], sample_rate: int) -> torch.Tensor:
        """See `Processor.process`."""
        mixed = audio * knobs["dry"]
        for index, (name, part) in enumerate(self.named):
            level = knobs["levels"][:, index].reshape(-1, 1, 1)
            mixed = mixed + level * part.process(audio, share(knobs, f"{name}."), sample_rate)
        return mixed

    def stream(self, knobs: dict[str, np.ndarray], sample_rate: int, channels: int) -> Stream:
        """See `Processor.stream`."""
        branches = [part.stream(share(knobs, f"{name}."), sample_rate, channels) for name, part in self.named]
        levels = knobs["levels"].tolist() if branches else []
        return _Sum([_Row([]), *branches], [float(knobs["dry"]), *levels], channels)

    def response(self, knobs: dict[str, torch.Tensor], sample_rate: int, hz: torch.Tensor) -> torch.Tensor:
        """See `Processor.response`."""
        mixed = knobs["dry"].reshape(-1, 1) + 0j * hz
        for index, (name, part) in enumerate(self.named):
            mixed = mixed + knobs["levels"][:, index, None] * part.response(share(knobs, f"{name}."), sample_rate, hz)
        return mixed


@dataclass(frozen=True)
class DryWet(_Composite):
    """An effect, or a row of them, blended with its own input.

    Args:
        parts: The effects of the wet side, one after the other.
    """

    name: ClassVar[str] = "mix"
    title: ClassVar[str] = "a row of effects blended with its input"
    equation: ClassVar[str] = "y = (1 - mix) x + mix P(x)"
    parts: tuple[Processor, ...] = ()

    @property
    def own(self) -> tuple[Parameter, ...]:
        """The blend."""
        return (Parameter("mix", "0 is dry, 1 is wet", 1.0, 0.0, 1.0),)

    def process(self, audio: torch.Tensor, knobs: dict[str, torch.Tensor], sample_rate: int) -> torch.Tensor:
        """See `Processor.process`."""
        wet = Serial(self.parts).process(audio, knobs, sample_rate)
        return audio + knobs["mix"] * (wet - audio)

    def stream(self, knobs: dict[str, np.ndarray], sample_rate: int, channels: int) -> Stream:
        """See `Processor.stream`."""
        mix = float(knobs["mix"])
        wet = Serial(self.parts).stream(knobs, sample_rate, channels)
        return _Sum([_Row([]), wet], [1 - mix, mix], channels)

    def response(self, knobs: dict[str, torch.Tensor], sample_rate: int, hz: torch.Tensor) -> torch.Tensor:
        """See `Processor.response`."""
        wet = Serial(self.parts).response(knobs, sample_rate, hz)
        return 1 + knobs["mix"].reshape(-1, 1) * (wet - 1)


class _Row:
    def __init__(self, streams: list[Stream]) -> None:
        self.streams = streams
        self.latency = sum(stream.latency for stream in streams)

    def __call__(self, block: np.ndarray) -> np.ndarray:
        for stream in self.streams:
            block = stream(block)
        return block


class _Sum:
    """Branches of different latency, each delayed to the slowest."""

    def __init__(self, streams: Sequence[Stream], levels: Sequence[float], channels: int) -> None:
        self.streams, self.levels = streams, levels
        self.latency = max(stream.latency for stream in streams)
        self.waiting = [np.zeros((channels, self.latency - stream.latency)) for stream in streams]

    def __call__(self, block: np.ndarray) -> np.ndarray:
        mixed = np.zeros(block.shape)
        for index, (stream, level) in enumerate(zip(self.streams, self.levels, strict=True)):
            late = np.concatenate([self.waiting[index], stream(block)], axis=1)
            mixed += level * late[:, : block.shape[1]]
            self.waiting[index] = late[:, block.shape[1] :]
        return mixed
