"""Sound files in and out: every format, and every way in which a file can be wrong."""

from __future__ import annotations

import os
import resource
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from ddsp_match.audio import Audio, at_fit_rate, from_array, read, resample, write
from ddsp_match.errors import OutputError, SoundError
from tests.compare import assert_close

Tone = Callable[..., Audio]

# Suffix, libsndfile's format and subtype, and the largest error that the word length explains.
STORED = [
    *(("wav", "WAV", subtype, error) for subtype, error in
      [("PCM_U8", 2**-7), ("PCM_16", 2**-15), ("PCM_24", 2**-23), ("PCM_32", 1e-7),
       ("FLOAT", 0), ("DOUBLE", 0), ("ULAW", 0.02), ("ALAW", 0.02)]),
    ("wav", "WAVEX", "PCM_24", 2**-23),
    ("rf64", "RF64", "PCM_16", 2**-15),
    ("w64", "W64", "FLOAT", 0),
    *(("flac", "FLAC", subtype, error) for subtype, error in
      [("PCM_S8", 2**-7), ("PCM_16", 2**-15), ("PCM_24", 2**-23)]),
    ("aiff", "AIFF", "PCM_16", 2**-15),
    ("aiff", "AIFF", "FLOAT", 0),
    ("caf", "CAF", "PCM_24", 2**-23),
    ("caf", "CAF", "ALAC_16", 2**-15),
    ("au", "AU", "PCM_16", 2**-15),
]  # fmt: skip
LOSSY = [("ogg", "OGG", "VORBIS"), ("ogg", "OGG", "OPUS"), ("mp3", "MP3", "MPEG_LAYER_III")]


def store(path: Path, audio: Audio, kind: str, subtype: str) -> bytes:
    """Writes the sound by soundfile itself, and returns the file's bytes."""
    soundfile.write(path, audio.samples.T, audio.sample_rate, format=kind, subtype=subtype)
    return path.read_bytes()


def refusal(path: Path) -> str:
    """The message with which a file is refused; it names the file and says what was found and is needed."""
    with pytest.raises(SoundError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: found ")
    assert "needed: " in message
    assert caught.value.exit_code == 2
    return message


# ---- what can be read


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("suffix", "kind", "subtype", "error"), STORED)
def test_a_stored_sound_comes_back(
    tmp_path: Path, tone: Tone, suffix: str, kind: str, subtype: str, error: float, channels: int
) -> None:
    sound = tone(220, 0.5, amplitudes=(0.4, 0.2), channels=channels)
    store(tmp_path / f"a.{suffix}", sound, kind, subtype)
    back, notes = read(tmp_path / f"a.{suffix}")
    assert (back.samples.dtype, back.sample_rate, notes) == (np.float32, 16000, [])
    assert back.samples.flags.c_contiguous
    assert_close(back.samples, sound.samples, atol=error)


@pytest.mark.parametrize(("suffix", "kind", "subtype"), LOSSY)
def test_a_lossy_sound_keeps_its_partials(
    tmp_path: Path, tone: Tone, suffix: str, kind: str, subtype: str
) -> None:
    store(tmp_path / f"a.{suffix}", tone(440, 1.0, amplitudes=(0.4, 0.0, 0.1), channels=2), kind, subtype)
    back, notes = read(tmp_path / f"a.{suffix}")
    assert (back.channels, back.sample_rate, notes) == (2, 16000, [])
    middle = back.samples[0, 4000:12000]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(8000))) * 4 / 8000
    assert_close(spectrum[[220, 660]], [0.4, 0.1], atol=0.02)
    assert_close(spectrum[440], 0.0, atol=0.01)


@pytest.mark.parametrize("sample_rate", [8000, 11025, 22050, 44100, 48000, 96000, 192000])
def test_every_rate_is_read_as_it_is(tmp_path: Path, tone: Tone, sample_rate: int) -> None:
    sound = tone(440, 0.2, sample_rate)
    store(tmp_path / "a.wav", sound, "WAV", "FLOAT")
    back, _ = read(tmp_path / "a.wav")
    assert back.sample_rate == sample_rate
    assert_close(back.samples, sound.samples, atol=0)


def test_a_file_without_a_telling_name_is_read(tmp_path: Path, tone: Tone) -> None:
    store(tmp_path / "flöte 1.txt", tone(), "FLAC", "PCM_16")
    assert read(str(tmp_path / "flöte 1.txt"))[0].n_samples == 16000


def test_exactly_the_shortest_and_the_longest_are_read(tmp_path: Path, tone: Tone) -> None:
    store(tmp_path / "short.wav", tone(440, 0.1), "WAV", "PCM_16")
    assert read(tmp_path / "short.wav")[0].seconds == 0.1
    soundfile.write(tmp_path / "long.wav", np.tile(tone(440, 1, 8000).samples[0], 600), 8000)
    assert read(tmp_path / "long.wav")[0].seconds == 600


