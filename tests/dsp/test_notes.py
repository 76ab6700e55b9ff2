"""Note names."""

from __future__ import annotations

import math

import pytest

from ddsp_match.dsp.notes import hz_of, midi_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("A4", 69), ("a4", 69), ("C4", 60), ("C-1", 0), ("C\u22121", 0), ("G9", 127), (" Db5 ", 73), ("D♭5", 73)),
        *(("C#3", 49), ("c♯5", 73), ("Cs4", 61), ("bb3", 58), ("b3", 59), ("Cb4", 59), ("B#3", 60)),
        *(("A4 +11 cents", 69.11), ("A4-50c", 68.5), ("57", 57), ("57.5", 57.5), ("-3", -3)),
    ],
)
def test_note_names_and_numbers(text, number):
    assert midi_number(text) == pytest.approx(number)


@pytest.mark.parametrize("text", ["", "A", "H4", "A44", "C##4", "A4 +11", "440Hz", "4A", "do"])
def test_what_is_no_note_is_nan(text):
    assert math.isnan(midi_number(text))


def test_frequencies_of_notes():
    assert [hz_of(midi) for midi in (69, 57, 81)] == [440, 220, 880]
    assert hz_of(60) == pytest.approx(261.6256, abs=1e-4)
