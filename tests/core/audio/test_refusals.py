"""Sound files in: what is no sound that can be matched is refused by name."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ddsp_match.core.audio import Audio, read
from tests.core.audio.files import Tone, refusal, store


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


def test_a_damaged_wav_is_called_that_and_the_cure_names_the_file(tmp_path: Path, tone: Tone) -> None:
    content = store(tmp_path / "a b.wav", tone(), "WAV", "PCM_16")
    for damaged in (content[:30], content.replace(b"data", b"dxta"), content[:20] + b"\xff\x77" + content[22:]):
        (tmp_path / "a b.wav").write_bytes(damaged)
        message = refusal(tmp_path / "a b.wav")
        assert "a damaged sound file" in message or "a form that is not known here" in message
        assert f"-i '{tmp_path}/a b.wav' '{tmp_path}/a b-" in message


def test_the_cure_of_a_sound_too_long_or_too_short_names_the_file(tmp_path: Path, tone: Tone) -> None:
    store(tmp_path / "a.wav", tone(seconds=0.05), "WAV", "PCM_16")
    assert f"ffmpeg -i {tmp_path}/a.wav -af apad=pad_dur=0.2 {tmp_path}/a-padded.wav" in refusal(tmp_path / "a.wav")
