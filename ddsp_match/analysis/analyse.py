"""Everything that is heard in a sound before it is fitted: f0, periodicity, loudness."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from ddsp_match.analysis.loudness import a_weighted_loudness
from ddsp_match.analysis.pitch import PitchTrack, track
from ddsp_match.audio import Audio
from ddsp_match.features import Features
from ddsp_match.settings import F0Settings
from ddsp_match.timebase import Timebase


def analyse(
    audio: Audio,
    timebase: Timebase,
    settings: F0Settings,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Features, PitchTrack]:
    """Analyses a sound at the frames of a timebase.

    Channels are the batch of the features. They share one f0, that of their mean, or of the louder channel
    where the mean would cancel them.

    Args:
        audio: The sound, at the timebase's sample rate.
        timebase: The frames.
        settings: Where f0 comes from.
        progress: Called with the frames done by the slowest stage and their total.

    Raises:
        PitchError: The given f0 does not fit the sound.
    """
    pitch = track(_one_channel(audio), timebase, settings, progress)
    loudness_db = a_weighted_loudness(audio.samples, timebase)

    def per_channel(values: np.ndarray, dtype: torch.dtype) -> torch.Tensor:
        return torch.from_numpy(values).to(dtype).expand(audio.channels, -1).clone()

    features = Features(
        f0_hz=per_channel(pitch.f0_hz, torch.float32),
        periodicity=per_channel(pitch.periodicity, torch.float32),
        loudness_db=loudness_db,
        voiced=per_channel(pitch.voiced, torch.bool),
        doubt=per_channel(pitch.doubt, torch.bool),
    )
    return features, pitch


def _one_channel(audio: Audio) -> np.ndarray:
    mono = audio.mono()
    power = np.square(audio.samples, dtype=np.float32).mean(1)
    if np.square(mono).mean() < 0.1 * power.max():
        return audio.samples[int(power.argmax())]
    return mono
