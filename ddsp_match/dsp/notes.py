"""Notes as numbers and as names: 69 is A4, 440 Hz, and 1 is a semitone."""

from __future__ import annotations

import math
import re

NAMES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
AUDIBLE_CENTS = 3  # a smaller deviation from the key is not mentioned
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


def midi_of(hz: float) -> float:
    """The MIDI note of a frequency above 0, fractions included."""
    return 69 + 12 * math.log2(hz / 440)


def note_name(key: int) -> str:
    """A MIDI key's name: ``C4`` for 60, ``C♯4`` for 61."""
    return f"{NAMES[key % 12]}{key // 12 - 1}"


def note_words(hz: float | None) -> str:
    """A sound's pitch in words: ``A4``, ``A4 +12 cents``, and ``no pitch`` for None."""
    if hz is None:
        return "no pitch"
    midi = midi_of(hz)
    key = round(midi)
    cents = round(100 * (midi - key))
    return note_name(key) + (f" {cents:+d} cents".replace("-", "−") if abs(cents) >= AUDIBLE_CENTS else "")
