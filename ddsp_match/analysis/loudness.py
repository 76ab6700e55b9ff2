"""A-weighted loudness, frame by frame."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float

from ddsp_match.core.timebase import Timebase
from ddsp_match.dsp.loudness_weighting import a_weighting_power

FLOOR_DB = -120.0
WINDOW_S = 0.064
FRAMES_AT_ONCE = 1024


def a_weighted_loudness(samples: np.ndarray, timebase: Timebase) -> Float[torch.Tensor, "channels frames"]:
    """The A-weighted level around each frame in dB relative to full scale, never below -120.

    It is a root mean square: a full-scale sine at 1 kHz has -3 dB.

    Args:
        samples: ``(channels, n)`` float32.
        timebase: The frames.
    """
    channels, n_samples = samples.shape
    n_frames = timebase.frames(n_samples)
    size = 1 << max(4, int(np.ceil(np.log2(WINDOW_S * timebase.sample_rate))))
    window = torch.hann_window(size)
    frequencies_hz = torch.fft.rfftfreq(size, 1 / timebase.sample_rate)
    # Parseval: every bin but the first and the last stands for its mirror image, too.
    weight = a_weighting_power(frequencies_hz) * 2 / (size * window.square().sum())
    weight[-1] /= 2
    sound = torch.from_numpy(np.ascontiguousarray(samples, dtype=np.float32))
    missing = timebase.samples(n_frames) + size - size // 2 - n_samples
    padded = torch.nn.functional.pad(sound, (size // 2, max(0, missing)))
    result = torch.empty(channels, n_frames)
    for start in range(0, n_frames, FRAMES_AT_ONCE):
        stop = min(start + FRAMES_AT_ONCE, n_frames)
        piece = padded[:, timebase.centre(start) : timebase.centre(stop - 1) + size]
        spectrum = torch.fft.rfft(piece.unfold(1, size, timebase.hop) * window)
        power = (spectrum.real.square() + spectrum.imag.square()) @ weight
        result[:, start:stop] = 10 * torch.log10(power.clamp_min(10 ** (FLOOR_DB / 10)))
    return result
