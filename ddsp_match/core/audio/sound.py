"""`Audio`: samples with their rate, and resampling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MAX_FIT_RATE = 48_000


@dataclass(frozen=True)
class Audio:
    """A sound: finite float32 samples and their rate.

    Attributes:
        samples: ``(channels, n)`` float32, full scale at ±1.
        sample_rate: In Hz.
    """

    samples: np.ndarray
    sample_rate: int

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.samples.shape[0]

    @property
    def n_samples(self) -> int:
        """Samples a channel."""
        return self.samples.shape[1]

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sample_rate

    def mono(self) -> np.ndarray:
        """The mean of the channels, ``(n,)`` float32."""
        return self.samples.mean(0, dtype=np.float32) if self.channels > 1 else self.samples[0]


def resample(audio: Audio, sample_rate: int) -> Audio:
    """Resample to another rate, by soxr at its highest quality (linear phase, no delay)."""
    import soxr

    if sample_rate == audio.sample_rate:
        return audio
    resampled = soxr.resample(audio.samples.T, audio.sample_rate, sample_rate, "VHQ")
    return Audio(np.ascontiguousarray(resampled.T, np.float32), int(sample_rate))


def at_fit_rate(audio: Audio) -> tuple[Audio, str | None]:
    """Return the sound at the rate of the fit: its own up to 48 kHz, else 48 kHz and a note."""
    if audio.sample_rate <= MAX_FIT_RATE:
        return audio, None
    note = f"the sound has {audio.sample_rate} samples a second and is fitted at {MAX_FIT_RATE}"
    return resample(audio, MAX_FIT_RATE), note
