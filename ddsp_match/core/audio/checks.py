"""Check that samples can be matched, and note clipping, offset and silence."""

from __future__ import annotations

import math

import numpy as np

from ddsp_match.core.audio import ffmpeg
from ddsp_match.core.audio.sound import Audio
from ddsp_match.core.errors import SoundError

MIN_SECONDS, MAX_SECONDS = 0.1, 600.0
MIN_RATE, MAX_RATE = 8_000, 192_000
MAX_CHANNELS = 2

SILENCE_PEAK = 1e-6  # -120 dBFS: below the last bit of 16 (-90 dBFS) and any microphone's own noise
LOUDEST_PEAK = 100.0  # +40 dBFS: beyond it the samples are surely integers that were not scaled
CLIPPED_PEAK, CLIPPED_RUN = 0.99, 3  # flat tops: equal neighbours, this many, at this level or above
# Single-cycle files of wavetable synthesizers: 600 samples (the AKWF collection) or a power of two.
PERIODS = frozenset((600, *(2**power for power in range(6, 13))))
SHORTEST_PERIOD = 32  # samples
FUNDAMENTAL = 0.01  # of the power at least is in one period a sound; in noise and in several periods there is less
LASTING = 0.25  # of the louder half's level is in the quieter one: a click has died away by then
REPEATED_SECONDS = 1.0
DC_SHARE = 0.02  # of the peak; the incomplete last period of a low note stays below it


def check_form(channels: int, frames: int, rate: int, where: object) -> None:
    """Refuses what the header alone rules out, before anything of that size is allocated."""
    if channels > MAX_CHANNELS:
        raise SoundError(
            f"{channels} channels", where=where, needed="mono or stereo",
            hint=_cure("mix it down first", where, "-ac 2", "-stereo"),
        )  # fmt: skip
    if not MIN_RATE <= rate <= MAX_RATE:
        raise SoundError(
            f"a sample rate of {rate} Hz", where=where, needed=f"{MIN_RATE} to {MAX_RATE} Hz",
            hint=_cure("resample it first", where, "-ar 48000", "-48k"),
        )  # fmt: skip
    if frames > MAX_SECONDS * rate:
        raise SoundError(
            f"{frames / rate:.1f} s of sound", where=where, needed=f"at most {MAX_SECONDS:.0f} s",
            hint=_cure("cut it first", where, f"-t {MAX_SECONDS:.0f}", "-cut"),
        )  # fmt: skip


def checked(samples: np.ndarray, rate: int, where: object, ends_early: str = "") -> tuple[Audio, list[str]]:
    """The sound and its notes, or a refusal of samples that nothing can be learned from."""
    channels, n = samples.shape
    early = f" (the file ends early: {ends_early})" if ends_early else ""
    if n == 0 or channels == 0:
        raise SoundError(f"0 frames of sound{early}", where=where, needed=f"at least {MIN_SECONDS} s")
    short = n < MIN_SECONDS * rate
    if short and (ends_early or not _is_period(samples)):
        raise SoundError(
            f"{n / rate:.3f} s of sound{early}", where=where,
            needed=f"at least {MIN_SECONDS} s, or one period of a wave, which would be repeated",
            hint=_cure("silence after it", where, "-af apad=pad_dur=0.2", "-padded"),
        )  # fmt: skip
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
    notes = _notes(samples, peaks, ends_early)
    if short:
        times = math.ceil(REPEATED_SECONDS * rate / n)
        samples = np.ascontiguousarray(np.tile(samples, times))
        notes.insert(0, f"{n} samples, taken for one period of a wave ({rate / n:.1f} Hz), were repeated {times} times")
    return Audio(samples, rate), notes


def _cure(words: str, where: object, options: str, name: str) -> str:
    command = ffmpeg.command(where, options, name)
    return f"{words}: {command}" if command else words


def _is_period(samples: np.ndarray) -> bool:
    """Tell if so short a sound is one period: with a fundamental, lasting to its end, which joins on to its beginning.

    A wave with a jump, such as a sawtooth, often has it just there; then the usual lengths of single-cycle files tell.
    """
    n = samples.shape[1]
    if n < SHORTEST_PERIOD:
        return False
    power = (np.abs(np.fft.rfft(samples)) ** 2).sum(0)
    halves = [np.sqrt(np.mean(half**2)) for half in (samples[:, : n // 2], samples[:, n // 2 :])]
    joins = (np.abs(samples[:, 0] - samples[:, -1]) <= np.abs(np.diff(samples)).max(1)).all()
    fundamental = power[1] > FUNDAMENTAL * power[1:].sum()
    return bool(fundamental and min(halves) > LASTING * max(halves) and (joins or n in PERIODS))


def _notes(samples: np.ndarray, peaks: np.ndarray, ends_early: str) -> list[str]:
    """Note clipping, offset, silent channels and an early end of a sound."""
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
