"""Sound files in: what is left of a file that breaks off is read, and said."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ddsp_match.core.audio import Audio, read
from tests.compare import assert_close
from tests.core.audio.files import LOSSY, STORED, Tone, refusal, store


@pytest.mark.parametrize(
    ("suffix", "kind", "subtype"),
    [(s, k, t) for s, k, t, _ in STORED if (k, t) not in {("CAF", "ALAC_16")}],
)
def test_what_is_left_of_a_cut_file_is_read(
    tmp_path: Path, tone: Tone, suffix: str, kind: str, subtype: str
) -> None:
    path, sound = tmp_path / f"a.{suffix}", tone(220, 4.0, amplitudes=(0.4, 0.2))
    content = store(path, sound, kind, subtype)
    path.write_bytes(content[: len(content) * 3 // 4])
    back, notes = read(path)
    assert 2.5 < back.seconds < 3.2
    assert len(notes) == 1
    assert notes[0].startswith("the file ends early: ")
    if kind not in ("CAF", "FLAC"):
        assert notes[0] == f"the file ends early: {back.seconds:.2f} of 4.00 s could be read"
    assert_close(back.samples, sound.samples[:, : back.n_samples], atol=0.03)


@pytest.mark.parametrize(("suffix", "kind", "subtype"), LOSSY)
def test_what_is_left_of_a_cut_lossy_file_is_read(
    tmp_path: Path, white_noise: Tone, suffix: str, kind: str, subtype: str
) -> None:
    path = tmp_path / f"a.{suffix}"
    content = store(path, white_noise(8.0), kind, subtype)
    whole, _ = read(path)
    path.write_bytes(content[: len(content) * 3 // 4])
    back, notes = read(path)
    assert 4.5 < back.seconds < 6.5
    assert [note.partition(":")[0] for note in notes] == ["the file ends early"]
    assert_close(back.samples, whole.samples[:, : back.n_samples], atol=1e-6)
    assert np.abs(back.samples[0, -800:]).max() > 0.1, "what could not be decoded was left in as silence"


def test_a_damaged_flac_gives_what_comes_before_the_damage(tmp_path: Path, white_noise: Tone) -> None:
    sound = white_noise(4.0)
    content = bytearray(store(tmp_path / "a.flac", sound, "FLAC", "PCM_16"))
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(64)
    (tmp_path / "a.flac").write_bytes(content)
    back, notes = read(tmp_path / "a.flac")
    assert notes == [f"the file ends early: {back.seconds:.2f} of 4.00 s could be read"]
    assert 1.5 < back.seconds <= 2.0  # FLAC decodes in blocks of a quarter of a second here
    assert_close(back.samples, sound.samples[:, : back.n_samples], atol=2**-15)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000])
def test_a_streamed_wav_of_unknown_length_is_whole(tmp_path: Path, tone: Tone, size: int) -> None:
    content = bytearray(store(tmp_path / "a.wav", tone(), "WAV", "PCM_16"))
    at = content.index(b"data") + 4
    content[at : at + 4] = struct.pack("<I", size)
    (tmp_path / "a.wav").write_bytes(content)
    back, notes = read(tmp_path / "a.wav")
    assert (back.n_samples, notes) == (16000, [])


def test_a_streamed_caf_of_unknown_length_is_whole(tmp_path: Path, tone: Tone) -> None:
    content = bytearray(store(tmp_path / "a.caf", tone(), "CAF", "PCM_16"))
    at = content.index(b"data") + 4
    content[at : at + 8] = struct.pack(">q", -1)
    (tmp_path / "a.caf").write_bytes(content)
    back, notes = read(tmp_path / "a.caf")
    assert (back.n_samples, notes) == (16000, [])


def test_a_streamed_flac_of_unknown_length_is_whole(tmp_path: Path, white_noise: Tone) -> None:
    sound = white_noise(1.3)
    content = bytearray(store(tmp_path / "a.flac", sound, "FLAC", "PCM_16"))
    content[21] &= 0xF0  # the number of frames: 36 bits, 0 for unknown
    content[22:26] = bytes(4)
    (tmp_path / "a.flac").write_bytes(content)
    back, notes = read(tmp_path / "a.flac")
    assert notes == []
    assert_close(back.samples, sound.samples, atol=2**-15)


@pytest.mark.parametrize("tag", [b"", b"ID3\x04\x00\x00\x00\x00\x10\x00" + bytes(2048)])
def test_an_mp3_of_unstated_length_is_whole(tmp_path: Path, white_noise: Tone, tag: bytes) -> None:
    # From silence's small frames libsndfile takes the file for longer than it is; and the other way round.
    path, noise = tmp_path / "a.mp3", white_noise(3.0).samples[0]
    for samples in (np.concatenate([np.zeros(48000), noise]), np.concatenate([noise, np.zeros(48000)])):
        soundfile.write(path, samples, 16000, format="MP3", bitrate_mode="VARIABLE")
        content = path.read_bytes()
        whole, _ = read(path)
        assert b"Xing" in content[:200]
        first_sound = content.index(content[:2], 4)  # the frame that states the length comes before
        path.write_bytes(tag + content[first_sound:])
        back, notes = read(path)
        assert notes == []
        assert 0 <= back.seconds - whole.seconds < 0.2  # it has the encoder's padding at both ends
        level = np.abs(back.samples[0]) > 0.05
        assert_close(np.count_nonzero(level) / np.count_nonzero(np.abs(whole.samples) > 0.05), 1.0, atol=0.01)


def test_a_tag_before_an_mp3_does_not_hide_its_length(tmp_path: Path, white_noise: Tone) -> None:
    content = store(tmp_path / "a.mp3", white_noise(1.0), "MP3", "MPEG_LAYER_III")
    (tmp_path / "a.mp3").write_bytes(b"ID3\x04\x00\x00\x00\x00\x10\x00" + bytes(2048) + content)
    assert read(tmp_path / "a.mp3")[0].n_samples == 16000


def test_a_file_of_unknown_length_may_not_be_endless(tmp_path: Path) -> None:
    content = bytearray(
        store(tmp_path / "a.flac", Audio(np.zeros((1, 8000 * 601), np.float32), 8000), "FLAC", "PCM_16")
    )
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    (tmp_path / "a.flac").write_bytes(content)
    assert "600.0 s of sound; needed: at most 600 s" in refusal(tmp_path / "a.flac")


def test_a_file_cut_down_to_nothing_says_so(tmp_path: Path, tone: Tone) -> None:
    content = store(tmp_path / "a.wav", tone(), "WAV", "PCM_16")
    (tmp_path / "a.wav").write_bytes(content[:500])
    assert "0.014 s of sound (the file ends early: 0.01 of 1.00 s could be read)" in refusal(
        tmp_path / "a.wav"
    )
