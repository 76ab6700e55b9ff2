"""Wavetables: single periods of a sound, one after the other, as wavetable synthesizers read them."""

from __future__ import annotations

import struct

import numpy as np
from jaxtyping import Float, Int

FRAME_SIZES = (256, 512, 1024, 2048)  # samples a period; each is a power of two, as synthesizers need it
FRAME_SIZE = 2048  # the one that all of them read
MOST_PERIODS = 256
ERROR_DB = -20.0
PEAK = 0.99
# Periods are played at whatever pitch: the rate in the file's head means nothing, and this is the usual one.
SAMPLE_RATE = 44_100
WT_INT16, WT_FULL_RANGE = 0x0004, 0x0008  # flags of a .wt: the samples are whole numbers, and 2**15 is full scale


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
