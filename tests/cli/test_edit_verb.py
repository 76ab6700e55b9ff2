"""``edit`` and ``morph``: values with units, edits in the order of the line, and what is printed."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from ddsp_match import cli
from ddsp_match.cli import values
from ddsp_match.cli.parser import build_parser, verbs_of
from ddsp_match.core.audio import read
from ddsp_match.patch import load_patch
from ddsp_match.tasks.edit import edits_of, registry
from tests.edits.test_edit import patch


@pytest.fixture
def sound(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("note.patch.safetensors")
    patch().save(path)
    return path


def test_edits_are_applied_in_the_order_of_the_line(sound, capsys):
    words = "--noise -6dB --transpose -50c --formant move --brightness +3dB --trim 100ms:1.5 --noise=2 --fade-out .2"
    assert cli.main(["edit", str(sound), *words.split(), "--wav", "-o", "new.patch.safetensors"]) == 0
    edited = load_patch("new.patch.safetensors")
    assert edits_of(edited) == [
        {"edit": "noise", "db": -6},
        {"edit": "separate"},
        {"edit": "transpose", "semitones": -0.5, "formant": "move"},
        {"edit": "brightness", "db_per_octave": 3},
        {"edit": "trim", "start_s": 0.1, "stop_s": 1.5},
        {"edit": "noise", "db": 2},
        {"edit": "fade_out", "seconds": 0.2, "curve": "cosine"},
    ]
    printed = capsys.readouterr().out.splitlines()
    assert printed[:2] == ["noise: -6 dB", "separate: tone from noise"]
    assert printed[2] == "transpose: -0.5 semitones (formant move)"
    assert printed[4] == "trim: from 0.1 s to 1.5 s"
    assert printed[-2:] == ["written: new.patch.safetensors (1.40 s)", "written: new.wav (1.40 s, 16000 Hz, mono)"]
    assert read("new.wav")[0].n_samples == 22_400


@pytest.mark.parametrize(
    ("words", "last"),
    [
        ("--transpose 7", {"edit": "transpose", "semitones": 7, "formant": "keep"}),
        ("--transpose -12", {"edit": "transpose", "semitones": -12, "formant": "keep"}),
        ("--stretch 150%", {"edit": "stretch", "factor": 1.5}),
        ("--f0-depth 0.5", {"edit": "f0_depth", "depth": 0.5}),
        ("--f0 440Hz", {"edit": "f0", "hz": 440}),
        ("--vibrato 5.5Hz:30c", {"edit": "vibrato", "depth_cents": 30, "rate_hz": 5.5, "delay_s": 0.3}),
        ("--hold 3s", {"edit": "hold", "seconds": 3}),
        ("--freeze 1.2s:4s", {"edit": "freeze", "at_s": 1.2, "seconds": 4}),
        ("--freeze 1.2", {"edit": "freeze", "at_s": 1.2}),
        ("--trim :1", {"edit": "trim", "start_s": 0, "stop_s": 1}),
        ("--odd-even -.5dB", {"edit": "odd_even", "db": -0.5}),
        ("--harmonic -3", {"edit": "harmonic", "db": -3}),
        ("--fade-in 50ms", {"edit": "fade_in", "seconds": 0.05, "curve": "cosine"}),
    ],
)
def test_every_option_is_its_edit(sound, words, last):
    assert cli.main(["edit", str(sound), *words.split()]) == 0
    assert edits_of(load_patch("note-edited.patch.safetensors"))[-1] == last


def test_an_f0_file_is_read(sound):
    Path("f0.csv").write_text("0,300\n2,600\n")
    assert cli.main(["edit", str(sound), "--f0-csv", "f0.csv", "-o", "new.patch.safetensors"]) == 0
    assert abs(float(load_patch("new.patch.safetensors").controls.f0_hz[0, 100]) - 300 * 2**0.5) < 1
    assert cli.main(["edit", str(sound), "--f0-csv", "none.csv", "-o", "other.patch.safetensors"]) == 2


def test_the_list_says_what_was_edited_and_writes_nothing(sound, capsys):
    cli.main(["edit", str(sound), "--transpose", "7", "-o", "new.patch.safetensors"])
    capsys.readouterr()
    assert cli.main(["edit", "new.patch.safetensors", "--list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "new.patch.safetensors: note.wav, 2.00 s",
        "  1. separate: tone from noise",
        "  2. transpose: +7 semitones (formant keep)",
    ]
    assert cli.main(["edit", str(sound), "--list"]) == 0
    assert "never edited" in capsys.readouterr().out
    assert len(list(Path().iterdir())) == 2


def test_what_changes_nothing_is_the_same_file(sound, capsys):
    assert cli.main(["edit", str(sound), "--transpose", "0", "--noise", "0dB", "-o", "new.patch.safetensors"]) == 0
    assert Path("new.patch.safetensors").read_bytes() == sound.read_bytes()
    assert "bit for bit" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "found no edit; needed: an edit"),
        ("--transpose 99", "transpose.semitones: found 99 semitones; needed: -60 to 60"),
        ("--transpose 2 -o new.wav", "-o new.patch.safetensors --wav"),
        ("--transpose 2 -o .", "found a folder"),
        ("--transpose 2 -o note.patch.safetensors", "--force"),
        ("--hold 700", "hold.seconds: found 700 s; needed: 0 to 600 s"),
        ("--hold 500", "hold: found 500 s of sound after it; needed: at most 120 s"),
        ("--freeze 0.1:121s", "freeze: found 121 s of sound after it"),
        ("--fade-in 500", "of sound; needed: at most the sound's length; try: 500ms"),
        ("--stretch 20 --stretch 20", "stretch: found"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_written(sound, capsys, words, said):
    before = sound.read_bytes()
    assert cli.main(["edit", str(sound), *words.split()]) == 2
    assert said in capsys.readouterr().err
    assert [path.read_bytes() for path in Path().iterdir()] == [before]


def test_a_wav_that_exists_is_not_written_over(sound, capsys):
    Path("new.wav").write_text("mine")
    assert cli.main(["edit", str(sound), "--noise", "3", "--wav", "-o", "new.patch.safetensors"]) == 2
    assert not Path("new.patch.safetensors").exists() and Path("new.wav").read_text() == "mine"
    assert cli.main(["edit", str(sound), "--noise", "3", "--wav", "-o", "new.patch.safetensors", "--force"]) == 0
    assert Path("new.wav").read_bytes()[:4] == b"RIFF"


@pytest.mark.parametrize(
    "words", ["--noise loud", "--stretch -2", "--vibrato 5", "--trim 2", "--freeze -1", "--hold 0", "--f0 0"]
)
def test_a_value_that_is_none_is_refused_with_an_example(sound, capsys, words):
    with pytest.raises(SystemExit) as ended:
        cli.main(["edit", str(sound), *words.split()])
    assert ended.value.code == 2
    assert "needed: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (values.decibels, "-6dB", -6),
        (values.decibels, "+3 dB/oct", 3),
        (values.decibels, "\u22126 dB", -6),
        (values.semitones, "1oct", 12),
        (values.semitones, "-50c", -0.5),
        (values.factor, "2x", 2),
        (values.moment, "0", 0),
        (values.moment, "80ms", 0.08),
        (values.rate, "44.1k", 44_100),
        (values.rate, "48000", 48_000),
    ],
)
def test_values_have_units(kind, text, value):
    assert kind(text) == pytest.approx(value, rel=1e-12)


def test_times_of_a_piece_may_be_left_out():
    assert values.stretch_of_time("0.5:") == (0.5, None) and values.stretch_of_time(":80ms") == (0.0, 0.08)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (values.decibels, "6 Hz"),
        (values.decibels, "nan"),
        (values.rate, "7999"),
        (values.semitones, "e5"),
        (values.moment, "1d"),
    ],
)
def test_values_of_another_kind_are_refused(kind, text):
    with pytest.raises(argparse.ArgumentTypeError, match="needed"):
        kind(text)


def test_morph_writes_a_row_of_sounds(sound, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)  # progress is for a terminal
    cli.main(["edit", str(sound), "--transpose", "7", "-o", "b.patch.safetensors"])
    capsys.readouterr()
    words = "--steps 3 -o morphs --seconds 1s".split()
    assert cli.main(["morph", str(sound), "b.patch.safetensors", *words]) == 0
    printed = capsys.readouterr()
    assert "morphs/ 01.patch.safetensors to 03.patch.safetensors" in printed.out and "through.wav" in printed.out
    assert printed.err.endswith("morph 4/4\n")
    assert len(list(Path("morphs").iterdir())) == 8
    assert read("morphs/through.wav")[0].n_samples == 16_000
    assert cli.main(["morph", str(sound), "b.patch.safetensors", "-o", "morphs"]) == 2


def test_morph_writes_one_between(sound, capsys):
    words = ["morph", str(sound), str(sound), "--amount", "30%", "--wav", "-o", "c.patch.safetensors"]
    assert cli.main(words) == 0
    assert capsys.readouterr().out.splitlines()[0] == "morph: 0.3 of the way from note.wav to note.wav"
    assert Path("c.wav").exists() and edits_of(load_patch("c.patch.safetensors"))[0]["amount"] == 0.3
    assert cli.main([*words, "--seconds", "2"]) == 2
    assert cli.main(["morph", str(sound), str(sound), "--amount", "1.3", "-o", "d.patch.safetensors"]) == 2
    assert not Path("d.patch.safetensors").exists()


def test_render_takes_a_rate_and_bits(sound, capsys):
    assert cli.main(["render", str(sound), "-o", "a.wav"]) == 0
    assert cli.main(["render", str(sound), "-o", "b.wav", "--rate", "48k", "--bits", "16", "--stems"]) == 0
    assert "48000 Hz" in capsys.readouterr().out
    import soundfile

    assert (soundfile.info("b.wav").samplerate, soundfile.info("b.wav").subtype) == (48_000, "PCM_16")
    assert soundfile.info("b.noise.wav").samplerate == 48_000
    assert (soundfile.info("a.wav").samplerate, soundfile.info("a.wav").subtype) == (16_000, "FLOAT")
    assert abs(soundfile.info("b.wav").frames - 3 * 31_950) <= 1
    cli.main(["render", str(sound), "-o", "c.wav", "--bits", "24"])
    assert soundfile.info("c.wav").subtype == "PCM_24"
    with pytest.raises(SystemExit):
        cli.main(["render", str(sound), "--rate", "7"])


def test_a_formant_with_nothing_to_transpose_is_said(sound, capsys):
    assert cli.main(["edit", str(sound), "--noise", "-6dB", "--formant", "move", "-o", "new.patch.safetensors"]) == 2
    assert "--formant move without --transpose; needed: both; try: --transpose 7" in capsys.readouterr().err
    assert not Path("new.patch.safetensors").exists()


def test_a_wav_above_full_scale_is_told(sound, capsys):
    words = ["--harmonic", "+40dB", "--noise", "+40dB", "--wav", "-q", "-o", "loud.patch.safetensors"]
    assert cli.main(["edit", str(sound), *words]) == 0
    (note,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note: ")]
    peak = abs(read("loud.wav")[0].samples).max()
    assert peak > 1 and f", {peak:.3g}); most players clip them" in note
    assert cli.main(["render", "loud.patch.safetensors", "--bits", "16", "-q", "-o", "16.wav"]) == 0
    assert "were clipped" in capsys.readouterr().out


def test_the_help_says_the_range_of_every_edit():
    actions = verbs_of(build_parser())["edit"]._option_string_actions
    helps = {flag: action.help for flag, action in actions.items()}
    for kind in registry():
        for number in (one for one in kind["parameters"] if one["kind"] == "number" and one["unit"] != "s"):
            text = helps["--" + kind["name"].replace("_", "-")]
            assert f"{number['low']:g} to {number['high']:g}" in text, (kind["name"], text)
