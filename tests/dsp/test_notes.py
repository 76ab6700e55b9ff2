"""Notes by name, number and frequency, and medians that weigh."""

from __future__ import annotations

import math

import pytest
import torch

from ddsp_match.dsp.notes import hz_of, midi_number, midi_of, note_name, note_words
from ddsp_match.dsp.weighted_median import weighted_median


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


@pytest.mark.parametrize(("midi", "name"), [(60, "C4"), (21, "A0"), (108, "C8"), (46, "A♯2")])
def test_middle_c_is_c4(midi, name):
    assert note_name(midi) == name


@pytest.mark.parametrize(
    ("midi", "words"), [(69.0, "A4"), (60.31, "C4 +31 cents"), (58.9, "B3 −10 cents"), (61.02, "C♯4")]
)
def test_a_pitch_in_words(midi, words):
    hz = hz_of(midi)
    assert midi_of(hz) == pytest.approx(midi) and note_words(hz) == words


def test_no_pitch_in_words():
    assert note_words(None) == "no pitch"


def test_a_weighted_median_has_half_of_the_weight_below():
    values = torch.tensor([5.0, 1.0, 3.0])
    assert weighted_median(values, torch.tensor([1.0, 1.0, 1.0])) == 3.0
    assert weighted_median(values, torch.tensor([3.0, 1.0, 1.0])) == 5.0
    assert weighted_median(values, torch.zeros(3)) == 3.0
