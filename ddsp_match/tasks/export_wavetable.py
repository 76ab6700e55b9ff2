"""A patch as a wavetable: its harmonics at moments over the sound, one period of 2048 samples each."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ddsp_match.edits.separate import separate
from ddsp_match.errors import ConfigError, PitchError
from ddsp_match.formats.wav_chunks import wavetable_chunk, write_wav
from ddsp_match.formats.wavetable import MOST_PERIODS, PERIOD, SAMPLE_RATE, periods
from ddsp_match.patch import Patch
from ddsp_match.tasks.export_midi import on_steady_grid
from ddsp_match.tasks.process import OnNote

SOUNDING_DB = 50.0  # softer than the loudest frame by that: silence, which no period is taken from


def export_wavetable(
    patch: Patch,
    out: Path,
    *,
    frames: int = MOST_PERIODS,
    keep_levels: bool = False,
    bits: int = 32,
    on_note: OnNote | None = None,
) -> list[Path]:
    """Writes a wavetable.

    Args:
        patch: Whose harmonics to take; noise and what lies between them is left out.
        out: WAV file to write.
        frames: Periods to take at most, 1 to 256, evenly over what sounds; fewer where the sound has fewer frames.
        keep_levels: Let each period be as loud as it is in the sound; else all have the same peak.
        bits: 16 or 32 (floating point).
        on_note: Told how many periods there are.

    Raises:
        ConfigError: An option is out of range.
        PitchError: The patch has no pitch, or nothing in it can be heard.
    """
    if not 1 <= frames <= MOST_PERIODS:
        raise ConfigError(f"{frames} frames", where="export to wavetable", needed=f"1 to {MOST_PERIODS}")
    if bits not in (16, 32):
        raise ConfigError(f"{bits} bits", where="export to wavetable", needed="16 or 32")
    if on_steady_grid(patch):
        raise PitchError(
            "partials on a steady grid: no pitch was found in this sound when it was fitted",
            where="export to wavetable",
            needed="a patch that follows an f0, which has periods",
            hint="--to sfz, which plays any sound; or a fit with --midi or --f0, if you hear a pitch",
        )
    amplitudes = harmonics(patch)
    loudness = np.sqrt(np.square(amplitudes).sum(1))
    sounding = np.flatnonzero(loudness > max(float(loudness.max()) * 10 ** (-SOUNDING_DB / 20), 1e-6))
    if not len(sounding):
        raise PitchError(
            "no harmonics that can be heard", where="export to wavetable", needed="a sound with a pitch",
            hint="--to sfz, which plays any sound",
        )  # fmt: skip
    count = min(frames, len(sounding))
    chosen = sounding[np.round(np.linspace(0, len(sounding) - 1, count)).astype(int)]
    waves = periods(amplitudes[chosen], keep_levels=keep_levels)
    write_wav(out, waves.reshape(1, -1), SAMPLE_RATE, bits, [wavetable_chunk(PERIOD)])
    if on_note is not None:
        fewer = f" (the sound has no more frames than that, {frames} were asked for)" if count < frames else ""
        on_note(f"{count} periods of {PERIOD} samples{fewer}")
    return [out]


def harmonics(patch: Patch) -> np.ndarray:
    """The amplitude of each harmonic in each frame, ``(frames, harmonics)``: of channels the mean power."""
    controls = separate(patch.controls, patch.timebase)
    step = controls.divisions
    partials = controls.partial_amplitudes[:, step - 1 :: step]
    numbers = np.arange(1, partials.shape[1] + 1).reshape(1, -1, 1)
    audible = controls.f0_hz.unsqueeze(1).numpy() * numbers < patch.timebase.nyquist_hz
    return np.sqrt(np.square(partials.double().numpy() * audible).mean(0)).T
