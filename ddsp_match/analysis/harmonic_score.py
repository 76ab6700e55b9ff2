"""How well the harmonics of each candidate pitch explain the partials that were heard."""

from __future__ import annotations

import numpy as np

from ddsp_match.analysis.spectral_peaks import CELL_CENTS, PartialMap, cell_of

HARMONICS = 36
MISSING_COST = 0.35


def harmonic_scores(partials: PartialMap, candidates_hz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores up to 1, and the shares of the frame's power explained, both ``(frames, candidates)``.

    A candidate gains the share of the partials that its harmonics explain, and pays for the harmonics that
    are not there although higher ones are: without the first, an octave above would win, without the second,
    every octave below.

    Args:
        partials: What was heard.
        candidates_hz: ``(candidates,)`` pitches.
    """
    n_cells = partials.strength.shape[1]
    base = np.round(cell_of(candidates_hz)).astype(int)
    explained = np.zeros((len(partials.total), len(base)), dtype=np.float32)
    missing = np.zeros_like(explained)
    envelope = np.zeros_like(explained)
    share = np.zeros_like(explained)
    strength = np.pad(partials.strength, ((0, 0), (0, 1)))
    shares = np.pad(partials.share, ((0, 0), (0, 1)))
    for harmonic in range(HARMONICS, 0, -1):
        cells = base + round(1200.0 / CELL_CENTS * np.log2(harmonic))
        cells = np.where((cells >= 0) & (cells < n_cells), cells, n_cells)
        found = strength[:, cells]
        share += shares[:, cells]
        np.maximum(envelope, found, out=envelope)
        explained += found
        missing += envelope - found
    total = np.maximum(partials.total, 1.0)[:, None]
    return (explained - MISSING_COST * missing) / total, np.minimum(share, 1.0)
