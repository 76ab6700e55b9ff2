"""Notes that a listener would write down, and a file that plays the pitch it was made from."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import mido
import numpy as np
import pytest
import torch

from ddsp_match.core.errors import PitchError
from ddsp_match.edits.notes import Note, notes
from ddsp_match.exports.midi import bend_range_for, export_midi, midi_bytes
from tests.compare import assert_close
from tests.exports.sounds import TIMEBASE, patch_of, sung


def flat(*lengths: int, level_db: float = -20.0) -> np.ndarray:
    return np.full(sum(lengths), level_db)


def melody(*pairs: tuple[float, int]) -> np.ndarray:
    return np.concatenate([np.full(frames, key) for key, frames in pairs])


def played(data: bytes, n_frames: int) -> tuple[np.ndarray, np.ndarray, list[mido.Message]]:
    """What a synthesizer that reads the file sounds: pitch (NaN for none) and velocity by 10-ms frame."""
    file = mido.MidiFile(file=BytesIO(data))
    pitch, level = np.full(n_frames, np.nan), np.zeros(n_frames)
    key, bend, span, velocity, expression, rpn = None, 0.0, 2.0, 0, 127, [127, 127]
    now, done, said = 0.0, 0, []
    for message in file:
        now += message.time
        until = min(n_frames, int(np.ceil(now * 100 - 0.3)))
        if key is not None:
            pitch[done:until] = key + bend * span / 8192
            level[done:until] = 40 * np.log10(max(velocity * expression, 1) / 127**2)
        done = max(done, until)
        if message.is_meta:
            continue
        said.append(message)
        if message.type == "note_on":
            assert key is None, "one note at a time"
            key, velocity = message.note, message.velocity
        elif message.type == "note_off":
            assert key == message.note
            key = None
        elif message.type == "pitchwheel":
            bend = message.pitch
        elif message.control == 11:
            expression = message.value
        elif message.control in (100, 101):
            rpn[message.control - 100] = message.value
        elif message.control == 6 and rpn == [0, 0]:
            span = message.value
    assert key is None, "a note hangs"
    return pitch, level, said


def file_of(controls, reach: float | None = None, **options) -> tuple[list[Note], bytes]:
    found = notes(controls, TIMEBASE, reach)
    span = bend_range_for(found) if reach is None else int(reach)
    return found, midi_bytes(found, TIMEBASE, span, name="a name", seconds=controls.n_frames / 100, **options)


def test_a_melody_comes_out_note_by_note():
    keys = melody((60.1, 50), (62.1, 40), (60.1, 30))
    level = flat(120)
    level[50:56] = -90  # a breath before the second
    found = notes(sung(keys, level), TIMEBASE)
    assert [note.key for note in found] == [60, 62, 60]
    starts = [(note.first, note.last) for note in found]
    assert_close(starts, [(0, 50), (56, 90), (90, 120)], atol=3)


def test_a_step_without_a_pause_is_a_new_note_and_a_vibrato_is_not():
    step = melody((60, 40), (60.8, 40))
    assert [note.first for note in notes(sung(step, flat(80)), TIMEBASE)] == [0, 40]
    swing = 60 + 1.0 * np.sin(2 * np.pi * 5 * np.arange(200) / 100)
    assert len(notes(sung(swing, flat(200)), TIMEBASE)) == 1
    small = melody((60, 40), (60.4, 40))
    assert len(notes(sung(small, flat(80)), TIMEBASE)) == 1


def test_the_same_note_struck_again_is_two_and_a_tremolo_is_one():
    decay = np.concatenate([np.linspace(-10, -30, 60), np.linspace(-10, -30, 60)])
    found = notes(sung(np.full(120, 57.0), decay), TIMEBASE)
    assert [note.key for note in found] == [57, 57]
    assert abs(found[1].first - 60) <= 2
    tremolo = -20 + 2 * np.sin(2 * np.pi * 5 * np.arange(120) / 100)
    assert len(notes(sung(np.full(120, 57.0), tremolo), TIMEBASE)) == 1


def test_a_short_pause_within_a_note_is_closed():
    level = flat(100)
    level[40:43] = -90
    found = notes(sung(np.full(100, 64.0), level), TIMEBASE)
    assert [(note.first, note.last) for note in found] == [(0, 100)]
    level[40:52] = -90
    assert len(notes(sung(np.full(100, 64.0), level), TIMEBASE)) == 2


def test_noise_has_no_notes():
    assert notes(sung(np.full(60, 64.0), flat(60, level_db=-90.0), noise_db=-20), TIMEBASE) == []
    assert notes(sung(np.full(60, 64.0), flat(60, level_db=-140.0)), TIMEBASE) == []


@pytest.mark.parametrize("reach", [None, 1.0, 2.0])
def test_note_and_bend_play_the_f0_within_five_cents(reach):
    t = np.arange(300) / 100
    keys = 60 + 0.7 * np.sin(2 * np.pi * 5.5 * t) + np.where(t > 1.5, 3.3, 0.0)
    keys[220:] += np.linspace(0, 7, 80)  # a glide
    found, data = file_of(sung(keys, flat(300)), reach)
    pitch, _, said = played(data, 300)
    assert np.isfinite(pitch).sum() > 290
    heard = np.isfinite(pitch)
    assert_close(pitch[heard], keys[heard], atol=0.003)  # semitones: the steps of 14 bits
    span = max(float(np.abs(note.bend).max()) for note in found)
    assert reach is None or span <= reach
    assert {message.channel for message in said} == {0}


def test_the_range_grows_with_the_bends_and_is_told():
    keys = 60 + 3.4 * np.sin(2 * np.pi * 3 * np.arange(200) / 100)
    found = [Note(60, 0, 200, keys - 60, np.full(200, -20.0))]
    assert bend_range_for(found) == 4
    _, _, said = played(midi_bytes(found, TIMEBASE, 4), 200)
    controls = [(m.control, m.value) for m in said if m.type == "control_change"]
    assert controls[:6] == [(101, 0), (100, 0), (6, 4), (38, 0), (101, 127), (100, 127)]
    assert bend_range_for([Note(60, 0, 1, np.array([0.3]), np.array([-20.0]))]) == 2


def test_velocity_and_expression_follow_the_loudness():
    level = np.concatenate([np.linspace(-30, -16, 60), np.full(20, -90.0), np.full(60, -28.0)])
    controls = sung(np.full(140, 72.0), level)
    found, data = file_of(controls)
    _, loud, said = played(data, 140)
    assert len(found) == 2
    inside = np.r_[5:58, 85:135]
    assert_close(loud[inside] - loud[50], level[inside] - level[50], atol=0.7)
    struck = [m.velocity for m in said if m.type == "note_on"]
    assert struck[0] > struck[1] > 1


def test_velocities_have_the_square_law_of_general_midi_below_a_full_scale_sine():
    levels_db = [-3.0, -9.0, -15.0, -27.0, -43.0]
    struck = [Note(60, 20 * k, 20 * k + 10, np.zeros(10), np.full(10, level)) for k, level in enumerate(levels_db)]
    _, _, said = played(midi_bytes(struck, TIMEBASE, 2), 100)
    velocities = [message.velocity for message in said if message.type == "note_on"]
    # A receiver that plays 40 log10(velocity / 127) dB is back at the levels, to half a step of velocity.
    assert_close(velocities, 127 * 10 ** ((np.array(levels_db) + 3) / 40), atol=0.5)


@pytest.mark.parametrize("tempo_bpm", [4, 60, 97.3, 120, 1000])
def test_at_any_tempo_the_notes_are_where_they_are_in_time(tempo_bpm):
    level = flat(150)
    level[60:90] = -90
    controls = sung(np.full(150, 72.0), level)
    usual, other = (file_of(controls, **more)[1] for more in ({}, {"tempo_bpm": tempo_bpm}))
    file = mido.MidiFile(file=BytesIO(other))
    (tempo,) = [message.tempo for message in file.tracks[0] if message.type == "set_tempo"]
    assert 60e6 / tempo == pytest.approx(tempo_bpm, rel=1e-4)
    times = []
    for data in (usual, other):
        now, struck = 0.0, []
        for message in mido.MidiFile(file=BytesIO(data)):
            now += message.time
            if message.type in ("note_on", "note_off"):
                struck.append(now)
        times.append([*struck, now])
    assert len(times[0]) == 5
    # To half a tick of either file: 960 of them are a beat.
    assert_close(times[1], times[0], atol=30 / 960 * (1 / tempo_bpm + 1 / 120) + 1e-6)


def test_the_file_names_itself_and_lasts_as_long_as_the_sound():
    level = flat(150)
    level[80:] = -120
    _, data = file_of(sung(np.full(150, 72.0), level))
    file = mido.MidiFile(file=BytesIO(data))
    assert abs(file.length - 1.5) < 2e-3
    assert file.tracks[0].name == "a name"
    assert midi_bytes([], TIMEBASE, 2, name="音").count(b"?") == 1


def test_midi_has_the_note_and_says_so(tmp_path):
    said: list[str] = []
    (path,) = export_midi(patch_of(), tmp_path / "a.mid", on_note=said.append)
    file = mido.MidiFile(file=BytesIO(path.read_bytes()))
    assert [m.note for m in file if m.type == "note_on"] == [69]
    assert [m.pitch for m in file if m.type == "pitchwheel"] == [round(0.2 / 2 * 8192), 0]
    assert said == ["1 note at 120 beats a minute, pitch bends of ±2 semitones"]


def test_a_range_that_is_given_splits_what_goes_farther(tmp_path):
    patch = patch_of(69 + 3 * np.sin(2 * np.pi * 2 * np.arange(101) / 100))
    (path,) = export_midi(patch, tmp_path / "a.mid", bend_range=1)
    file = mido.MidiFile(file=BytesIO(path.read_bytes()))
    assert [m.value for m in file if m.type == "control_change" and m.control == 6] == [1]
    assert len([m for m in file if m.type == "note_on"]) > 3


def test_notes_are_written_of_what_has_a_pitch_wherever_f0_stands(tmp_path):
    hum = patch_of(np.full(50, 69 + 12 * np.log2(50 / 440)))
    (path,) = export_midi(hum, tmp_path / "a.mid")
    assert [m.note for m in mido.MidiFile(path) if m.type == "note_on"] == [31]
    with pytest.raises(PitchError, match="without a pitch"):
        export_midi(replace(hum, pitch_hz=None), tmp_path / "b.mid")
    with pytest.raises(PitchError, match=r"steady grid.*synth.grid=f0"):
        export_midi(replace(hum, pitch_hz=440.0, grid="steady"), tmp_path / "b.mid")


def test_silence_has_no_midi(tmp_path):
    quiet = sung(np.full(50, 60.0), np.full(50, -130.0))
    with pytest.raises(PitchError, match="nothing with a pitch"):
        export_midi(replace(patch_of(np.full(50, 60.0)), controls=quiet), tmp_path / "a.mid")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "keys"), [("violin-phrase", [69, 72, 71, 76]), ("oboe-phrase", [70, 74, 72]), ("trumpet-a4", [69])]
)
def test_a_recorded_phrase_gives_the_notes_that_were_played(bundled: Path, name, keys):
    from ddsp_match.config import build
    from ddsp_match.edits.notes import notes
    from ddsp_match.tasks.fit import fit

    patch = fit(bundled / f"{name}.flac", settings=build(["quality=draft", "f0=pyin"])).patch
    found = notes(patch.controls, patch.timebase)
    assert [note.key for note in found] == keys
    for note in found:
        played = 69 + 12 * torch.log2(patch.controls.f0_hz[0, note.first : note.last].double() / 440)
        assert_close(note.key + note.bend, played, atol=1e-4)
