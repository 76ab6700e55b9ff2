"""What is heard in a sound, channel by channel."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ddsp_match.analysis.analyse import analyse, analyse_batch
from ddsp_match.core.audio import Audio
from ddsp_match.core.settings import F0Settings
from ddsp_match.core.timebase import Timebase


def test_channels_share_one_f0_and_have_their_own_loudness(tone) -> None:
    audio = tone(f0_hz=300.0, seconds=0.4, amplitudes=(0.3, 0.2, 0.1), channels=2)
    timebase = Timebase.at(audio.sample_rate)
    features, pitch = analyse(audio, timebase, F0Settings())
    assert features.f0_hz.shape == (2, timebase.frames(audio.n_samples))
    assert torch.equal(features.f0_hz[0], features.f0_hz[1])
    assert abs(float(features.f0_hz[0, 20]) - 300.0) < 0.5
    difference = features.loudness_db[0] - features.loudness_db[1]
    assert abs(float(difference.median()) - 6.02) < 0.05
    assert pitch.pitched


def test_channels_that_cancel_still_have_a_pitch(tone) -> None:
    residual = tone(f0_hz=300.0, seconds=0.3, amplitudes=(0.3, 0.2, 0.1)).samples
    audio = Audio(np.concatenate((residual, -residual)), 16000)
    features, pitch = analyse(audio, Timebase.at(16000), F0Settings())
    assert pitch.pitched
    assert abs(float(features.f0_hz[1, 15]) - 300.0) < 0.5


def test_a_batch_is_analysed_as_each_sound_alone(tone) -> None:
    sounds = [tone(f0_hz=300.0, seconds=0.4, channels=2), tone(f0_hz=440.0, seconds=0.3)]
    timebase, settings = Timebase.at(16000), F0Settings(model="tiny")
    for (features, pitch), sound in zip(analyse_batch(sounds, timebase, settings), sounds, strict=True):
        alone, expected = analyse(sound, timebase, settings)
        for name, values in vars(alone).items():
            assert torch.equal(getattr(features, name), values), name
        assert (pitch.f0_hz == expected.f0_hz).all()


def test_the_note_is_that_of_the_energy_and_not_of_what_is_soft(tone) -> None:
    """A note, and a long soft one a fourth above."""
    loud, soft = tone(f0_hz=300.0, seconds=0.5).samples, 0.03 * tone(f0_hz=400.0, seconds=1.5).samples
    features, _ = analyse(Audio(np.concatenate((loud, soft), 1), 16000), Timebase.at(16000), F0Settings(model="tiny"))
    assert float(features.voiced.float().mean()) > 0.9
    assert features.pitch_hz == pytest.approx(300.0, rel=1e-3)


def test_a_pitch_in_a_small_part_of_the_energy_is_none_but_one_that_is_given_is(tone) -> None:
    """A crash that leaves a soft tone ringing."""
    crash = 0.3 * np.random.default_rng(0).standard_normal((1, 8000)).astype(np.float32)
    sound = Audio(np.concatenate((crash, 0.1 * tone(f0_hz=300.0, seconds=0.5).samples), 1), 16000)
    timebase = Timebase.at(16000)
    features, pitch = analyse(sound, timebase, F0Settings(model="tiny"))
    assert features.pitch_hz is None and not features.voiced.any() and not pitch.pitched
    assert bool((features.f0_hz == features.f0_hz[0, 0]).all()) and "counts as none" in pitch.changes[0]
    features, pitch = analyse(sound, timebase, F0Settings(source="constant", hz=300.0))
    assert features.pitch_hz == 300.0 and pitch.pitched
