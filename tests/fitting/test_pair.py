"""A dry and a wet sound become comparable, and what was done to them is said."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_match.core import audio
from ddsp_match.core.audio import Audio
from ddsp_match.core.errors import SoundError
from ddsp_match.fitting.pair import read_pair
from tests.compare import assert_close


def sound(seconds: float = 0.5, rate: int = 16_000, channels: int = 1, hz: float = 440.0) -> Audio:
    time_s = np.arange(round(seconds * rate)) / rate
    rows = [0.3 * np.sin(2 * np.pi * hz * time_s) / (channel + 1) for channel in range(channels)]
    return Audio(np.stack(rows).astype(np.float32), rate)


def test_what_is_comparable_is_left_alone(tmp_path):
    dry, wet = sound(), sound(hz=220)
    audio.write(tmp_path / "dry.wav", dry)
    audio.write(tmp_path / "wet.wav", wet)
    for pair in (
        read_pair(tmp_path / "dry.wav", str(tmp_path / "wet.wav")),
        read_pair(dry, wet),
        read_pair(dry.samples[0], wet.samples, 16_000),
    ):
        assert_close(pair.dry.samples, dry.samples, 0.0)
        assert_close(pair.wet.samples, wet.samples, 0.0)
        assert pair.dry.sample_rate == pair.wet.sample_rate == 16_000
        assert pair.notes == []


def test_the_same_file_twice_is_fine(tmp_path):
    loud = sound(channels=2)
    audio.write(tmp_path / "a.wav", Audio(np.clip(5 * loud.samples, -1, 1), 16_000))
    pair = read_pair(tmp_path / "a.wav", tmp_path / "a.wav")
    assert_close(pair.dry.samples, pair.wet.samples, 0.0)
    assert len(pair.notes) == 1 and "a.wav: the sound clips" in pair.notes[0]


@pytest.mark.parametrize("rates", [(48_000, 16_000), (16_000, 48_000)])
def test_the_higher_rate_comes_down_to_the_lower(rates):
    pair = read_pair(sound(rate=rates[0]), sound(rate=rates[1]))
    assert pair.dry.sample_rate == pair.wet.sample_rate == 16_000
    assert pair.dry.n_samples == pair.wet.n_samples == 8000
    middle = slice(500, 7500)
    assert_close(pair.dry.samples[:, middle], pair.wet.samples[:, middle], 1e-3)
    side = "dry" if rates[0] == 48_000 else "wet"
    assert pair.notes == [f"resampled {side} from 48000 to 16000 Hz"]


def test_rates_beyond_96_khz_come_down_on_both_sides():
    pair = read_pair(sound(rate=192_000), sound(rate=176_400))
    assert pair.dry.sample_rate == pair.wet.sample_rate == 96_000
    assert pair.notes == ["resampled dry from 192000 and wet from 176400 to 96000 Hz"]


def test_mono_beside_stereo_is_doubled():
    dry, wet = sound(), sound(channels=2)
    pair = read_pair(dry, wet)
    assert_close(pair.dry.samples, np.concatenate([dry.samples, dry.samples]), 0.0)
    assert_close(pair.wet.samples, wet.samples, 0.0)
    assert pair.notes == ["dry is mono and wet is stereo: both channels of dry are the same"]


def test_stereo_beside_mono_is_mixed():
    dry, wet = sound(channels=2), sound()
    pair = read_pair(dry, wet)
    assert_close(pair.dry.samples, 0.75 * dry.samples[:1], 1e-7)
    assert_close(pair.wet.samples, wet.samples, 0.0)
    assert len(pair.notes) == 1 and "the mean of the two channels is taken for dry" in pair.notes[0]


def test_stereo_that_cancels_in_the_mix_is_refused():
    side = sound().samples
    with pytest.raises(SoundError, match=r"^dry: found two channels that cancel.*because wet is mono.*ffmpeg"):
        read_pair(Audio(np.concatenate([side, -side]), 16_000), sound())


@pytest.mark.parametrize(("seconds", "which"), [((0.5, 0.75), "wet"), ((0.75, 0.5), "dry")])
def test_lengths_are_left_for_the_alignment_and_said(seconds, which):
    pair = read_pair(sound(seconds[0]), sound(seconds[1]))
    assert (pair.dry.n_samples, pair.wet.n_samples) == tuple(int(16_000 * s) for s in seconds)
    other = "dry" if which == "wet" else "wet"
    assert len(pair.notes) == 1 and pair.notes[0].startswith(f"{which} is 0.25 s longer than {other}: ")


def nan() -> Audio:
    samples = sound().samples.copy()
    samples[0, 1600] = np.nan
    return Audio(samples, 16_000)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (nan(), "1 samples that are NaN or infinite, the first at 0.100 s"),
        (Audio(np.zeros((1, 8000), np.float32), 16_000), "nothing but silence"),
        (sound(0.05), "0.050 s of sound"),
        (np.zeros((3, 4000), np.float32), "3 channels"),
        (np.ones(4000, np.int16), "samples of type int16"),
    ],
)
def test_what_cannot_be_compared_is_refused_by_side(bad, message):
    with pytest.raises(SoundError, match=f"^dry: found {message}"):
        read_pair(bad, sound(), 16_000)
    with pytest.raises(SoundError, match=f"^wet: found {message}"):
        read_pair(sound(), bad, 16_000)


def test_a_missing_or_silent_file_is_refused_by_its_name(tmp_path):
    audio.write(tmp_path / "dry.wav", sound())
    audio.write(tmp_path / "silent.wav", Audio(np.zeros((1, 8000), np.float32), 16_000))
    with pytest.raises(SoundError, match=r"none\.wav: found no such file"):
        read_pair(tmp_path / "dry.wav", tmp_path / "none.wav")
    with pytest.raises(SoundError, match=r"silent\.wav: found nothing but silence"):
        read_pair(tmp_path / "dry.wav", tmp_path / "silent.wav")
