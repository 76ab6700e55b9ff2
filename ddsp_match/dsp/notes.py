"""Notes as numbers and as names: 69 is A4, 440 Hz, and 1 is a semitone."""

from __future__ import annotations

import math
import re

_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_ACCIDENTALS = {"": 0, "#": 1, "♯": 1, "s": 1, "b": -1, "♭": -1}
_NOTE = re.compile(r"([a-g])([#♯sb♭]?)([-\u2212]?\d)(?:\s*([+\-\u2212]\s*\d+(?:\.\d+)?)\s*c(?:ents?)?)?")


def midi_number(text: str) -> float:
    """The MIDI number of a note by its name or number: ``A4``, ``C#3``, ``Db5``, ``A4 +12 cents``, ``57``, ``57.5``.

    Args:
        text: Middle C is C4, which is 60; sharps are ``#``, ``♯`` or ``s``, flats ``b`` or ``♭``.

    Returns:
        The number, fractions included, of any range; NaN where the text is neither.
    """
    plain = text.strip().lower()
    match = _NOTE.fullmatch(plain)
    if match is None:
        try:
            return float(plain)
        except ValueError:
            return math.nan
    letter, accidental, octave, cents = match.groups()
    octave, cents = octave.replace("\u2212", "-"), re.sub(r"\s", "", cents or "0").replace("\u2212", "-")
    return 12.0 * (int(octave) + 1) + _STEPS[letter] + _ACCIDENTALS[accidental] + float(cents) / 100


def hz_of(midi: float) -> float:
    """The frequency of a MIDI number."""
    return 440.0 * 2 ** ((midi - 69) / 12)
