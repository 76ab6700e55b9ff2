"""The notes of a sound, each by itself: where they are cut, their loops, how steady they are."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ddsp_match.edits.curves import midi_of
from ddsp_match.edits.onsets import level_db
from ddsp_match.edits.tones import best_of, pitch_of, steadied, tone_of, tones
from tests.edits.notes import TIMEBASE, note
from tests.edits.phrases import phrase

MELODY = [(60, 60, 0.3), (64, 90, 0.2), (60, 40, 0.0), (67, 130, 0.4)]


def test_a_phrase_is_its_notes_with_pitch_level_and_loop():
    first, second, third = tones(phrase(MELODY))
    assert [tone.pitch for tone in (first, second, third)] == pytest.approx([60, 64, 67], abs=0.05)
    assert [tone.start_s for tone in (first, second, third)] == pytest.approx([0, 0.6, 1.9], abs=0.03)
    assert third.stop_s == pytest.approx(3.2, abs=0.03)
    assert second.level_db - first.level_db == pytest.approx(-3.5, abs=0.5)
    for tone in (first, second, third):
        assert tone.loop is not None and tone.sustain_s > 0.2
        # It lies within the note, and the note holds nothing of the others.
        level, inside = level_db(tone.controls)[slice(*tone.loop)], tone.controls.f0_hz[0, slice(*tone.loop)]
        assert float(level.max() - level.min()) < 1
        assert midi_of(inside).numpy() == pytest.approx(tone.pitch, abs=0.05)
    assert best_of([first, second, third]) is third


def test_one_note_is_the_whole_sound():
    patch = phrase([(60, 20, 0.0), (60, 150, 0.3), (60, 30, 0.0)])
    (tone,) = tones(patch)
    assert (tone.start_s, tone.stop_s) == (0, patch.seconds)
    assert tone.controls.n_frames == patch.controls.n_frames


def test_a_sound_without_a_pitch_is_one_note_on_middle_c():
    (tone,) = tones(phrase([(31, 80, 0.3), (43, 80, 0.3)], pitched=False))
    assert tone.pitch == 60


def test_a_sound_without_noise_bands_has_notes_that_can_be_held():
    patch = phrase([(60, 150, 0.3)])
    silent = replace(patch, controls=replace(patch.controls, noise=patch.controls.noise[:, :0]))
    (tone,) = tones(silent)
    assert tone.loop is not None


def test_notes_that_are_struck_die_away():
    assert all(tone.loop is None for tone in tones(phrase(MELODY, fall_db_per_s=20)))
    # A phrase that is blown may still have notes that fall.
    assert all(tone.loop is not None for tone in tones(phrase(MELODY, fall_db_per_s=6)))


def test_a_slip_of_the_pitch_is_no_note():
    made = tones(phrase([(60, 100, 0.3), (66, 9, 0.3), (64, 100, 0.3)]))
    assert [round(tone.pitch) for tone in made] == [60, 64]


def test_jitter_of_f0_is_smoothed_and_vibrato_stays():
    (tone,) = tones(phrase([(60, 150, 0.3)], jitter_cents=20))
    inside = tone.controls.f0_hz[0, 20:130]
    assert 1200 * float(torch.log2(inside.max() / inside.min())) < 4
    wide = note(vibrato_cents=30)
    swinging = tone_of(wide, TIMEBASE).controls.f0_hz[0, 40:160]
    assert 1200 * float(torch.log2(swinging.max() / swinging.min())) > 50


def test_a_loop_that_drifts_is_steadied():
    drifting = note(201, decay_db_per_s=6.0)
    steady = steadied(drifting, TIMEBASE, (60, 160))
    level = level_db(steady)[40:161]
    assert float(level.max() - level.min()) < 1
    # The attack stays as it was.
    assert float((steady.amplitude / drifting.amplitude.clamp(min=1e-9))[0, 1:9].log10().abs().max()) < 0.03
    assert pitch_of(steady, TIMEBASE, (60, 160)) == pytest.approx(57, abs=0.02)
