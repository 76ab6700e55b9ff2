"""Wavetables: single periods of a sound, one after the other, as wavetable synthesizers read them."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

PERIOD = 2048  # samples; the length that all of them read
MOST_HARMONICS = PERIOD // 2 - 1
MOST_PERIODS = 256
PEAK = 0.99
# Periods are played at whatever pitch: the rate in the file's head means nothing, and this is the usual one.
SAMPLE_RATE = 44_100


def periods(
    amplitudes: Float[np.ndarray, "periods harmonics"], *, keep_levels: bool = False
) -> Float[np.ndarray, "periods samples"]:
    """One period for each spectrum, of sines that all start at zero.

    So each period begins at zero, has no constant part, and fits to any other without a click.

    Args:
        amplitudes: Linear amplitude of each harmonic, the fundamental first; those beyond `MOST_HARMONICS` are dropped.
        keep_levels: Let each period be as loud as it is, the loudest at the peak; else all have the same peak.
    """
    kept = np.asarray(amplitudes, np.float64)[:, :MOST_HARMONICS]
    spectrum = np.zeros((len(kept), PERIOD // 2 + 1), np.complex128)
    spectrum[:, 1 : 1 + kept.shape[1]] = -0.5j * PERIOD * kept
    waves = np.fft.irfft(spectrum, n=PERIOD)
    peaks = np.abs(waves).max(1, keepdims=True)
    loudest = peaks.max(initial=0.0)
    return PEAK * waves / np.maximum(loudest if keep_levels else peaks, max(1e-9 * loudest, 1e-30))
