"""Which samples can be matched, and what a user should know about them."""

from __future__ import annotations

import numpy as np

from ddsp_match.audio.sound import Audio
from ddsp_match.errors import SoundError

MIN_SECONDS, MAX_SECONDS = 0.1, 600.0
MIN_RATE, MAX_RATE = 8_000, 192_000
MAX_CHANNELS = 2

SILENCE_PEAK = 1e-6  # -120 dBFS: below the last bit of 16 (-90 dBFS) and any microphone's own noise
LOUDEST_PEAK = 100.0  # +40 dBFS: beyond it the samples are surely integers that were not scaled
CLIPPED_PEAK, CLIPPED_RUN = 0.99, 3  # flat tops: equal neighbours, this many, at this level or above
DC_SHARE = 0.02  # of the peak; the incomplete last period of a low note stays below it


def check_form(channels: int, frames: int, rate: int, where: object) -> None:
    """Refuses what the header alone rules out, before anything of that size is allocated."""
    if channels > MAX_CHANNELS:
        raise SoundError(
            f"{channels} channels", where=where, needed="mono or stereo",
            hint="mix it down first: ffmpeg -i in.wav -ac 2 out.wav",
        )  # fmt: skip
    if not MIN_RATE <= rate <= MAX_RATE:
        raise SoundError(
            f"a sample rate of {rate} Hz", where=where, needed=f"{MIN_RATE} to {MAX_RATE} Hz",
            hint="resample it first: ffmpeg -i in.wav -ar 48000 out.wav",
        )  # fmt: skip
    if frames > MAX_SECONDS * rate:
        raise SoundError(
            f"{frames / rate:.1f} s of sound", where=where, needed=f"at most {MAX_SECONDS:.0f} s",
            hint=f"cut it first: ffmpeg -i in.wav -t {MAX_SECONDS:.0f} out.wav",
        )  # fmt: skip


def checked(samples: np.ndarray, rate: int, where: object, ends_early: str = "") -> tuple[Audio, list[str]]:
    """The sound and its notes, or a refusal of samples that nothing can be learned from."""
    channels, n = samples.shape
    early = f" (the file ends early: {ends_early})" if ends_early else ""
    if n == 0 or channels == 0:
        raise SoundError(f"0 frames of sound{early}", where=where, needed=f"at least {MIN_SECONDS} s")
    if n < MIN_SECONDS * rate:
        raise SoundError(f"{n / rate:.3f} s of sound{early}", where=where, needed=f"at least {MIN_SECONDS} s")
    finite = np.isfinite(samples)
    if not finite.all():
        bad = ~finite.all(0)
        raise SoundError(
            f"{samples.size - np.count_nonzero(finite)} samples that are NaN or infinite, the first at "
            f"{np.argmax(bad) / rate:.3f} s", where=where, needed="finite samples",
            hint="render or export it again from where it came",
        )  # fmt: skip
    low, high = samples.min(1), samples.max(1)
    peaks = np.maximum(-low, high)
    if (high - low).max() < 2 * SILENCE_PEAK:
        what = "silence" if peaks.max() < SILENCE_PEAK else "a constant value"
        raise SoundError(f"nothing but {what}", where=where, needed="a sound above -120 dBFS")
    if peaks.max() > LOUDEST_PEAK:
        raise SoundError(
            f"a peak of {peaks.max():.4g}",
            where=where,
            needed="full scale at ±1",
            hint="dividing by 32768 if these were 16-bit integers",
        )
    return Audio(samples, rate), _notes(samples, peaks, ends_early)


def _notes(samples: np.ndarray, peaks: np.ndarray, ends_early: str) -> list[str]:
    """What a user should know about a sound that can be matched."""
    notes = [f"the file ends early: {ends_early}"] if ends_early else []
    if peaks.max() > 1.0:
        notes.append(f"the sound peaks {20 * np.log10(peaks.max()):.1f} dB above full scale")
    flat = sum(_flat_samples(channel, peak) for channel, peak in zip(samples, peaks, strict=True))
    if flat:
        notes.append(
            f"the sound clips: {100 * flat / samples.size:.2g} % of its samples lie flat at full scale"
        )
    offset = np.abs(samples.mean(1, dtype=np.float64))
    if (offset > DC_SHARE * peaks).any():
        notes.append(f"the sound has a DC offset of {100 * offset.max():.2g} % of full scale")
    if (peaks < SILENCE_PEAK).any():
        notes.append(f"channel {np.argmin(peaks) + 1} of {len(peaks)} is silent")
    return notes


def _flat_samples(channel: np.ndarray, peak: float) -> int:
    """Samples in runs of equal neighbours at full scale, as clipping leaves them."""
    if peak < CLIPPED_PEAK:
        return 0
    top = np.flatnonzero(np.abs(channel) >= CLIPPED_PEAK)
    apart = (np.diff(top, prepend=-2) != 1) | (np.diff(channel[top], prepend=np.nan) != 0)
    run_starts = np.flatnonzero(apart)
    lengths = np.diff(run_starts, append=len(top))
    return int(lengths[lengths >= CLIPPED_RUN].sum())
