"""An effect: a pure function of a sound and named knobs, each with a range, a unit and a neutral default."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, NoReturn, Protocol, TypeAlias

import numpy as np
import torch
from jaxtyping import Complex, Float

from ddsp_match.core.errors import EFFECTS, ConfigError
from ddsp_match.core.params import Parameter

Value: TypeAlias = "float | Sequence[float] | np.ndarray | torch.Tensor"
Values: TypeAlias = Mapping[str, Value]


class Stream(Protocol):
    """A processor with its state, that takes a sound block by block."""

    latency: int  # samples by which the output lags behind that of the whole sound

    def __call__(self, block: Float[np.ndarray, "channels samples"]) -> Float[np.ndarray, "channels samples"]:
        """The next block, of any length from 1, to as many samples of output."""
        ...


class Processor:
    """Base of all effects: what they are asked for, and the checks they share.

    A processor is immutable; its fields, if any, fix its structure (number of taps, of bands). It owns no numbers:
    the knobs are given. Subclasses write `knobs`, `process` and `stream`, `response` where they are linear, and
    `guesses` where something better than chance is known.
    """

    name: ClassVar[str] = ""  # as in a chain: effects=[name]
    title: ClassVar[str] = ""  # one line for listings
    equation: ClassVar[str] = ""  # plain text with the usual symbols
    source: ClassVar[str] = ""  # paper or book, where there is one
    linear: ClassVar[bool] = False  # linear and time-invariant in every setting: `response` tells all
    delays: ClassVar[bool] = False  # can explain a late copy by itself
    by_chance: ClassVar[bool] = False  # its fine structure is drawn by chance: others' samples cannot be met
    rate_bound: ClassVar[bool] = False  # the knobs mean something else at another sample rate (taps)
    stereo: ClassVar[bool] = False  # the two channels of a sound are not treated as two sounds
    # Knobs that say where in its swing a sound begins: each with the knob of its rate in Hz, and how much a turn is.
    swings: ClassVar[Mapping[str, tuple[str, float]]] = MappingProxyType({})

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """The knobs, in the order of listings."""
        raise NotImplementedError

    @property
    def numbers(self) -> int:
        """The number of numbers in all knobs."""
        return sum(knob.count for knob in self.knobs)

    def process(
        self, audio: Float[torch.Tensor, "batch channels samples"], knobs: dict[str, torch.Tensor], sample_rate: int
    ) -> Float[torch.Tensor, "batch channels samples"]:
        """The effect itself; `knobs` holds every knob, single ones as ``(batch, 1, 1)``, rows as ``(batch, size)``.

        The batches of sound and knobs broadcast: either may be 1.
        """
        raise NotImplementedError

    def stream(self, knobs: dict[str, np.ndarray], sample_rate: int, channels: int) -> Stream:
        """The effect with memory, for one sound; `knobs` holds every knob, float64, ``()`` or ``(size,)``."""
        raise NotImplementedError

    def response(
        self, knobs: dict[str, torch.Tensor], sample_rate: int, hz: Float[torch.Tensor, " points"]
    ) -> Complex[torch.Tensor, "batch points"]:
        """Frequency response of a `linear` processor, for one channel.

        Knobs are shaped as in `process`; they and the frequencies, in Hz, are float64.
        """
        raise NotImplementedError

    def guesses(
        self, dry: Float[np.ndarray, "channels samples"], wet: Float[np.ndarray, "channels samples"], sample_rate: int
    ) -> list[dict[str, Value]]:
        """Settings worth starting from when `wet` is to be made from `dry` (float64); knobs left out are neutral."""
        return []

    def later(self, knobs: dict[str, torch.Tensor], seconds: float) -> dict[str, torch.Tensor]:
        """The knobs with which a cut that begins so much later in a sound is played as it is within the whole."""
        moved = {
            name: knobs[name].double() + turn * knobs[rate].double() * seconds
            for name, (rate, turn) in self.swings.items()
        }
        return {**knobs, **moved}

    def __call__(
        self, audio: Float[torch.Tensor, "batch channels samples"], sample_rate: int, **knobs: Value
    ) -> Float[torch.Tensor, "batch channels samples"]:
        """Processes a sound; knobs that are not given are neutral.

        Args:
            audio: Float32 or float64, one or two channels.
            sample_rate: In Hz.
            **knobs: Physical values: numbers, or tensors ``(batch,)``; for rows ``(size,)`` or ``(batch, size)``.

        Raises:
            ConfigError: A knob that this processor does not have.
        """
        if audio.ndim != 3:
            raise ValueError(f"audio has the shape {tuple(audio.shape)}, not (batch, channels, samples)")
        return self.process(audio, self.tensors(knobs, audio.dtype, audio.device), sample_rate)

    def knob(self, name: str) -> Parameter:
        """The knob of that name.

        Raises:
            ConfigError: There is none.
        """
        return self._known([name])[name]

    def _known(self, names: Iterable[str]) -> dict[str, Parameter]:
        """All knobs by name; refuses names that are none of theirs."""
        known = {knob.name: knob for knob in self.knobs}  # once: a long row of taps takes time to build
        for name in names:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=2)
                raise ConfigError(
                    f"{name!r}, which is no knob",
                    where=self.name or "effects",
                    needed="one of " + ", ".join(known),
                    hint=" or ".join(near),
                    cures=[] if near else [EFFECTS],
                )
        return known

    def tensors(
        self, values: Values, dtype: torch.dtype = torch.float64, device: torch.device | None = None
    ) -> dict[str, torch.Tensor]:
        """Every knob as `process` takes it: single ones ``(batch, 1, 1)``, rows ``(batch, size)``.

        Raises:
            ConfigError: A name that is no knob of this processor, a row of another length, or a value out of range.
        """
        shaped: dict[str, torch.Tensor] = {}
        for name, knob in self._known(values).items():
            value = torch.as_tensor(values.get(name, knob.default), dtype=dtype, device=device)
            if name in values:
                self._check_range(knob, value)
            if knob.size and value.shape[-1:] != knob.shape:
                self._refuse_count(knob, value.shape[-1] if value.ndim else 1)
            shaped[name] = value.reshape(-1, knob.size) if knob.size else value.reshape(-1, 1, 1)
        return shaped

    def _refuse_count(self, knob: Parameter, count: int) -> NoReturn:
        raise ConfigError(f"{count} numbers for {knob.name}", where=self.name or "effects", needed=str(knob.count))

    def _check_range(self, knob: Parameter, value: torch.Tensor) -> None:
        slack = 1e-6 * (knob.high - knob.low)
        if not bool(((value >= knob.low - slack) & (value <= knob.high + slack)).all()):
            first = value.detach().flatten().tolist()[:4]
            raise ConfigError(f"{knob.name}={first}", where=self.name or "effects", needed=knob.span)

    def arrays(self, values: Values) -> dict[str, np.ndarray]:
        """Every knob as `stream` takes it: float64, ``()`` or ``(size,)``.

        Raises:
            ConfigError: A name that is no knob of this processor, or another count of numbers.
        """
        shaped: dict[str, np.ndarray] = {}
        for name, knob in self._known(values).items():
            value = np.asarray(values.get(name, knob.default), dtype=np.float64)
            if value.size != knob.count:
                self._refuse_count(knob, value.size)
            shaped[name] = value.reshape(knob.shape)
        return shaped

    def clipped(self, values: Values) -> dict[str, Value]:
        """Values of some knobs, moved to the end of the range where they lie beyond it."""
        knobs = self._known(values)
        return {name: np.clip(np.asarray(v), knobs[name].low, knobs[name].high) for name, v in values.items()}

    def neutral(self) -> dict[str, Value]:
        """The knobs where the processor changes nothing."""
        return {knob.name: knob.default for knob in self.knobs}
