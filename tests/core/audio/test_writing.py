"""Sound files out: a whole file or none."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ddsp_match.core.audio import read, write
from ddsp_match.core.errors import OutputError
from tests.compare import assert_close
from tests.core.audio.files import Tone


@pytest.mark.parametrize(
    ("name", "subtype", "stored", "error"),
    [
        ("a.wav", None, "FLOAT", 0),
        ("a.wav", "PCM_24", "PCM_24", 2**-23),
        ("a.wav", "PCM_16", "PCM_16", 2**-15),
        ("a.flac", None, "PCM_24", 2**-23),
        ("A.AIF", None, "FLOAT", 0),
        ("a.caf", None, "FLOAT", 0),
        ("a.ogg", None, "VORBIS", 0.05),
    ],
)
def test_a_written_sound_reads_back(
    tmp_path: Path, tone: Tone, name: str, subtype: str | None, stored: str, error: float
) -> None:
    sound = tone(440, 0.5, 44100, channels=2)
    assert write(tmp_path / name, sound, subtype) == []
    assert soundfile.info(tmp_path / name).subtype == stored
    assert_close(read(tmp_path / name)[0].samples, sound.samples, atol=error)
    assert os.listdir(tmp_path) == [name]


def test_float_keeps_what_lies_above_full_scale_and_pcm_says_that_it_clips(
    tmp_path: Path, tone: Tone
) -> None:
    sound = tone(amplitudes=(2.0,))
    over = np.count_nonzero(np.abs(sound.samples) > 1)
    assert write(tmp_path / "a.wav", sound) == [
        f"a.wav: {over} samples above full scale are kept (peak +6.0 dB, 2); most players clip them"
    ]
    assert_close(read(tmp_path / "a.wav")[0].samples, sound.samples, atol=0)
    assert write(tmp_path / "b.wav", sound, "PCM_16") == [
        f"b.wav: {over} samples above full scale were clipped (peak +6.0 dB, 2); floating point keeps them"
    ]
    assert_close(read(tmp_path / "b.wav")[0].samples, np.clip(sound.samples, -1, 1), atol=2**-15)


@contextmanager
def room(n_bytes: int) -> Iterator[None]:
    """No file may grow beyond this many bytes, as on a disk that is nearly full."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


@pytest.mark.parametrize("n_bytes", [0, 20, 1000, 60_000])
@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg"])
def test_a_full_disk_leaves_the_old_file_and_no_other(
    tmp_path: Path, white_noise: Tone, name: str, n_bytes: int
) -> None:
    (tmp_path / name).write_bytes(b"the old one")
    with room(n_bytes), pytest.raises(OutputError, match="cannot be written") as caught:
        write(tmp_path / name, white_noise(20.0))
    assert "try: making room" in str(caught.value)
    assert (tmp_path / name).read_bytes() == b"the old one"
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("missing", [0, 1, 40])
def test_a_disk_that_is_full_at_the_very_end_is_noticed(
    tmp_path: Path, white_noise: Tone, missing: int
) -> None:
    for name in ("a.wav", "a.flac"):
        write(tmp_path / name, white_noise(1.0))
        size = (tmp_path / name).stat().st_size
        with room(size - missing):
            if missing:
                with pytest.raises(OutputError):
                    write(tmp_path / f"b{name}", white_noise(1.0))
                assert not (tmp_path / f"b{name}").exists()
            else:
                write(tmp_path / f"b{name}", white_noise(1.0))


@pytest.mark.parametrize(
    "name", ["none/a.wav", "a_file/a.wav", "folder.wav", "a.xyz", "a", "a.raw", "a" * 300 + ".wav"]
)
def test_places_that_cannot_be_written_are_refused(tmp_path: Path, tone: Tone, name: str) -> None:
    (tmp_path / "a_file").touch()
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(OutputError) as caught:
        write(tmp_path / name, tone())
    assert caught.value.where == tmp_path / name
    assert caught.value.found.startswith("the suffix") == (name in ("a.xyz", "a", "a.raw"))
    assert sorted(os.listdir(tmp_path)) == ["a_file", "folder.wav"]


def test_a_device_is_not_replaced_by_a_file(tmp_path: Path, tone: Tone) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(OutputError, match="a folder or a device has that name"):
        write(tmp_path / "pipe.wav", tone())
    assert not (tmp_path / "pipe.wav").is_file()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_refused(tmp_path: Path, tone: Tone) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError):
        write(tmp_path / "a.wav", tone())


def test_a_subtype_that_the_format_lacks_is_refused_with_those_it_has(tmp_path: Path, tone: Tone) -> None:
    with pytest.raises(OutputError, match=r"the subtype FLOAT; needed: one that FLAC can hold: .*PCM_24"):
        write(tmp_path / "a.flac", tone(), "FLOAT")
