"""Two tracks of f0 against each other."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

OCTAVE_CENTS, TOLERANCE_CENTS = 1200.0, 50.0


def f0_agreement(
    target_hz: Float[np.ndarray, " frames"],
    target_voiced: Bool[np.ndarray, " frames"],
    match_hz: Float[np.ndarray, " frames"],
    match_voiced: Bool[np.ndarray, " frames"],
) -> dict[str, float]:
    """How far the f0 of a match is from its target's.

    Args:
        target_hz: f0 of the target in Hz, positive everywhere.
        target_voiced: Frames that are voiced.
        match_hz: f0 of the match.
        match_voiced: Frames that are voiced.

    Returns:
        ``voicing_agreement``, the share of frames that are voiced in both or in neither; and, where any frame is voiced
        in both, over those: ``f0_l1_cents``, the mean absolute difference, and ``octave_errors``, the share that lies
        within 50 cents of a whole number of octaves other than 0. This is mir_eval's raw chroma accuracy less its raw
        pitch accuracy.
    """
    figures = {"voicing_agreement": float(np.mean(target_voiced == match_voiced))}
    both = target_voiced & match_voiced
    if both.any():
        cents = OCTAVE_CENTS * np.log2(match_hz[both].astype(np.float64) / target_hz[both])
        octaves = np.round(cents / OCTAVE_CENTS)
        near = np.abs(cents - OCTAVE_CENTS * octaves) <= TOLERANCE_CENTS
        figures["f0_l1_cents"] = float(np.abs(cents).mean())
        figures["octave_errors"] = float(np.mean(near & (octaves != 0)))
    return figures
