"""Analyse a sound before it is fitted: f0, periodicity, loudness."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch

from ddsp_match.analysis.contour import NO_PITCH_HZ
from ddsp_match.analysis.loudness import a_weighted_loudness
from ddsp_match.analysis.pitch import PitchTrack, tracks
from ddsp_match.core.audio import Audio
from ddsp_match.core.features import Features
from ddsp_match.core.settings import F0Settings
from ddsp_match.core.timebase import Timebase

CPU = torch.device("cpu")
# A sound is pitched when at least this share of its A-weighted energy lies in voiced frames: it is 0.7 or more for
# a note of an instrument or a voice, 0.1 to 0.45 for a drum, or for a pluck that is a knock above all.
PITCHED_SHARE = 0.5


def analyse(
    audio: Audio,
    timebase: Timebase,
    settings: F0Settings,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Features, PitchTrack]:
    """Analyse a sound at the frames of a timebase.

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
    return analyse_batch([audio], timebase, settings, progress)[0]


def analyse_batch(
    sounds: Sequence[Audio],
    timebase: Timebase,
    settings: F0Settings,
    progress: Callable[[int, int], None] | None = None,
    *,
    device: torch.device = CPU,
    workers: int = 1,
) -> list[tuple[Features, PitchTrack]]:
    """Analyse many sounds of one rate, each as `analyse` does it alone.

    Args:
        sounds: The sounds, at the timebase's sample rate.
        timebase: The frames.
        settings: Where f0 comes from.
        progress: Called with the frames done by the slowest stage and their total, over all sounds.
        device: Where the pitch network runs; the features are on the CPU.
        workers: Threads that share what runs on the CPU besides.

    Raises:
        PitchError: The given f0 does not fit one of the sounds.
    """
    pitches = tracks(
        [_one_channel(audio) for audio in sounds], timebase, settings, progress, device=device, workers=workers
    )
    pairs = [(_features(audio, pitch, timebase), pitch) for audio, pitch in zip(sounds, pitches, strict=True)]
    return pairs if settings.source in ("csv", "constant") else [_pitched_or_not(*pair) for pair in pairs]


def _pitched_or_not(features: Features, pitch: PitchTrack) -> tuple[Features, PitchTrack]:
    """Drop the pitch of a sound of whose energy too little is voiced."""
    share = float(features.energy[features.voiced[0]].sum() / features.energy.sum())
    if not pitch.pitched or share >= PITCHED_SHARE:
        return features, pitch
    none = torch.zeros_like(features.voiced)
    change = f"a pitch is heard while {100 * share:.0f} % of the energy sounds: too little, so it counts as none"
    return (
        replace(features, f0_hz=torch.full_like(features.f0_hz, NO_PITCH_HZ), voiced=none, doubt=none),
        replace(
            pitch,
            f0_hz=np.full_like(pitch.f0_hz, NO_PITCH_HZ),
            voiced=np.zeros_like(pitch.voiced),
            doubt=np.zeros_like(pitch.doubt),
            changes=[change],
            pitched=False,
        ),
    )


def _features(audio: Audio, pitch: PitchTrack, timebase: Timebase) -> Features:
    def per_channel(values: np.ndarray, dtype: torch.dtype) -> torch.Tensor:
        return torch.from_numpy(values).to(dtype).expand(audio.channels, -1).clone()

    return Features(
        f0_hz=per_channel(pitch.f0_hz, torch.float32),
        periodicity=per_channel(pitch.periodicity, torch.float32),
        loudness_db=a_weighted_loudness(audio.samples, timebase),
        voiced=per_channel(pitch.voiced, torch.bool),
        doubt=per_channel(pitch.doubt, torch.bool),
    )


def _one_channel(audio: Audio) -> np.ndarray:
    mono = audio.mono()
    power = np.square(audio.samples, dtype=np.float32).mean(1)
    if np.square(mono).mean() < 0.1 * power.max():
        return audio.samples[int(power.argmax())]
    return mono
