"""Sound files in: every format comes back as it was stored."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ddsp_match.core.audio import from_array, read
from ddsp_match.core.errors import SoundError
from tests.compare import assert_close
from tests.core.audio.files import LOSSY, STORED, Tone, store


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


@pytest.mark.parametrize("bits", [40, 48, 64])
@pytest.mark.parametrize("extensible", [False, True])
def test_wav_of_more_than_32_bits(tmp_path: Path, tone: Tone, bits: int, extensible: bool) -> None:
    sound = tone(220, 0.2)
    scaled = np.round(sound.samples[0].astype(np.float64) * 2**31).astype(np.int64) << (bits - 32)
    content = b"".join(int(value).to_bytes(bits // 8, "little", signed=True) for value in scaled)
    rate, wide = sound.sample_rate, bits // 8
    form = struct.pack("<HHIIHH", 0xFFFE if extensible else 1, 1, rate, rate * wide, wide, bits)
    if extensible:
        form += struct.pack("<HHIH", 22, bits, 4, 1) + bytes(14)
    chunks = b"LIST" + struct.pack("<I", 3) + b"odd\0"
    chunks += b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(content)) + content
    (tmp_path / "a.wav").write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)
    back, notes = read(tmp_path / "a.wav")
    assert back.sample_rate == rate and notes == []
    assert_close(back.samples, sound.samples, atol=1e-6)


@pytest.mark.parametrize("n", [600, 2048, 777])
@pytest.mark.parametrize("shape", ["sine", "saw", "square"])
def test_one_period_of_a_wave_is_repeated(n: int, shape: str) -> None:
    phase = np.arange(n) / n
    wave = {"sine": np.sin(2 * np.pi * phase), "saw": 2 * phase - 1, "square": np.sign(0.5 - phase - 0.5 / n)}[shape]
    if shape == "saw" and n == 777:
        wave = np.roll(wave, 300)
    period = wave.astype(np.float32) * 0.5
    back, notes = from_array(period, 44100)
    assert back.seconds >= 1 and back.n_samples % n == 0
    assert np.array_equal(back.samples[0, : 2 * n], np.tile(period, 2))
    assert notes[0].startswith(f"{n} samples, taken for one period of a wave ({44100 / n:.1f} Hz), were repeated")


def test_a_click_is_no_period() -> None:
    click = np.random.default_rng(0).standard_normal(2048) * np.exp(-np.arange(2048) / 200)
    with pytest.raises(SoundError, match=r"0\.046 s of sound; needed: at least 0\.1 s, or one period"):
        from_array(0.1 * click, 44100)
