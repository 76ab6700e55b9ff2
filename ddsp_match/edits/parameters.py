"""What an edit is: a function of controls, and parameters with unit, range and default that are checked."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ddsp_match.core.controls import Controls
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.timebase import Timebase

Values = Mapping[str, Any]
# An edit makes no sound longer than this, if it was not longer before: a note held for minutes, not a file of an hour.
LONGEST_S = 120.0


@dataclass(frozen=True)
class Parameter:
    """One number, or word, of an edit.

    Attributes:
        name: Its name, with the unit in it.
        words: What it does.
        default: Its value when it is not given; at the default of every parameter an edit changes nothing, unless
            one is `required`.
        unit: Unit of the number.
        low: Lowest value.
        high: Highest value.
        step: What a knob moves it by.
        choices: The words it can be, of one that is no number.
        optional: May be None.
        required: Has no value that changes nothing, and must be given.
        curve: It is a list of numbers.
        log: A knob moves it along a logarithmic scale.
    """

    name: str
    words: str
    default: Any = None
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    step: float = 0.1
    choices: tuple[str, ...] = ()
    optional: bool = False
    required: bool = False
    curve: bool = False
    log: bool = False

    def as_data(self) -> dict[str, Any]:
        """It as plain data, for whoever builds a knob from it."""
        number = not self.choices
        return {
            "name": self.name,
            "words": self.words,
            "kind": "number" if number else "choice",
            "unit": self.unit,
            "default": self.default,
            "low": self.low if number else None,
            "high": self.high if number else None,
            "step": self.step if number else None,
            "choices": None if number else list(self.choices),
            "log": self.log,
            "optional": self.optional,
            "required": self.required,
        }

    def checked(self, edit: str, value: Any) -> Any:
        """A value that keeps to the range.

        Raises:
            ConfigError: It does not.
        """
        where = f"{edit}.{self.name}"
        if value is None and self.optional:
            return None
        if self.choices:
            if value not in self.choices:
                raise ConfigError(repr(value), where=where, needed=" or ".join(self.choices))
            return value
        is_list = isinstance(value, list | tuple)
        if is_list != self.curve:
            raise ConfigError(repr(value)[:80], where=where, needed="a list of numbers" if self.curve else "a number")
        numbers = [self._number(where, number) for number in (value if is_list else [value])]
        if self.curve:
            return numbers
        return int(numbers[0]) if numbers[0].is_integer() else numbers[0]

    def _number(self, where: str, number: Any) -> float:
        unit = f" {self.unit}" if self.unit else ""
        is_number = isinstance(number, int | float) and not isinstance(number, bool)
        if not is_number or not self.low <= number <= self.high:
            found = "nothing" if number is None else f"{number:g}{unit}" if is_number else repr(number)[:80]
            raise ConfigError(found, where=where, needed=f"{self.low:g} to {self.high:g}{unit}")
        return float(number)


@dataclass(frozen=True)
class EditKind:
    """One kind of edit.

    Attributes:
        name: As it is listed in a patch, without spaces.
        label: As a knob is labelled.
        words: What it does, in a sentence.
        apply: From controls, timebase and values to controls.
        parameters: Its numbers and words.
        separated: Needs what sings apart from what rustles.
        group: What it edits: pitch, time, tone or level.
        neutral: Whether values change nothing in a sound of so many seconds.
        seconds: How long the result should be, of edits that change the length to something other than whole frames.
        listed: Shown among the knobs.
    """

    name: str
    label: str
    words: str
    group: str
    apply: Callable[[Controls, Timebase, Values], Controls]
    parameters: tuple[Parameter, ...]
    separated: bool = False
    neutral: Callable[[Values, float], bool] | None = None
    seconds: Callable[[Values, float], float] | None = None
    listed: bool = True

    def checked(self, values: Values) -> dict[str, Any]:
        """All values of the edit: those given, checked, and the defaults of the others.

        Raises:
            ConfigError: A value that the edit does not have, of the wrong type, or out of range.
        """
        names = [parameter.name for parameter in self.parameters]
        for name in values:
            if name not in names:
                near = difflib.get_close_matches(name, names, n=1)
                raise ConfigError(f"{name!r}", where=self.name, needed=f"one of {', '.join(names)}", hint="".join(near))
        return {p.name: p.checked(self.name, values.get(p.name, p.default)) for p in self.parameters}

    def changes_nothing(self, values: Values, seconds: float) -> bool:
        """Whether checked values leave a sound of so many seconds as it is."""
        if self.neutral is not None:
            return self.neutral(values, seconds)
        numbers = [p for p in self.parameters if not p.choices and not p.optional]
        return not any(p.required for p in numbers) and values[numbers[0].name] == numbers[0].default
