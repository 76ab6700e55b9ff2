"""``process`` on the command line, with real patches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ddsp_match import cli
from ddsp_match.core import audio
from ddsp_match.core.audio import Audio
from ddsp_match.effects.rack import Rack
from ddsp_match.patch import EffectsPatch
from tests.compare import assert_close

HALF_DB = 20 * np.log10(0.5)


@pytest.fixture
def place(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    time_s = np.arange(4000) / 16_000
    audio.write("in.wav", Audio(0.5 * np.sin(2 * np.pi * 440 * time_s)[None].astype(np.float32), 16_000))
    EffectsPatch(Rack.of(["gain"], 44_100, {"gain.gain_db": HALF_DB})).save("half.patch.safetensors")
    EffectsPatch(Rack.of(["gain"], 8000, {"gain.gain_db": 20.0})).save("loud.patch.safetensors")
    return tmp_path


def heard(name: str) -> np.ndarray:
    return audio.read(name)[0].samples


def test_one_patch(place, capsys):
    assert cli.main(["process", "in.wav", "half.patch.safetensors", "-o", "out.wav"]) == 0
    assert_close(heard("out.wav"), 0.5 * heard("in.wav"), 1e-7)
    assert capsys.readouterr().out == "written: out.wav (0.25 s, 16000 Hz, mono)\n"


def test_the_sample_format_follows_the_file(place):
    assert cli.main(["process", "in.wav", "half.patch.safetensors", "-o", "out.flac"]) == 0
    assert_close(heard("out.flac"), 0.5 * heard("in.wav"), 2.0**-23)
    assert cli.main(["process", "in.wav", "half.patch.safetensors", "-o", "a.flac", "--subtype", "float"]) == 2


def test_several_patches_in_blocks_to_the_default_name(place):
    patches = ["half.patch.safetensors", "half.patch.safetensors"]
    assert cli.main(["process", "in.wav", *patches, "--block", "64"]) == 0
    assert_close(heard("in-half.wav"), 0.25 * heard("in.wav"), 1e-7)


def test_nothing_is_written_over_without_force(place, capsys):
    Path("out.wav").write_text("precious")
    assert cli.main(["process", "in.wav", "half.patch.safetensors", "-o", "out.wav"]) == 2
    assert "out.wav: found a file of that name" in capsys.readouterr().err
    assert Path("out.wav").read_text() == "precious"
    assert cli.main(["process", "in.wav", "half.patch.safetensors", "-o", "out.wav", "--force"]) == 0
    assert cli.main(["process", "in.wav", "half.patch.safetensors", "-o", "."]) == 2


def test_clipping_is_said(place, capsys):
    assert cli.main(["process", "in.wav", "loud.patch.safetensors", "-o", "out.wav", "--subtype", "16"]) == 0
    assert "note: out.wav: " in (said := capsys.readouterr().out) and "above full scale were clipped" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none.wav", "half.patch.safetensors"], "none.wav: found no such file"),
        (["in.wav", "none.patch.safetensors"], "none.patch.safetensors: found no such file"),
        (["in.wav", "in.wav"], "in.wav: found no readable safetensors"),
    ],
)
def test_what_cannot_be_read_ends_with_2(place, capsys, words, message):
    assert cli.main(["process", *words, "-o", "out.wav"]) == 2
    assert message in capsys.readouterr().err
    assert not Path("out.wav").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["in.wav"], "PATCH"),
        (["in.wav", "half.patch.safetensors", "--block", "0"], "1 or more"),
    ],
)
def test_wrong_words_end_with_2(place, capsys, words, message):
    with pytest.raises(SystemExit) as ended:
        cli.main(["process", *words])
    assert ended.value.code == 2 and message in capsys.readouterr().err
