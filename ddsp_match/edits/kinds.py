"""The registry of edits: each is one entry here, and the function of its name in `edits.functions`.

Imports no torch, so that ``--help`` stays light.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ddsp_match.core.errors import ConfigError
from ddsp_match.core.params import Parameter

if TYPE_CHECKING:
    from ddsp_match.core.controls import Controls
    from ddsp_match.patch import Patch

Values = Mapping[str, Any]
# An edit makes no sound longer than this, if it was not longer before: a note held for minutes, not a file of an hour.
LONGEST_S = 120.0


@dataclass(frozen=True)
class EditKind:
    """One kind of edit.

    Attributes:
        name: As it is listed in a patch, without spaces.
        label: As a knob is labelled.
        words: What it does, in a sentence.
        parameters: Its numbers and words.
        separated: Needs tone and noise separated.
        group: What it edits: pitch, time, tone or level.
        neutral: Whether values change nothing in a sound of so many seconds.
        seconds: How long the result should be, of edits that change the length to something other than whole frames.
        listed: Shown among the knobs.
    """

    name: str
    label: str
    words: str
    group: str
    parameters: tuple[Parameter, ...]
    separated: bool = False
    neutral: Callable[[Values, float], bool] | None = None
    seconds: Callable[[Values, float], float] | None = None
    listed: bool = True

    def apply(self, patch: Patch, values: Values) -> Controls:
        """Return the new controls of a patch, by checked values."""
        return getattr(importlib.import_module("ddsp_match.edits.functions"), self.name)(patch, values)

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
        checked = {}
        for p in self.parameters:
            value = p.check(values.get(p.name, p.default), f"{self.name}.{p.name}")
            # Whole numbers are listed in a patch without a point.
            checked[p.name] = int(value) if isinstance(value, float) and value.is_integer() else value
        return checked

    def changes_nothing(self, values: Values, seconds: float) -> bool:
        """Return whether checked values leave a sound of so many seconds as it is."""
        if self.neutral is not None:
            return self.neutral(values, seconds)
        numbers = [p for p in self.parameters if not p.choices and not p.optional]
        return not any(p.required for p in numbers) and values[numbers[0].name] == numbers[0].default


def _db(meaning: str, name: str = "db", unit: str = "dB", reach: float = 60.0, step: float = 0.5) -> Parameter:
    return Parameter(name, meaning, 0, -reach, reach, unit, step=step)


def _seconds(name: str, meaning: str, default: float | None = 0, high: float = 600.0, **more: Any) -> Parameter:
    return Parameter(name, meaning, default, 0.0, high, "s", step=0.01, **more)


_FORMANT = Parameter(
    "formant", "keep: the body stays as large as it was; move: it shrinks and grows with the pitch", "keep",
    choices=("keep", "move"),
)  # fmt: skip
_CURVE = Parameter("curve", "of the level", "cosine", choices=("cosine", "linear", "exponential"))

EDITS: tuple[EditKind, ...] = (
    EditKind(
        "transpose", "Transpose", "Higher or lower, at the same pace.", "pitch",
        (Parameter("semitones", "how far", 0, -60, 60, "semitones", step=1), _FORMANT), separated=True,
    ),
    EditKind(
        "f0_depth", "Melody", "Draws f0 towards its median (0: a steady note) or away from it (2: twice as lively).",
        "pitch",
        (Parameter("depth", "0 is flat, 1 as it was", 1, 0, 4, step=0.05),), separated=True,
    ),
    EditKind(
        "vibrato", "Vibrato", "Lets f0 swing about itself, more and more after a moment.", "pitch",
        (
            Parameter("depth_cents", "how far f0 swings either way", 0, 0, 1200, "cents", step=1),
            Parameter("rate_hz", "swings a second", 5.5, 0.1, 20, "Hz", step=0.1),
            _seconds("delay_s", "when it begins", 0.3, 60.0),
        ),
        separated=True,
    ),
    EditKind(
        "f0", "Fixed pitch", "One frequency throughout.", "pitch",
        (Parameter("hz", "the frequency", None, 5, 20_000, "Hz", "log", step=1, required=True),), separated=True,
    ),
    EditKind(
        "f0_curve", "Pitch curve", "Another f0 over time.", "pitch",
        (
            Parameter("times_s", "times of the points", None, 0, 36_000, "s", size=None, required=True),
            Parameter("f0_hz", "f0 there, 0 where there is none", None, 0, 20_000, "Hz", size=None, required=True),
        ),
        separated=True, listed=False,
    ),
    EditKind(
        "stretch", "Stretch", "Longer or shorter at the same pitch; the attack keeps its pace.", "time",
        (Parameter("factor", "times as long", 1, 0.05, 20, "×", "log", step=0.01),),
        seconds=lambda v, s: s * v["factor"],
    ),
    EditKind(
        "hold", "Hold", "Holds the sustain until the whole is so long; attack and release stay.", "time",
        (_seconds("seconds", "length of the whole", None, required=True),),
        separated=True, neutral=lambda v, s: v["seconds"] == round(s, 6), seconds=lambda v, _: v["seconds"],
    ),
    EditKind(
        "freeze", "Freeze", "One moment, standing still.", "time",
        (
            _seconds("at_s", "the moment", None, required=True),
            _seconds("seconds", "how long; by default as long as the sound", None, optional=True),
        ),
        separated=True, seconds=lambda v, s: s if v["seconds"] is None else v["seconds"],
    ),
    EditKind(
        "trim", "Trim", "What sounds from one time to another.", "time",
        (
            _seconds("start_s", "where it begins"),
            _seconds("stop_s", "where it ends; by default at the end", None, optional=True),
        ),
        neutral=lambda v, s: v["start_s"] == 0 and (v["stop_s"] is None or v["stop_s"] >= s),
        seconds=lambda v, s: (s if v["stop_s"] is None else min(v["stop_s"], s)) - v["start_s"],
    ),
    EditKind(
        "brightness", "Brightness", "Tilts the spectrum about a pivot; the power stays.", "tone",
        (_db("above 0 brighter, below 0 darker", "db_per_octave", "dB/octave", 12.0, 0.1),),
    ),
    EditKind(
        "odd_even", "Odd/even", "Raises the even harmonics against the odd ones; the power stays.", "tone",
        (_db("below 0 hollow, as a clarinet"),),
    ),
    EditKind(
        "harmonic", "Harmonic stem", "The level of the tonal part.", "level", (_db("louder or softer", reach=80),),
    ),
    EditKind(
        "noise", "Noise stem", "The level of the noisy part: breath, bow, knock; also where partials play it.", "level",
        (_db("louder or softer", reach=80),),
    ),
    EditKind(
        "fade_in", "Fade in", "From silence.", "level",
        (_seconds("seconds", "how long"), _CURVE),
    ),
    EditKind(
        "fade_out", "Fade out", "To silence.", "level",
        (_seconds("seconds", "how long"), _CURVE),
    ),
)  # fmt: skip
KINDS: dict[str, EditKind] = {kind.name: kind for kind in EDITS}


def kind_of(name: str) -> EditKind:
    """The kind of edit of a name.

    Raises:
        ConfigError: There is none of that name.
    """
    if name not in KINDS:
        near = difflib.get_close_matches(str(name), KINDS, n=1)
        raise ConfigError(repr(name), where="edit", needed=f"one of {', '.join(KINDS)}", hint="".join(near))
    return KINDS[name]


def registry() -> list[dict[str, Any]]:
    """Every edit that has knobs as plain data, in the order in which a person would look for them.

    Returns:
        One entry an edit: ``name``, ``label``, ``words``, ``group``, and ``parameters`` as `Parameter.as_data` gives
        them.
    """
    return [
        {
            "name": kind.name,
            "label": kind.label,
            "words": kind.words,
            "group": kind.group,
            "parameters": [parameter.as_data() for parameter in kind.parameters],
        }
        for kind in EDITS
        if kind.listed
    ]
