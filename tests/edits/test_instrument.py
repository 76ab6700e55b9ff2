"""What a key plays: which notes it comes from, how strong it is, how it is held and let go."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ddsp_match.core.errors import ConfigError, PatchError, PitchError
from ddsp_match.edits.instrument import USUAL_VELOCITY, Instrument, held
from ddsp_match.edits.onsets import level_db
from ddsp_match.edits.patches import with_controls
from ddsp_match.edits.stems import stems_of
from ddsp_match.edits.tone import brightness
from ddsp_match.patch import Patch, load_patch
from tests.edits.phrases import phrase


def one(key: float, amplitude: float = 0.3, tilt: float = 0.0, frames: int = 150) -> Patch:
    patch = phrase([(key, frames, amplitude)])
    if not tilt:
        return patch
    return with_controls(patch, brightness(patch.controls, tilt, patch.timebase), patch.n_samples, {"edit": "bright"})


def slope_db(controls, frame: int = 60) -> float:
    """How far the eighth partial lies below the first."""
    partials = controls.partial_amplitudes[0, :, frame]
    return float(20 * torch.log10(partials[8 * controls.divisions - 1] / partials[controls.divisions - 1]))


def test_a_key_of_the_instrument_is_its_own_note():
    instrument = Instrument.of([one(60), one(72, tilt=-6)])
    for tone in instrument.tones:
        played = instrument.tone_at(tone.pitch)
        assert played.level_db == pytest.approx(instrument.loudest_db)
        assert slope_db(played.controls) == pytest.approx(slope_db(tone.controls), abs=0.3)


def test_between_two_pitches_lies_what_lies_between_their_spectra():
    instrument = Instrument.of([one(60), one(66, tilt=-6)])
    outer = [slope_db(instrument.tone_at(midi).controls) for midi in (60, 66)]
    middle = slope_db(instrument.tone_at(63).controls)
    assert min(outer) + 2 < middle < max(outer) - 2


def test_velocity_is_the_strength_that_was_played():
    soft, loud = one(60, 0.06, tilt=-6), one(60, 0.3)
    instrument = Instrument.of([soft, loud])
    assert instrument.has_strengths
    assert slope_db(instrument.tone_at(60, USUAL_VELOCITY).controls) > slope_db(instrument.tone_at(60, 68).controls) + 2
    as_soft = USUAL_VELOCITY * 10 ** ((instrument.tones[0].level_db - instrument.loudest_db) / 40)
    played = instrument.tone_at(60, as_soft)
    assert slope_db(played.controls) == pytest.approx(slope_db(instrument.tones[0].controls), abs=1)
    levels = [float(level_db(instrument.tone_at(60, v).controls)[60]) for v in (30, 60, 102, 127)]
    assert np.diff(levels) == pytest.approx(40 * np.diff(np.log10([30, 60, 102, 127])), abs=0.5)


def test_a_key_is_held_within_one_note_of_a_phrase():
    patch = phrase([(60, 50, 0.3), (64, 70, 0.3), (60, 80, 0.0), (67, 60, 0.3)], fall_db_per_s=4)
    played = Instrument.of([patch]).note(65, seconds=6.0)
    level = level_db(played.controls)[40:590]
    assert float((level - level.median()).abs().max()) < 1
    f0_hz = played.controls.f0_hz[0, 40:590]
    assert 1200 * float(torch.log2(f0_hz.max() / f0_hz.min())) < 10
    # No jump of a phase: the sound changes from one round of the loop to the next as little as within one.
    samples = stems_of(played).harmonic[0].numpy()[6400:95_000]
    assert np.abs(np.diff(samples, 2)).max() < 1.3 * np.abs(np.diff(samples[:4000], 2)).max()


def test_a_key_that_is_let_go_dies_away():
    instrument = Instrument.of([one(60)])
    played = instrument.note(60, seconds=1.0)
    assert 1.0 < played.seconds < 1.0 + instrument.tones[0].release_s + 0.05
    assert float(played.controls.amplitude[0, -1]) < 1e-3 * float(played.controls.amplitude[0, 90])
    assert instrument.note(60, seconds=0.1).seconds < 0.5


def test_what_is_struck_is_not_held():
    struck = phrase([(60, 150, 0.3)], fall_db_per_s=30)
    (tone,) = Instrument.of([struck]).tones
    assert held(tone, 5.0).n_frames == struck.controls.n_frames
    assert held(tone, 0.5).n_frames == pytest.approx(80, abs=2)


def test_notes_are_chosen_by_number():
    patch = phrase([(60, 60, 0.3), (64, 90, 0.2), (67, 130, 0.4)])
    (tone,) = Instrument.of([patch], [[2]]).tones
    assert tone.pitch == pytest.approx(64, abs=0.05)
    with pytest.raises(ConfigError, match="note 4; needed: 1 to 3"):
        Instrument.of([patch], [[4]])
    both = Instrument.of([one(55), patch, one(72)]).choosing([5, 2, 4])
    assert [round(tone.pitch) for tone in both.tones] == [60, 67, 72]
    assert both.chosen == ((1, 3), (1,))


def test_a_file_holds_its_patches_and_the_notes_that_were_chosen(tmp_path):
    instrument = Instrument.of([phrase([(60, 60, 0.3), (64, 90, 0.2), (67, 130, 0.4)]), one(72)]).choosing([1, 3, 4])
    instrument.save(tmp_path / "a.patch.safetensors")
    again = Instrument.load(tmp_path / "a.patch.safetensors")
    assert again.chosen == ((1, 3), (1,))
    for ours, theirs in zip(instrument.tones, again.tones, strict=True):
        assert ours.loop == theirs.loop and torch.equal(ours.controls.amplitude, theirs.controls.amplitude)
    with pytest.raises(PatchError, match="an instrument of several notes; needed: the patch of one sound"):
        load_patch(tmp_path / "a.patch.safetensors")
    one(60).save(tmp_path / "b.patch.safetensors")
    assert len(Instrument.load(tmp_path / "b.patch.safetensors").tones) == 1


def test_patches_that_do_not_fit_together_are_refused():
    with pytest.raises(ConfigError, match=r"22050 Hz .* beside 16000 Hz"):
        Instrument.of([one(60), phrase([(64, 100, 0.3)], rate=22_050)])
    with pytest.raises(ConfigError, match=r"2 channels beside .* 1 channel"):
        Instrument.of([one(60), phrase([(64, 100, 0.3)], channels=2)])
    with pytest.raises(PitchError, match="without a pitch"):
        Instrument.of([one(60), phrase([(64, 100, 0.3)], pitched=False)])
