"""How much of a sound each of several others explains, whatever their levels."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def levelled(
    tries: Float[np.ndarray, "tries ..."], goal: np.ndarray
) -> tuple[Float[np.ndarray, " tries"], Float[np.ndarray, " tries"]]:
    """The level at which each try comes nearest to a sound, and the error-to-signal ratio that is then left."""
    rows, wet = tries.reshape(len(tries), -1), goal.reshape(-1)
    shared = rows @ wet
    levels = shared / np.maximum(np.square(rows).sum(1), 1e-30)
    return levels, 1 - levels * shared / max(float(np.square(wet).sum()), 1e-30)
