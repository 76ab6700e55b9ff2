"""A parameter: one number or word with its meaning, unit, range and default, and its map to free numbers.

Knobs of effects, parameters of edits, options of exports and settings are all declared with it, once. Imports no torch,
so that ``--help`` stays light.
"""

from __future__ import annotations

import dataclasses
import math
import numbers
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from ddsp_match.core.errors import ConfigError

if TYPE_CHECKING:
    import torch

Curve = Literal["linear", "log", "exp_sigmoid", "free"]
Kind = Literal["number", "whole", "switch", "text", "chain"]


@dataclass(frozen=True)
class Parameter:
    """One number, a row of numbers, or a word, and the values it may have.

    Args:
        name: Its name, with the unit in it: ``cutoff_hz``.
        meaning: What it does.
        default: Its value when none is given; a tuple for a row.
        low: Lowest number.
        high: Highest number.
        unit: Unit of the number, empty for a plain ratio.
        curve: How free numbers are mapped to physical ones, and knobs drawn. ``linear`` and ``log`` squash with a
            sigmoid along a linear or logarithmic scale; ``exp_sigmoid`` is DDSP's amplitude scaling (its `low` is
            1e-7); ``free`` leaves the number alone (angles).
        size: How many numbers a row has; 0 for a single one, None for a list of any length.
        kind: ``number``, ``whole`` number, ``switch`` (true or false), ``text``, or ``chain`` of effects.
        choices: The values it can have, where they are few.
        step: By how much a page moves the number.
        above: The number must lie above `low` rather than at or above it.
        optional: May be None.
        required: Has no default that changes nothing, and must be given.
        recent: Patches written before it existed are still about; they are played with its default.
    """

    name: str
    meaning: str = ""
    default: Any = None
    low: float = -math.inf
    high: float = math.inf
    unit: str = ""
    curve: Curve = "linear"
    size: int | None = 0
    _: dataclasses.KW_ONLY
    kind: Kind = "number"
    choices: tuple[Any, ...] = ()
    step: float | None = None
    above: bool = False
    optional: bool = False
    required: bool = False
    recent: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"{self.name}: low {self.low} must lie below high {self.high}")
        if self.curve == "log" and self.low <= 0:
            raise ValueError(f"{self.name}: a log range starts above 0, not at {self.low}")
        if self.curve == "exp_sigmoid":
            from ddsp_match.dsp.scaling import THRESHOLD

            if self.low != THRESHOLD:
                raise ValueError(f"{self.name}: an exp_sigmoid range starts at {THRESHOLD}")
        self._check_default()

    def _check_default(self) -> None:
        if self.choices:
            if self.default is not None and self.default not in self.choices:
                raise ValueError(f"{self.name}: the default {self.default!r} is none of the choices")
        elif self.size and len(self.default) != self.size:
            raise ValueError(f"{self.name}: {len(self.default)} defaults for a size of {self.size}")
        elif self.default is not None and self.kind in ("number", "whole"):
            values = self.default if isinstance(self.default, tuple) else (self.default,)
            if not self.low <= min(values) <= max(values) <= self.high:
                raise ValueError(f"{self.name}: a default outside {self.low} to {self.high}")

    @property
    def count(self) -> int:
        """The number of values: 1 for a single one."""
        return self.size or 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Of its value as an array: ``()`` or ``(size,)``."""
        return (self.size,) if self.size else ()

    @property
    def labels(self) -> list[str]:
        """One name a number: ``clip.high``, ``fir.taps[3]``."""
        return [f"{self.name}[{index}]" for index in range(self.size)] if self.size else [self.name]

    def named(self, name: str) -> Parameter:
        """Return the same parameter under another name, as in a chain."""
        return dataclasses.replace(self, name=name)

    @property
    def span(self) -> str:
        """The range in words: ``20 to 20000 Hz``."""
        low, high = f"{self.low:.10g}", f"{self.high:.10g}"
        return (f"above {low}, at most {high}" if self.above else f"{low} to {high}") + self._unit

    @property
    def allowed(self) -> str:
        """The allowed values in words: ``a whole number, 1 to 1000 harmonics, or null``."""
        if self.choices:
            words = " | ".join(str(choice) for choice in self.choices)
        elif self.kind == "chain":
            words = "a list of processors, [clip] or [{iir: {order: 4}}, clip]"
        elif self.kind in ("switch", "text"):
            words = "true | false" if self.kind == "switch" else "text"
        else:
            whole = self.kind == "whole"
            several = ("whole numbers, " if whole else "a list of numbers, ") if self.size is None else ""
            words = several or (f"{self.size} numbers, " if self.size else "a whole number, " if whole else "")
            words += self.span
        return words + (", or null" if self.optional else "")

    @property
    def _unit(self) -> str:
        return f" {self.unit}" if self.unit else ""

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data, for a page that builds a knob from it; what makes no sense for its kind is None."""
        number = self.kind in ("number", "whole") and not self.choices
        return {
            "name": self.name,
            "meaning": self.meaning,
            "kind": "choice" if self.choices else "number" if number else self.kind,
            "unit": self.unit,
            "default": self.default,
            "low": self.low if number and math.isfinite(self.low) else None,
            "high": self.high if number and math.isfinite(self.high) else None,
            "curve": self.curve,
            "size": self.size,
            "step": (1 if self.kind == "whole" else self.step) if number else None,
            "choices": list(self.choices) or None,
            "optional": self.optional,
            "required": self.required,
        }

    def check(self, value: Any, where: object = None) -> Any:
        """Return a value as plain data of its kind: a float, an int, a bool, a text, or a list.

        Args:
            value: Numbers of numpy are taken too.
            where: What the error names first; by default the parameter.

        Raises:
            ConfigError: It has another type, or lies out of range.
        """
        if value is None and self.optional:
            return None
        refusal = self.refusal(value, where)
        if self.kind == "chain":
            return _chain(value, refusal)
        if self.kind == "text":
            valid = isinstance(value, str) and value and (not self.choices or value in self.choices)
        elif self.kind == "switch":
            valid = isinstance(value, bool)
        elif self.choices:
            valid = value in self.choices
        elif self.size != 0:
            if not isinstance(value, list | tuple) or len(value) != (self.size or len(value)) or not value:
                raise refusal
            return [self._number(item, refusal) for item in value]
        else:
            return self._number(value, refusal)
        if not valid:
            raise refusal
        return value

    def refusal(self, value: Any, where: object = None) -> ConfigError:
        """Return the error of a value that is not allowed: found · needed."""
        if value is None:
            found = "nothing"
        elif isinstance(value, numbers.Real) and not isinstance(value, bool):
            found = f"{float(value):.10g}{self._unit}"
        else:
            found = repr(value)[:80]
        return ConfigError(found, where=self.name if where is None else where, needed=self.allowed)

    def _number(self, value: Any, refusal: ConfigError) -> float | int:
        wanted = numbers.Integral if self.kind == "whole" else numbers.Real
        if isinstance(value, bool) or not isinstance(value, wanted) or not math.isfinite(cast(float, value)):
            raise refusal
        number = cast(float, value)
        if not self.low <= number <= self.high or (self.above and number == self.low):
            raise refusal
        return int(number) if self.kind == "whole" else float(number)

    def to_physical(self, free: torch.Tensor) -> torch.Tensor:
        """Map free numbers to values inside the range; its ends are not reached."""
        if self.curve == "free":
            return free
        if self.curve == "exp_sigmoid":
            from ddsp_match.dsp.scaling import exp_sigmoid

            return exp_sigmoid(free, self.high)
        return self.at(free.sigmoid())

    def to_free(self, value: torch.Tensor) -> torch.Tensor:
        """Map values to free numbers; a value at or beyond an end is moved just inside."""
        if self.curve == "free":
            return value
        if self.curve == "exp_sigmoid":
            from ddsp_match.dsp.scaling import inverse_exp_sigmoid

            return inverse_exp_sigmoid(value, self.high)
        return self.position(value).clamp(1e-6, 1 - 1e-6).logit()

    def position(self, value: torch.Tensor) -> torch.Tensor:
        """Map values to positions along the curve, 0 at `low` and 1 at `high`, both of which are reached.

        For optimisers that keep to bounds by themselves: a sigmoid has no slope at the ends, where many effects are
        neutral. Only for ``linear`` and ``log``.
        """
        self._check_bounded()
        if self.curve == "log":
            return (value.clamp(min=self.low) / self.low).log() / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def at(self, position: torch.Tensor) -> torch.Tensor:
        """Map positions along the curve, 0 to 1, to values: the inverse of `position`."""
        self._check_bounded()
        if self.curve == "log":
            return self.low * (position * math.log(self.high / self.low)).exp()
        return self.low + (self.high - self.low) * position

    def _check_bounded(self) -> None:
        if self.curve not in ("linear", "log"):
            raise ValueError(f"{self.name}: a range with the curve {self.curve} has no positions")


def _chain(value: Any, refusal: ConfigError) -> list[Any]:
    """Return the description of a chain as plain lists and mappings; what its names mean is not known here."""
    if isinstance(value, str):
        raise ConfigError(refusal.found, where=refusal.where, needed=refusal.needed, hint=f"{refusal.where}=[{value}]")
    if not isinstance(value, list | tuple) or not all(isinstance(item, str | dict | list | tuple) for item in value):
        raise refusal
    return [_plain(item, refusal) for item in value]


def _plain(value: Any, refusal: ConfigError) -> Any:
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain(item, refusal) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, refusal) for item in value]
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, numbers.Real) and math.isfinite(float(value)):
        return int(value) if isinstance(value, numbers.Integral) else float(value)
    raise refusal
