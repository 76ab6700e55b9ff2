"""Names of files: any bytes, any length."""

from __future__ import annotations

import os

import pytest

from ddsp_match.core.files import beside, fitted, name_of, printable


@pytest.mark.parametrize(
    ("raw", "text"),
    [(b"a.wav", "a.wav"), (b"caf\xe9", r"caf\xe9"), ("é音".encode(), "é音"), (b"\xff\xfe", r"\xff\xfe")],
)
def test_any_name_is_text(raw, text):
    assert printable(os.fsdecode(raw)) == text
    # as Python reads a name where the locale is ASCII
    assert printable(raw.decode("ascii", "surrogateescape")) == text


def test_half_a_character_is_text_too():
    printable("\ud800").encode()


def test_a_sound_is_called_by_its_file():
    assert name_of("sounds/a.b.wav") == "a.b" and name_of(os.fsdecode(b"x\xff.wav")) == "x_"


@pytest.mark.parametrize("stem", ["n" * 236, "é" * 200, "音" * 100, os.fsdecode(b"\xff" * 250)])
def test_a_long_stem_is_shortened_to_what_the_disk_takes(tmp_path, stem):
    name = fitted(stem, ".patch.safetensors", tmp_path)
    (tmp_path / name).touch()
    assert name.endswith(".patch.safetensors") and len(os.fsencode(name)) > 240
    assert name != fitted(stem + "x", ".patch.safetensors", tmp_path)
    beside(tmp_path / name, "12345.part").touch()


def test_a_short_stem_stays(tmp_path):
    assert fitted("sound", ".wav", tmp_path) == "sound.wav"
