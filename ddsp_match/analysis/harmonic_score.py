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
    from ddsp_match.analysis import partial_kernels as kernels

    strength, share = (np.ascontiguousarray(part.T) for part in (partials.strength, partials.share))
    intervals = np.round(1200.0 / CELL_CENTS * np.log2(np.arange(HARMONICS, 0, -1))).astype(int)
    cells = np.round(cell_of(candidates_hz)).astype(int)[:, None] + intervals
    cells[cells >= len(strength)] = -1
    explained, missing, shares = np.empty((3, len(cells), strength.shape[1]), dtype=np.float32)
    kernels.harmonics(strength, share, cells, explained, missing, shares)
    total = np.maximum(partials.total, 1.0)
    return ((explained - MISSING_COST * missing) / total).T, np.minimum(shares, 1.0).T
