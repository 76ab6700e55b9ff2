"""Pitch from librosa's pYIN, as activations on our pitch grid, so that the judge treats it as CREPE's."""

from __future__ import annotations

import numpy as np
import soxr

from ddsp_match.analysis.pitch_grid import PitchGrid

HIGH_HZ, FINER = 1500.0, 4
SPREAD_BINS = 1.25  # the width that CREPE's own activations have, 25 cents


def pyin_activations(samples: np.ndarray, sample_rate: int, hop: int, grid: PitchGrid) -> np.ndarray:
    """Activations ``(frames, pitches)``: a bump of the height of pYIN's voicing probability at its pitch.

    Args:
        samples: ``(n,)``.
        sample_rate: In Hz.
        hop: Samples between frames; frame ``k`` is centred on sample ``k * hop``.
        grid: The pitches.
    """
    whole = _activations(samples, sample_rate, hop, grid, float(grid.hz[0]))
    if grid.hz[-1] <= HIGH_HZ:
        return whole
    # A window for the lowest pitch is too long for a high one that moves, and takes a multiple of its period for it.
    # Its period is a few samples long, between which pYIN sees too little.
    finer = soxr.resample(samples, sample_rate, FINER * sample_rate)
    high = _activations(finer, FINER * sample_rate, FINER * hop, grid, HIGH_HZ)[: len(whole)]
    return np.maximum(high, whole * (1 - high.max(1, keepdims=True)))


def _activations(samples: np.ndarray, sample_rate: int, hop: int, grid: PitchGrid, low_hz: float) -> np.ndarray:
    """Return the activations of pitches above `low_hz` alone, with a window as long as that needs."""
    import librosa  # takes a second, which no other source of f0 should pay

    high_hz = float(min(grid.hz[-1], 0.45 * sample_rate))
    length = 1 << int(np.ceil(np.log2(max(4 * sample_rate / low_hz, 2 * hop))))
    n_frames = 1 + len(samples) // hop
    padded = np.pad(samples, (0, max(0, length - len(samples))))
    f0_hz, _, probability = librosa.pyin(
        padded, fmin=low_hz, fmax=high_hz, sr=sample_rate, frame_length=length, hop_length=hop, fill_na=low_hz
    )
    distance = np.arange(grid.n_bins) - (60.0 * np.log2(f0_hz[:n_frames] / grid.hz[0]))[:, None]
    bump = np.exp(-0.5 * (distance / SPREAD_BINS) ** 2)
    return (probability[:n_frames, None] * bump).astype(np.float32)
