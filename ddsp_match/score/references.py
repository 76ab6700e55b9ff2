"""References that tell what a figure means: silence, and white noise as loud as it is."""

from __future__ import annotations

import numpy as np

from ddsp_match.core.audio import Audio
from ddsp_match.score.card import SILENCE, WHITE_NOISE

NOISE_SEED = 20_240_917  # any number that no fit draws its noise with


def references(target: Audio) -> dict[str, Audio]:
    """The matches of somebody who did not listen, by the name of the ceiling that they give.

    Returns:
        ``silence``, and ``white noise``: Gaussian, each channel with the root mean square of the target's, drawn from a
        fixed seed.
    """
    rng = np.random.default_rng(NOISE_SEED)
    rms = np.sqrt(np.square(target.samples, dtype=np.float64).mean(1, keepdims=True))
    noise = rng.standard_normal(target.samples.shape, dtype=np.float32)
    noise *= rms / np.sqrt(np.square(noise, dtype=np.float64).mean(1, keepdims=True))
    return {
        SILENCE: Audio(np.zeros_like(target.samples), target.sample_rate),
        WHITE_NOISE: Audio(noise, target.sample_rate),
    }
