"""A patch as a wavetable: single periods of its harmonics, as wavetable synthesizers read them."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from ddsp_match.core.callbacks import OnNote
from ddsp_match.core.errors import PitchError
from ddsp_match.edits.notes import QUIET_DB, notes
from ddsp_match.edits.stems import separated_controls
from ddsp_match.exports.midi import check_follows_pitch
from ddsp_match.exports.wav_chunks import wavetable_chunk, write_wav
from ddsp_match.patch import Patch

FRAME_SIZES = (256, 512, 1024, 2048)  # samples a period; each is a power of two, as synthesizers need it
FRAME_SIZE = 2048  # the one that all of them read
MOST_PERIODS = 256
ERROR_DB = -20.0
PEAK = 0.99
# Periods are played at whatever pitch: the rate in the file's head means nothing, and this is the usual one.
SAMPLE_RATE = 44_100
WT_INT16, WT_FULL_RANGE = 0x0004, 0x0008  # flags of a .wt: the samples are whole numbers, and 2**15 is full scale


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
        frames: Periods to take at most, 1 to 256: the timbre frames of the tone that a patch holds. Of one that holds
            none, or more, those between which the spectrum changes most, and no more than it takes for every moment to
            lie within `ERROR_DB` of a place in the table.
        frame_size: Samples a period, one of `FRAME_SIZES`.
        keep_levels: Let each period be as loud as it is in the sound; else all have the same peak.
        bits: 16 or 32 (floating point).
        on_note: Told how many periods there are.

    Raises:
        PitchError: The patch has no pitch, or nothing in it can be heard.
    """
    check_follows_pitch(patch, "wavetable")
    # Rests, breaths and consonants have no period.
    spans = [np.arange(note.first, note.last) for note in notes(patch.controls, patch.timebase)]
    if not spans:
        raise PitchError(
            "nothing with a pitch that can be heard",
            where="export to wavetable",
            needed="a note of 40 ms or more",
            hint="an export to sfz, which plays any sound",
        )
    moments = np.concatenate(spans)
    amplitudes = harmonics(patch)[moments]
    levels = np.linalg.norm(amplitudes, axis=1, keepdims=True)
    # At the edge of a note, noise may be all that still sounds.
    sounding = levels[:, 0] > levels.max() * 10 ** (QUIET_DB / 20)
    moments, amplitudes, levels = moments[sounding], amplitudes[sounding], levels[sounding]
    chosen = stored = np.flatnonzero(np.isin(moments, _knots(patch)))
    if not 0 < len(stored) <= frames:
        chosen = choose(amplitudes / (levels.max() if keep_levels else levels), frames)
    waves = periods(amplitudes[chosen], frame_size, keep_levels=keep_levels)
    if out.suffix.lower() == ".wt":
        out.write_bytes(wt_bytes(waves, bits))
    else:
        write_wav(out, waves.reshape(1, -1), SAMPLE_RATE, bits, [wavetable_chunk(frame_size)])
    if on_note is not None:
        count = f"{len(chosen)} periods" if len(chosen) > 1 else "1 period"
        near = f", {-ERROR_DB:g} dB above what they leave out" if len(chosen) < frames else ""
        near = ", the timbre frames that the patch holds" if chosen is stored else near
        on_note(f"{count} of {frame_size} samples{near}")
    return [out]


def _knots(patch: Patch) -> list[int]:
    """The frames at which a patch stores the timbre of its tone; none where it stores all of them."""
    voices = () if patch.frames is None else patch.frames.voices
    return [int(time) for voice in voices for time in voice.tone.times]


def harmonics(patch: Patch) -> np.ndarray:
    """The amplitude of each harmonic in each frame, ``(frames, harmonics)``: of channels the mean power."""
    controls = separated_controls(patch)
    step = controls.divisions
    partials = controls.partial_amplitudes[:, step - 1 :: step]
    numbers = np.arange(1, partials.shape[1] + 1).reshape(1, -1, 1)
    audible = controls.f0_hz.unsqueeze(1).numpy() * numbers < patch.timebase.nyquist_hz
    return np.sqrt(np.square(partials.double().numpy() * audible).mean(0)).T


def choose(
    spectra: Float[np.ndarray, "frames harmonics"], most: int, error_db: float = ERROR_DB
) -> Int[np.ndarray, " chosen"]:
    """The frames whose spectra tell the others, in order: a synthesizer glides from one to the next in a straight line.

    Begins with the strongest and adds, one by one, the frame that lies farthest from any place between its chosen
    neighbours (Ramer 1972, Douglas and Peucker 1973), until all lie near enough.

    Args:
        spectra: Linear amplitudes, at least one frame.
        most: Frames to choose at most, 1 or more.
        error_db: How far a frame may lie off, relative to the strongest spectrum.
    """
    strength = np.linalg.norm(spectra, axis=1)
    chosen = [int(strength.argmax())]
    off = np.linalg.norm(spectra - spectra[chosen[0]], axis=1)
    while len(chosen) < most and off.max() > strength.max() * 10 ** (error_db / 20):
        new = int(off.argmax())
        before = max((k for k in chosen if k < new), default=None)
        after = min((k for k in chosen if k > new), default=None)
        for start, stop, other in ((before, new, before), (new, after, after)):
            inside = slice(0 if start is None else start, stop)
            off[inside] = _from_line(spectra[inside], spectra[new], spectra[new if other is None else other])
        chosen.append(new)
    return np.sort(chosen)


def _from_line(points: np.ndarray, a: np.ndarray, b: np.ndarray) -> Float[np.ndarray, " points"]:
    """Distance of each point from the straight line between two others."""
    way = b - a
    share = np.clip((points - a) @ way / max(float(way @ way), 1e-30), 0, 1)
    return np.linalg.norm(points - a - share[:, None] * way, axis=1)


def periods(
    amplitudes: Float[np.ndarray, "periods harmonics"], frame_size: int = FRAME_SIZE, *, keep_levels: bool = False
) -> Float[np.ndarray, "periods samples"]:
    """One period for each spectrum, of sines that all start at zero.

    So each period begins at zero, has no constant part, and fits to any other without a click.

    Args:
        amplitudes: Linear amplitude of each harmonic, the fundamental first; those that a period has no room for, from
            half its samples on, are dropped.
        frame_size: Samples a period, even.
        keep_levels: Let each period be as loud as it is, the loudest at the peak; else all have the same peak.
    """
    kept = np.asarray(amplitudes, np.float64)[:, : frame_size // 2 - 1]
    spectrum = np.zeros((len(kept), frame_size // 2 + 1), np.complex128)
    spectrum[:, 1 : 1 + kept.shape[1]] = -0.5j * frame_size * kept
    waves = np.fft.irfft(spectrum, n=frame_size)
    peaks = np.abs(waves).max(1, keepdims=True)
    loudest = peaks.max(initial=0.0)
    return PEAK * waves / np.maximum(loudest if keep_levels else peaks, max(1e-9 * loudest, 1e-30))


def wt_bytes(waves: Float[np.ndarray, "periods samples"], bits: int) -> bytes:
    """A ``.wt`` file, as Surge XT describes it ("WT fileformat.txt" beside its factory wavetables).

    Args:
        waves: At most 512 periods of 2 to 4096 samples, a power of two; full scale at ±1.
        bits: 16 or 32 (floating point).
    """
    count, size = waves.shape
    flags = WT_INT16 | WT_FULL_RANGE if bits == 16 else 0
    samples = np.round(waves * 2**15).astype("<i2") if bits == 16 else waves.astype("<f4")
    return b"vawt" + struct.pack("<IHH", size, count, flags) + samples.tobytes()
