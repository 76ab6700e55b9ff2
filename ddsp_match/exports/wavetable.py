"""A patch as a wavetable: its harmonics at moments over the sound, one period each."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ddsp_match.core.callbacks import OnNote
from ddsp_match.core.errors import ConfigError, PitchError
from ddsp_match.edits.notes import QUIET_DB, notes
from ddsp_match.edits.separate import separate
from ddsp_match.exports.formats.wav_chunks import wavetable_chunk, write_wav
from ddsp_match.exports.formats.wavetable import (
    ERROR_DB,
    FRAME_SIZE,
    FRAME_SIZES,
    MOST_PERIODS,
    SAMPLE_RATE,
    choose,
    periods,
    wt_bytes,
)
from ddsp_match.exports.midi import check_follows_pitch
from ddsp_match.patch import Patch


def export_wavetable(
    patch: Patch,
    out: Path,
    *,
    frames: int = MOST_PERIODS,
    frame_size: int = FRAME_SIZE,
    keep_levels: bool = False,
    bits: int = 32,
    on_note: OnNote | None = None,
) -> list[Path]:
    """Writes a wavetable.

    Args:
        patch: Whose harmonics to take; noise and what lies between them is left out, and so is what is no note.
        out: File to write: in Surge's own format where it ends in ``.wt``, else a WAV.
        frames: Periods to take at most, 1 to 256: those between which the spectrum changes most, and no more than it
            takes for every moment to lie within `ERROR_DB` of a place in the table.
        frame_size: Samples a period, one of `FRAME_SIZES`.
        keep_levels: Let each period be as loud as it is in the sound; else all have the same peak.
        bits: 16 or 32 (floating point).
        on_note: Told how many periods there are.

    Raises:
        ConfigError: An option is out of range.
        PitchError: The patch has no pitch, or nothing in it can be heard.
    """
    if not 1 <= frames <= MOST_PERIODS:
        raise ConfigError(f"{frames} frames", where="export to wavetable", needed=f"1 to {MOST_PERIODS}")
    if frame_size not in FRAME_SIZES:
        sizes = ", ".join(map(str, FRAME_SIZES))
        raise ConfigError(f"frames of {frame_size} samples", where="export to wavetable", needed=f"one of {sizes}")
    if bits not in (16, 32):
        raise ConfigError(f"{bits} bits", where="export to wavetable", needed="16 or 32")
    check_follows_pitch(patch, "wavetable")
    # Rests, breaths and consonants have no period.
    spans = [np.arange(note.first, note.last) for note in notes(patch.controls, patch.timebase)]
    if not spans:
        raise PitchError(
            "nothing with a pitch that can be heard",
            where="export to wavetable",
            needed="a note of 40 ms or more",
            hint="--to sfz, which plays any sound",
        )
    amplitudes = harmonics(patch)[np.concatenate(spans)]
    levels = np.linalg.norm(amplitudes, axis=1, keepdims=True)
    # At the edge of a note, noise may be all that still sounds.
    sounding = levels[:, 0] > levels.max() * 10 ** (QUIET_DB / 20)
    amplitudes, levels = amplitudes[sounding], levels[sounding]
    chosen = choose(amplitudes / (levels.max() if keep_levels else levels), frames)
    waves = periods(amplitudes[chosen], frame_size, keep_levels=keep_levels)
    if out.suffix.lower() == ".wt":
        out.write_bytes(wt_bytes(waves, bits))
    else:
        write_wav(out, waves.reshape(1, -1), SAMPLE_RATE, bits, [wavetable_chunk(frame_size)])
    if on_note is not None:
        count = f"{len(chosen)} periods" if len(chosen) > 1 else "1 period"
        near = f", {-ERROR_DB:g} dB above what they leave out" if len(chosen) < frames else ""
        on_note(f"{count} of {frame_size} samples{near}")
    return [out]


def harmonics(patch: Patch) -> np.ndarray:
    """The amplitude of each harmonic in each frame, ``(frames, harmonics)``: of channels the mean power."""
    controls = separate(patch.controls, patch.timebase)
    step = controls.divisions
    partials = controls.partial_amplitudes[:, step - 1 :: step]
    numbers = np.arange(1, partials.shape[1] + 1).reshape(1, -1, 1)
    audible = controls.f0_hz.unsqueeze(1).numpy() * numbers < patch.timebase.nyquist_hz
    return np.sqrt(np.square(partials.double().numpy() * audible).mean(0)).T
