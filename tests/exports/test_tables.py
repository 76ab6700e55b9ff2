"""A patch as MIDI, tables, JSON and impulse response: files that others read."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
import torch

from ddsp_match.core.errors import ConfigError, PitchError
from ddsp_match.effects.rack import Rack
from ddsp_match.exports.formats.tables import controls_of
from ddsp_match.exports.ir import export_ir, impulse_response
from ddsp_match.exports.midi import export_midi
from ddsp_match.exports.tables import export_csv, export_json
from ddsp_match.patch import Patch
from tests.compare import assert_close
from tests.exports.formats.sounds import TIMEBASE, sung


def made(midi: np.ndarray | None = None, effects: Rack | None = None, **provenance: object) -> Patch:
    keys = np.full(101, 69.2) if midi is None else midi
    return Patch.of(
        sung(keys, np.full(len(keys), -20.0)),
        TIMEBASE,
        TIMEBASE.samples(len(keys)),
        noise_seed=4,
        phase="static",
        offset=[0.01],
        provenance={"sound": "a.wav", **provenance},
        effects=effects,
    )


def test_midi_has_the_note_and_says_so(tmp_path):
    said: list[str] = []
    (path,) = export_midi(made(), tmp_path / "a.mid", on_note=said.append)
    file = mido.MidiFile(file=BytesIO(path.read_bytes()))
    assert [m.note for m in file if m.type == "note_on"] == [69]
    assert [m.pitch for m in file if m.type == "pitchwheel"] == [round(0.2 / 2 * 8192), 0]
    assert said == ["1 note at 120 beats a minute, pitch bends of ±2 semitones"]


def test_a_range_that_is_given_splits_what_goes_farther(tmp_path):
    patch = made(69 + 3 * np.sin(2 * np.pi * 2 * np.arange(101) / 100))
    (path,) = export_midi(patch, tmp_path / "a.mid", bend_range=1)
    file = mido.MidiFile(file=BytesIO(path.read_bytes()))
    assert [m.value for m in file if m.type == "control_change" and m.control == 6] == [1]
    assert len([m for m in file if m.type == "note_on"]) > 3


def test_notes_are_written_of_what_has_a_pitch_wherever_f0_stands(tmp_path):
    hum = made(np.full(50, 69 + 12 * np.log2(50 / 440)))
    (path,) = export_midi(hum, tmp_path / "a.mid")
    assert [m.note for m in mido.MidiFile(path) if m.type == "note_on"] == [31]
    with pytest.raises(PitchError, match="without a pitch"):
        export_midi(replace(hum, pitch_hz=None), tmp_path / "b.mid")
    with pytest.raises(PitchError, match=r"steady grid.*synth.grid=f0"):
        export_midi(replace(hum, pitch_hz=440.0, grid="steady"), tmp_path / "b.mid")


def test_silence_has_no_midi(tmp_path):
    quiet = sung(np.full(50, 60.0), np.full(50, -130.0))
    with pytest.raises(PitchError, match="nothing with a pitch"):
        export_midi(replace(made(np.full(50, 60.0)), controls=quiet), tmp_path / "a.mid")


def test_csv_has_a_row_a_frame_and_a_table_of_partials(tmp_path):
    files = export_csv(made(), tmp_path / "my.sound.csv", every=10)
    assert [path.name for path in files] == ["my.sound.csv", "my.sound.partials.csv"]
    for path in files:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        assert [row["time_s"] for row in rows] == [f"{k / 10:.5f}" for k in range(11)]
    assert float(rows[3]["hz_2"]) == pytest.approx(2 * 440 * 2 ** (0.2 / 12), abs=0.01)
    with pytest.raises(ConfigError, match="every 0"):
        export_csv(made(), tmp_path / "b.csv", every=0)


def test_json_holds_everything_and_plays_the_same(tmp_path):
    rack = Rack.of(["gain"], 16_000, {"gain.gain_db": -3.0})
    patch = made(69 + np.linspace(0, 2, 101), effects=rack, edits=[{"edit": "trim", "start_s": 0.1}])
    (path,) = export_json(patch, tmp_path / "a.json")
    found = json.loads(path.read_text(encoding="utf-8"))
    controls, timebase, n_samples = controls_of(found)
    assert all(key in found["keys"] for key in found if key not in ("format", "version", "keys"))
    back = Patch.of(
        controls,
        timebase,
        n_samples,
        noise_seed=found["noise_seed"],
        phase=found["phase"],
        offset=found["offset"],
        provenance=found["provenance"],
        effects=Rack.of(found["effects"]["chain"], found["effects"]["sample_rate"], found["effects"]["knobs"]),
    )
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    patch.save(first), back.save(second)
    assert first.read_bytes() == second.read_bytes()


def test_the_response_is_that_of_the_reverb(tmp_path):
    rt60_s = [0.2] * 8
    rack = Rack.of(["reverb"], 16_000, {"reverb.level": [0.3] * 8, "reverb.rt60_s": rt60_s, "reverb.dry": 0.8})
    (path,) = export_ir(made(effects=rack), tmp_path / "a.ir.wav")
    samples, rate = soundfile.read(path, dtype="float32")
    assert rate == 16_000 and soundfile.info(path).subtype == "FLOAT"
    sound = np.random.default_rng(0).standard_normal((1, 4000))
    whole = np.convolve(sound[0], samples)[:4000]
    assert_close(whole, rack.process(sound, 16_000)[0], atol=1e-4)
    assert samples[0] == pytest.approx(0.8, abs=0.05)
    assert 0.25 < len(samples) / rate < 0.4  # the envelope ends at -90 dB


def test_a_short_response_is_short_and_a_long_one_whole():
    short, _ = impulse_response(Rack.of([{"fir": {"taps": 8}}], 16_000, {"fir.taps": [0, 0, 1.0, 0, 0, 0, 0, 0]}))
    assert_close(short.samples, [[0, 0, 1.0]], atol=1e-9)
    slow = Rack.of(["reverb"], 8_000, {"reverb.level": [0.3] * 8, "reverb.rt60_s": [2.0] * 8})
    assert 2.5 < impulse_response(slow)[0].seconds < 3.2


def test_what_has_no_response_is_left_out_and_said(tmp_path):
    rack = Rack.of(["clip", "gain", {"fir": {"taps": 2}}], 16_000, {"gain.gain_db": 6.0, "fir.taps": [0.5, 0.25]})
    said: list[str] = []
    (path,) = export_ir(made(effects=rack), tmp_path / "a.wav", on_note=said.append)
    gain = 10 ** (6 / 20)
    assert_close(soundfile.read(path)[0], [0.5 * gain, 0.25 * gain], atol=1e-6)
    assert said == ["left out, as no impulse response tells what it does: clip"]


def test_a_response_needs_effects_that_have_one(tmp_path):
    with pytest.raises(ConfigError, match=r"without effects.*effects=\[reverb\]"):
        export_ir(made(), tmp_path / "a.wav")
    with pytest.raises(ConfigError, match="no impulse response: clip, compressor"):
        export_ir(made(effects=Rack.of(["clip", "compressor"], 16_000)), tmp_path / "a.wav")


def test_both_channels_of_a_stereo_patch_are_struck():
    rack = Rack.of(["reverb"], 16_000, {"reverb.level": [0.3] * 8, "reverb.rt60_s": [0.1] * 8})
    found, _ = impulse_response(rack, channels=2, sample_rate=48_000)
    assert found.channels == 2 and found.sample_rate == 48_000
    assert not np.allclose(found.samples[0], found.samples[1])


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
