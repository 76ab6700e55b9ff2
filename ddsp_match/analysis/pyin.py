"""Pitch from librosa's pYIN, as activations on our pitch grid, so that it is judged as CREPE's is."""

from __future__ import annotations

import numpy as np

from ddsp_match.analysis.pitch_grid import PitchGrid

SPREAD_BINS = 1.25  # the width that CREPE's own activations have, 25 cents


def pyin_activations(samples: np.ndarray, sample_rate: int, hop: int, grid: PitchGrid) -> np.ndarray:
    """Activations ``(frames, pitches)``: a bump of the height of pYIN's voicing probability at its pitch.

    Args:
        samples: ``(n,)``.
        sample_rate: In Hz.
        hop: Samples between frames; frame ``k`` is centred on sample ``k * hop``.
        grid: The pitches.
    """
    import librosa  # takes a second, which no other source of f0 should pay

    low_hz, high_hz = float(grid.hz[0]), float(min(grid.hz[-1], 0.45 * sample_rate))
    length = 1 << int(np.ceil(np.log2(max(4 * sample_rate / low_hz, 4 * hop))))
    n_frames = 1 + len(samples) // hop
    padded = np.pad(samples, (0, max(0, length - len(samples))))
    f0_hz, _, probability = librosa.pyin(
        padded, fmin=low_hz, fmax=high_hz, sr=sample_rate, frame_length=length, hop_length=hop, fill_na=low_hz
    )
    distance = np.arange(grid.n_bins) - (60.0 * np.log2(f0_hz[:n_frames] / grid.hz[0]))[:, None]
    bump = np.exp(-0.5 * (distance / SPREAD_BINS) ** 2)
    return (probability[:n_frames, None] * bump).astype(np.float32)
