"""Samples from memory, other rates, and the noun itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ddsp_match.core.audio import Audio, at_fit_rate, from_array, resample, sound_of, write
from ddsp_match.core.errors import SoundError
from tests.compare import assert_close
from tests.core.audio.files import Tone


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


def test_a_sound_may_be_given_as_a_file_a_noun_or_an_array(tmp_path: Path, tone: Tone) -> None:
    sound = Audio(tone().samples + np.float32(0.1), 16000)
    write(tmp_path / "a.wav", sound, "FLOAT")
    for original in (tmp_path / "a.wav", str(tmp_path / "a.wav"), sound, sound.samples):
        result, notes = sound_of(original, 16000)
        assert result.sample_rate == 16000 and len(notes) == 1 and "DC offset" in notes[0]
        assert_close(result.samples, sound.samples, 0.0)
    with pytest.raises(SoundError, match="a sample rate of 0 Hz"):
        sound_of(sound.samples)


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


@pytest.mark.parametrize(("rate", "other"), [(16000, 48000), (44100, 16000), (22050, 44100), (96000, 48000)])
def test_a_resampled_tone_is_the_tone_at_the_other_rate(tone: Tone, rate: int, other: int) -> None:
    shifted = resample(tone(1000, 1.0, rate, channels=2), other)
    expected = tone(1000, 1.0, other, channels=2)
    assert (shifted.sample_rate, shifted.samples.dtype, shifted.samples.shape) == (
        other,
        np.float32,
        expected.samples.shape,
    )
    assert shifted.samples.flags.c_contiguous
    inner = slice(other // 10, -other // 10)  # away from the ends, where the filter looks past the sound
    assert_close(shifted.samples[:, inner], expected.samples[:, inner], atol=1e-6)


def test_what_the_lower_rate_cannot_hold_is_gone(tone: Tone) -> None:
    shifted = resample(tone(9000, 1.0, 48000), 16000)
    assert_close(shifted.samples[:, 1600:-1600], np.zeros((1, 12800)), atol=1e-6)


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


def test_an_audio_knows_its_size_and_its_mean() -> None:
    sound = Audio(np.array([[1.0, 0.0, 0.5], [0.0, 0.5, 0.5]], np.float32), 3)
    assert (sound.channels, sound.n_samples, sound.seconds) == (2, 3, 1.0)
    assert sound.mono().dtype == np.float32
    assert_close(sound.mono(), [0.5, 0.25, 0.5], atol=0)
    assert_close(Audio(sound.samples[:1], 3).mono(), [1.0, 0.0, 0.5], atol=0)


def test_importing_audio_loads_neither_torch_nor_a_decoder() -> None:
    code = "import sys, ddsp_match.core.audio; print({'torch', 'soundfile', 'soxr'} & set(sys.modules) or None)"
    calls = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert calls.stdout.strip() == "None"
