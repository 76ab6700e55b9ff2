"""Adam's compiled step, in one pass over the numbers; imported on first use, for numba takes half a second."""

from __future__ import annotations

import numba
import numpy as np

ROWS, NUMBERS = numba.float32[:, ::1], numba.float32[::1]


@numba.njit(
    numba.void(
        ROWS, ROWS, ROWS, ROWS, numba.boolean[::1], NUMBERS, NUMBERS, NUMBERS, NUMBERS,
        numba.float32, numba.float32, numba.float32,
    ),
    cache=True, nogil=True, fastmath={"contract"}, error_model="numpy",
)  # fmt: skip
def step(places, slopes, means, squares, moving, gains, rates, shrinks, kept, first, second, epsilon):  # noqa: D103
    fresh, fresh_square = np.float32(1) - first, np.float32(1) - second
    for row in range(places.shape[0]):
        if not moving[row]:
            continue
        place, slope, mean, square = places[row], slopes[row], means[row], squares[row]
        gain, rate, shrink, keep = gains[row], rates[row], shrinks[row], kept[row]
        for i in range(place.shape[0]):
            g = gain * slope[i]
            m = mean[i] + fresh * (g - mean[i])
            s = second * square[i] + fresh_square * (g * g)
            mean[i], square[i] = m, s
            place[i] = keep * place[i] - rate * (m / (np.sqrt(s) * shrink + epsilon))
