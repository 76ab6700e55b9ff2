"""Pitch from CREPE for a sound at any sample rate, on our frame grid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import soxr
import torch

from ddsp_match.analysis.contour import at_times
from ddsp_match.analysis.crepe_network import crepe_network
from ddsp_match.analysis.decode import DecodedPitch, decode
from ddsp_match.core.timebase import Timebase

CREPE_RATE, CREPE_FRAME_RATE = 16000, 100.0


def crepe_activations(
    samples: np.ndarray,
    sample_rate: int,
    model: str = "full",
    progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """CREPE's activations ``(frames, 360)``, one row every 10 ms.

    Args:
        samples: ``(n,)`` float32.
        sample_rate: Its rate in Hz.
        model: ``full`` or ``tiny``.
        progress: Called with the frames done and their total.
    """
    samples = np.asarray(samples, dtype=np.float32)
    mean = samples.mean(dtype=np.float64)
    if abs(mean) > 1e-3 * samples.std(dtype=np.float64):
        # Each frame loses its mean anyway; a large one would only cost precision on the way.
        samples = (samples - mean).astype(np.float32)
    if sample_rate != CREPE_RATE:
        samples = soxr.resample(samples, sample_rate, CREPE_RATE)
    return crepe_network(model).activations(torch.from_numpy(np.ascontiguousarray(samples)), progress).numpy()


def crepe_pitch(
    samples: np.ndarray,
    timebase: Timebase,
    model: str = "full",
    progress: Callable[[int, int], None] | None = None,
) -> DecodedPitch:
    """CREPE's own pitch at each frame of the timebase, unchecked."""
    activations = crepe_activations(samples, timebase.sample_rate, model, progress)
    return on_frame_grid(decode(activations), timebase, timebase.frames(len(samples)))


def on_frame_grid(pitch: DecodedPitch, timebase: Timebase, n_frames: int) -> DecodedPitch:
    """A pitch given every 10 ms, at the times of our frames, which may lie a little closer or wider."""
    positions = np.asarray(timebase.times(n_frames)) * CREPE_FRAME_RATE
    periodicity = np.interp(positions, np.arange(len(pitch.f0_hz)), pitch.periodicity)
    return DecodedPitch(at_times(pitch.f0_hz, positions), periodicity)
