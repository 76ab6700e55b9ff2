"""Fit the level of each of several sounds to a target, and measure the residual."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def levelled(
    tries: Float[np.ndarray, "tries ..."], goal: np.ndarray
) -> tuple[Float[np.ndarray, " tries"], Float[np.ndarray, " tries"]]:
    """Return the level at which each try comes nearest to a sound, and the error-to-signal ratio at that level."""
    rows, wet = tries.reshape(len(tries), -1), goal.reshape(-1)
    shared = rows @ wet
    levels = shared / np.maximum(np.square(rows).sum(1), 1e-30)
    return levels, 1 - levels * shared / max(float(np.square(wet).sum()), 1e-30)