def test_the_bundled_sounds_are_clean(bundled: Path) -> None:
    sounds = {path.name: read(path) for path in sorted(bundled.glob("*.flac"))}
    assert len(sounds) >= 10
    assert {name: notes for name, (_, notes) in sounds.items() if notes} == {}
    assert any(sound.channels == 2 and sound.sample_rate == 44100 for sound, _ in sounds.values())
    listed = (bundled / "README.md").read_text(encoding="utf-8")
    for name, (sound, _) in sounds.items():
        row = f"| {sound.sample_rate} | {sound.channels} | {sound.seconds:.1f} |"
        assert any(line.startswith(f"| `{name}`") and row in line for line in listed.splitlines()), (
            name,
            row,
        )
        level = np.abs(sound.samples).max(0)
        assert_close(20 * np.log10(level.max()), -3.0, atol=0.01)
        assert np.argmax(level > level.max() / 300) < 0.02 * sound.sample_rate, f"{name} starts with silence"


# ---- files that break off


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


# ---- what is refused


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "none.wav")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "a folder" in refusal(tmp_path)


def test_a_device_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    assert "a device or a pipe" in refusal(tmp_path / "pipe.wav")


def test_names_that_no_file_can_have_are_refused(tmp_path: Path) -> None:
    refusal(tmp_path / "a\0b.wav")
    assert "too long" in refusal(tmp_path / ("a" * 300 + ".wav"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_refused(tmp_path: Path, tone: Tone) -> None:
    store(tmp_path / "a.wav", tone(), "WAV", "PCM_16")
    (tmp_path / "a.wav").chmod(0)
    assert "permission denied" in refusal(tmp_path / "a.wav")


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg", "raw", "au", "gsm", "vox", "txt"])
@pytest.mark.parametrize(
    "content", [b"", b"Dear diary,\n" * 2000, np.random.default_rng(0).bytes(50_000), b"R"]
)
def test_what_is_not_a_sound_is_refused(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(content)
    message = refusal(path)
    assert ("an empty file (0 bytes)" if not content else "not a sound") in message
    assert "not exist" not in message
    assert "try: " in message


@pytest.mark.parametrize("kind", ["wav", "aiff", "caf", "w64"])
def test_a_file_without_frames_is_refused(tmp_path: Path, kind: str) -> None:
    soundfile.write(tmp_path / f"a.{kind}", np.zeros(0), 16000)
    assert "0 frames of sound" in refusal(tmp_path / f"a.{kind}")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_counted_and_placed(tmp_path: Path, tone: Tone, value: float) -> None:
    samples = tone(440, 1.0, channels=2).samples.copy()
    samples[1, 4000], samples[0, 8000:8002] = value, value
    store(tmp_path / "a.wav", Audio(samples, 16000), "WAV", "FLOAT")
    assert "3 samples that are NaN or infinite, the first at 0.250 s" in refusal(tmp_path / "a.wav")


def test_a_double_beyond_float_is_refused(tmp_path: Path, tone: Tone) -> None:
    samples = tone().samples.astype(np.float64)
    samples[0, 1600] = 1e300
    soundfile.write(tmp_path / "a.wav", samples.T, 16000, subtype="DOUBLE")
    assert "1 samples that are NaN or infinite, the first at 0.100 s" in refusal(tmp_path / "a.wav")


@pytest.mark.parametrize(("level", "what"), [(0.0, "silence"), (9e-7, "silence"), (0.25, "a constant value")])
def test_silence_is_refused(tmp_path: Path, level: float, what: str) -> None:
    soundfile.write(tmp_path / "a.wav", np.full((8000, 2), level), 16000, subtype="FLOAT")
    assert f"nothing but {what}" in refusal(tmp_path / "a.wav")


def test_a_very_soft_sound_is_not_silence(tmp_path: Path, tone: Tone) -> None:
    store(tmp_path / "a.wav", tone(amplitudes=(2e-6,)), "WAV", "FLOAT")
    assert read(tmp_path / "a.wav")[1] == []


@pytest.mark.parametrize(
    ("seconds", "sample_rate", "channels", "says"),
    [
        (0.0999, 16000, 1, "0.100 s of sound; needed: at least 0.1 s"),
        (0.02, 16000, 1, "0.020 s of sound; needed: at least 0.1 s"),
        (600.01, 8000, 1, "600.0 s of sound; needed: at most 600 s"),
        (1.0, 7999, 1, "a sample rate of 7999 Hz; needed: 8000 to 192000 Hz"),
        (1.0, 192001, 1, "a sample rate of 192001 Hz; needed: 8000 to 192000 Hz"),
        (1.0, 16000, 3, "3 channels; needed: mono or stereo"),
        (1.0, 16000, 6, "6 channels; needed: mono or stereo"),
    ],
)
def test_sounds_out_of_bounds_are_refused(
    tmp_path: Path, tone: Tone, seconds: float, sample_rate: int, channels: int, says: str
) -> None:
    store(tmp_path / "a.wav", tone(100, seconds, sample_rate, channels=channels), "WAV", "PCM_16")
    assert says in refusal(tmp_path / "a.wav")


# ---- what is noted


def test_clipping_is_noted_with_its_share(tmp_path: Path, tone: Tone) -> None:
    samples = np.clip(tone(100, 1.0, amplitudes=(1.05,)).samples, -1, 1)
    share = np.mean(np.abs(samples) == 1)
    store(tmp_path / "a.wav", Audio(samples, 16000), "WAV", "PCM_16")
    note = f"the sound clips: {100 * share:.2g} % of its samples lie flat at full scale"
    assert read(tmp_path / "a.wav")[1] == [note]


def test_a_tone_that_only_touches_full_scale_does_not_clip(tmp_path: Path, tone: Tone) -> None:
    store(tmp_path / "a.wav", tone(441, 1.0, amplitudes=(1.0,)), "WAV", "PCM_16")
    back, notes = read(tmp_path / "a.wav")
    assert np.abs(back.samples).max() > 0.9999
    assert notes == []


def test_a_float_peak_above_full_scale_is_noted_and_kept(tmp_path: Path, tone: Tone) -> None:
    store(tmp_path / "a.wav", tone(amplitudes=(2.0,)), "WAV", "FLOAT")
    back, notes = read(tmp_path / "a.wav")
    assert notes == ["the sound peaks 6.0 dB above full scale"]
    assert_close(np.abs(back.samples).max(), 2.0, atol=1e-3)


@pytest.mark.parametrize(("offset", "noted"), [(0.05, True), (-0.05, True), (0.005, False)])
def test_a_dc_offset_is_noted(tmp_path: Path, tone: Tone, offset: float, noted: bool) -> None:
    store(tmp_path / "a.wav", Audio(tone().samples + np.float32(offset), 16000), "WAV", "PCM_16")
    assert read(tmp_path / "a.wav")[1] == (
        ["the sound has a DC offset of 5 % of full scale"] if noted else []
    )


def test_a_low_note_that_stops_anywhere_has_no_dc_offset(tmp_path: Path, tone: Tone) -> None:
    store(tmp_path / "a.wav", tone(41.2, 0.5123), "WAV", "PCM_16")
    assert read(tmp_path / "a.wav")[1] == []


def test_a_silent_channel_is_noted(tmp_path: Path, tone: Tone) -> None:
    samples = tone(channels=2).samples.copy()
    samples[1] = 0
    store(tmp_path / "a.wav", Audio(samples, 16000), "WAV", "PCM_16")
    assert read(tmp_path / "a.wav")[1] == ["channel 2 of 2 is silent"]


# ---- samples from memory


def test_arrays_of_every_kind_become_the_same_sound(tone: Tone) -> None:
    expected = tone(channels=2).samples
    tensor = torch.tensor(expected, requires_grad=True)
    for samples in (
        expected,
        expected.astype(np.float64),
        np.asfortranarray(expected),
        tensor,
        expected.tolist(),
    ):
        sound, notes = from_array(samples, 16000)
        assert (sound.samples.dtype, sound.sample_rate, notes) == (np.float32, 16000, [])
        assert_close(sound.samples, expected, atol=0)
    assert_close(from_array(expected[1], 16000.0)[0].samples, expected[1:], atol=0)


def test_an_array_is_copied(tone: Tone) -> None:
    samples = tone().samples.copy()
    sound, _ = from_array(samples, 16000)
    samples[:] = 0
    assert np.abs(sound.samples).max() > 0.4


@pytest.mark.parametrize(
    ("samples", "sample_rate", "says"),
    [
        (np.zeros(16000), 16000, "nothing but silence"),
        (np.full(16000, np.nan), 16000, "16000 samples that are NaN or infinite, the first at 0.000 s"),
        (np.array([0.1, 1e300] * 8000), 16000, "8000 samples that are NaN or infinite"),
        (np.zeros(0), 16000, "0 frames of sound"),
        (np.zeros((2, 0)), 16000, "0 frames of sound"),
        (np.zeros((0, 100)), 16000, "0 frames of sound"),
        (np.ones(100), 16000, "0.006 s of sound"),
        (np.ones((16000, 2)), 16000, "try: samples.T"),
        (np.ones((3, 16000)), 16000, "3 channels"),
        (np.ones((1, 1, 16000)), 16000, "the shape (1, 1, 16000)"),
        (np.ones(16000, np.int16), 16000, "samples of type int16"),
        (np.ones(16000, complex), 16000, "samples of type complex128"),
        (np.sin(np.arange(16000)) * 32000, 16000, "a peak of 3.2e+04"),
        (np.ones(16000), 4000, "a sample rate of 4000 Hz"),
        (np.ones(16000), 16000.5, "a sample rate of 16000.5"),
        (np.ones(16000), None, "needed: an array of numbers and a sample rate"),
        (np.ones(16000), float("nan"), "needed: an array of numbers and a sample rate"),
        ([[0.1, 0.2], [0.3]], 16000, "needed: an array of numbers and a sample rate"),
        ("sound", 16000, "samples of type <U5"),
    ],
)
def test_arrays_are_refused_by_the_rules_of_files(samples: object, sample_rate: float, says: str) -> None:
    with pytest.raises(SoundError) as caught:
        from_array(samples, sample_rate)
    assert str(caught.value).startswith("samples: found ")
    assert says in str(caught.value)


# ---- other rates


@pytest.mark.parametrize(("rate", "other"), [(16000, 48000), (44100, 16000), (22050, 44100), (96000, 48000)])
def test_a_resampled_tone_is_the_tone_at_the_other_rate(tone: Tone, rate: int, other: int) -> None:
    moved = resample(tone(1000, 1.0, rate, channels=2), other)
    expected = tone(1000, 1.0, other, channels=2)
    assert (moved.sample_rate, moved.samples.dtype, moved.samples.shape) == (
        other,
        np.float32,
        expected.samples.shape,
    )
    assert moved.samples.flags.c_contiguous
    inner = slice(other // 10, -other // 10)  # away from the ends, where the filter looks past the sound
    assert_close(moved.samples[:, inner], expected.samples[:, inner], atol=1e-6)


def test_what_the_lower_rate_cannot_hold_is_gone(tone: Tone) -> None:
    moved = resample(tone(9000, 1.0, 48000), 16000)
    assert_close(moved.samples[:, 1600:-1600], np.zeros((1, 12800)), atol=1e-6)


@pytest.mark.parametrize(
    ("rate", "fit_rate"), [(8000, 8000), (44100, 44100), (48000, 48000), (88200, 48000), (192000, 48000)]
)
def test_a_fit_runs_at_48_khz_at_most_and_says_so(tone: Tone, rate: int, fit_rate: int) -> None:
    sound = tone(440, 0.5, rate)
    fitted, note = at_fit_rate(sound)
    assert (fitted.sample_rate, fitted.seconds) == (fit_rate, 0.5)
    if rate == fit_rate:
        assert fitted is sound
        assert note is None
    else:
        assert note == f"the sound has {rate} samples a second and is fitted at 48000"


# ---- writing


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
    assert write(tmp_path / "a.wav", sound) == []
    assert_close(read(tmp_path / "a.wav")[0].samples, sound.samples, atol=0)
    assert write(tmp_path / "b.wav", sound, "PCM_16") == [
        f"b.wav: {over} samples above full scale were clipped"
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
    assert "try: another folder, or free some space" in str(caught.value)
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


def test_an_interrupted_write_leaves_nothing(
    tmp_path: Path, tone: Tone, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "a.wav", tone())
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "name", ["none/a.wav", "a_file/a.wav", "folder.wav", "a.xyz", "a", "a.raw", "a" * 300 + ".wav"]
)
def test_places_that_cannot_be_written_are_refused(tmp_path: Path, tone: Tone, name: str) -> None:
    (tmp_path / "a_file").touch()
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(OutputError) as caught:
        write(tmp_path / name, tone())
    found = "the suffix" if name in ("a.xyz", "a", "a.raw") else "it cannot be written"
    assert str(caught.value).startswith(f"{tmp_path / name}: found {found}")
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


# ---- the noun


def test_an_audio_knows_its_size_and_its_mean() -> None:
    sound = Audio(np.array([[1.0, 0.0, 0.5], [0.0, 0.5, 0.5]], np.float32), 3)
    assert (sound.channels, sound.n_samples, sound.seconds) == (2, 3, 1.0)
    assert sound.mono().dtype == np.float32
    assert_close(sound.mono(), [0.5, 0.25, 0.5], atol=0)
    assert_close(Audio(sound.samples[:1], 3).mono(), [1.0, 0.0, 0.5], atol=0)


def test_importing_audio_loads_neither_torch_nor_a_decoder() -> None:
    code = "import sys, ddsp_match.audio; print({'torch', 'soundfile', 'soxr'} & set(sys.modules) or None)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "None"
