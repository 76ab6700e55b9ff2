"""Pairs of notes, and two sounds made comparable."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.instrument import near, split
from benchmarks.play_truth import Note, like, nsynth_note, pairs_of
from ddsp_match.core.audio import Audio
from tests.compare import assert_close


def test_the_name_of_an_nsynth_clip_tells_instrument_and_note():
    note = nsynth_note(Path("guitar_acoustic_015-052-127.wav"))
    assert (note.instrument, note.midi) == ("guitar_acoustic_015", 52)


def test_pairs_stay_within_an_instrument_and_a_distance():
    notes = [Note(Path(name), name[0], midi) for name, midi in (("a1", 60), ("a2", 64), ("a3", 72), ("b1", 61))]
    assert [(a.clip.name, b.clip.name) for a, b in pairs_of(notes, 7)] == [("a1", "a2"), ("a2", "a1")]


def test_a_sound_takes_the_level_and_the_length_of_its_target():
    noise = np.random.default_rng(0).standard_normal((1, 8000)).astype(np.float32)
    target, sound = like(Audio(3 * noise, 16000), Audio(noise[:, :6000], 16000))
    assert target.n_samples == sound.n_samples == 6000
    assert_close(np.square(sound.samples).mean(), np.square(target.samples).mean(), 1e-4)


def test_an_instrument_is_learned_from_pitches_within_its_range():
    notes = [Note(Path(f"{midi}{dynamic}"), dynamic, midi) for midi in range(50, 82) for dynamic in "fp"]
    learned, others = split(notes)
    assert sorted({note.midi for note in learned}) == [54, 62, 70, 78]
    assert (len(learned), len(others)) == (8, 56)
    nearest = near(learned, Note(Path("57f"), "f", 57))
    assert (nearest.midi, nearest.instrument) == (54, "f")
