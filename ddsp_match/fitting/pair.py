"""A dry and a wet sound, read and made comparable: one rate, the same channels."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ddsp_match.core.audio import Audio, resample, sound_of
from ddsp_match.core.errors import SoundError

MAX_RATE = 96_000  # Hz; above it an octave of silence is all there is to gain
CANCELLED = 1e-3  # of the channels' level: a mix below it has lost what the channels had (-60 dB)


@dataclass(frozen=True)
class Pair:
    """The same sound before and after some effects.

    Attributes:
        dry: Before them.
        wet: After them, at the same rate and with the same number of channels; its length may differ, because only
            once latency is known can it be told which end has no counterpart.
        notes: What was done to make them comparable, and what a user should know about either.
    """

    dry: Audio
    wet: Audio
    notes: list[str] = field(default_factory=list)


def read_pair(dry: Audio | str | Path | Any, wet: Audio | str | Path | Any, sample_rate: int | None = None) -> Pair:
    """Reads two sounds that belong together.

    The higher sample rate is brought down to the lower. A mono dry sound beside a stereo wet one is doubled; a stereo
    dry sound beside a mono wet one is mixed down.

    Args:
        dry: `Audio`, the path of a sound file, or an array ``(samples,)`` or ``(channels, samples)``.
        wet: The same.
        sample_rate: Of arrays, in Hz.

    Raises:
        SoundError: A sound is missing, silent, not finite, or cannot be matched for another reason that `audio.read`
            lists; or the channels of dry cancel each other in the mix that a mono wet sound asks for.
    """
    dry_audio, dry_name, notes = _heard(dry, "dry", sample_rate)
    wet_audio, _, more = _heard(wet, "wet", sample_rate)
    notes += [note for note in more if note not in notes]  # the same file twice has the same notes
    dry_audio, wet_audio = _one_rate(dry_audio, wet_audio, notes)
    dry_audio = _same_channels(dry_audio, wet_audio, dry_name, notes)
    longer_s = wet_audio.seconds - dry_audio.seconds
    if dry_audio.n_samples != wet_audio.n_samples:
        which, other = ("wet", "dry") if longer_s > 0 else ("dry", "wet")
        notes.append(
            f"{which} is {abs(longer_s):.3g} s longer than {other}: what has no counterpart once they are aligned is "
            "left out"
        )
    return Pair(dry_audio, wet_audio, notes)


def _heard(sound: Any, side: str, sample_rate: int | None) -> tuple[Audio, str, list[str]]:
    """A sound, what to call it, and its notes, which say whose they are."""
    filed = isinstance(sound, str | Path)
    name = str(sound) if filed else side
    try:
        audio, notes = sound_of(sound, sample_rate)
    except SoundError as error:
        if filed:
            raise
        raise SoundError(error.found, where=side, needed=error.needed, hint=error.hint) from error
    return audio, name, [f"{name}: {note}" for note in notes]


def _one_rate(dry: Audio, wet: Audio, notes: list[str]) -> tuple[Audio, Audio]:
    """Both at the lower of their rates: above its Nyquist only one of them has anything."""
    rate = min(dry.sample_rate, wet.sample_rate, MAX_RATE)
    moved = [
        f"{side} from {audio.sample_rate}" for side, audio in (("dry", dry), ("wet", wet)) if audio.sample_rate != rate
    ]
    if moved:
        notes.append(f"resampled {' and '.join(moved)} to {rate} Hz")
    return resample(dry, rate), resample(wet, rate)


def _same_channels(dry: Audio, wet: Audio, name: str, notes: list[str]) -> Audio:
    if dry.channels == wet.channels:
        return dry
    if wet.channels > dry.channels:
        notes.append("dry is mono and wet is stereo: both channels of dry are the same")
        return Audio(np.repeat(dry.samples, wet.channels, axis=0), dry.sample_rate)
    mixed = dry.mono()[None]
    if _rms(mixed) < CANCELLED * _rms(dry.samples):
        raise SoundError(
            "two channels that cancel each other",
            where=name,
            needed="a mono sound, or one whose mix is heard, because wet is mono",
            hint="the one channel that went into the effect: ffmpeg -i in.wav -af 'pan=mono|c0=c0' out.wav",
        )
    notes.append("dry is stereo and wet is mono: the mean of the two channels is taken for dry")
    return Audio(mixed, dry.sample_rate)


def _rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.square(samples, dtype=np.float64).mean()))
