"""The compiled loops of the search for knots; imported on first use, for numba takes a while. Everything is float64."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def line_costs(values, weights, longest):  # noqa: D103
    frames, dims = values.shape
    costs = np.full((frames, longest + 1), np.inf)
    # Running sums make the error of any line a matter of six differences.
    sums = np.zeros((6, frames + 1))
    for dim in range(dims):
        for t in range(frames):
            w, x = weights[t, dim], values[t, dim]
            sums[0, t + 1] = sums[0, t] + w
            sums[1, t + 1] = sums[1, t] + w * t
            sums[2, t + 1] = sums[2, t] + w * t * t
            sums[3, t + 1] = sums[3, t] + w * x
            sums[4, t + 1] = sums[4, t] + w * x * t
            sums[5, t + 1] = sums[5, t] + w * x * x
        for i in range(frames):
            for length in range(1, min(longest, frames - 1 - i) + 1):
                j = i + length
                slope = (values[j, dim] - values[i, dim]) / length
                start = values[i, dim] - slope * i
                error = (
                    (sums[5, j] - sums[5, i])
                    - 2 * start * (sums[3, j] - sums[3, i])
                    - 2 * slope * (sums[4, j] - sums[4, i])
                    + start * start * (sums[0, j] - sums[0, i])
                    + 2 * start * slope * (sums[1, j] - sums[1, i])
                    + slope * slope * (sums[2, j] - sums[2, i])
                )
                if dim == 0:
                    costs[i, length] = max(error, 0.0)
                else:
                    costs[i, length] += max(error, 0.0)
    return costs


@numba.njit(cache=True, nogil=True)
def cheapest(costs, price):  # noqa: D103
    frames, longest = costs.shape[0], costs.shape[1] - 1
    total = np.empty(frames)
    came_from = np.zeros(frames, np.int64)
    total[0] = price
    for j in range(1, frames):
        best, at = np.inf, j - 1
        for length in range(1, min(j, longest) + 1):
            candidate = total[j - length] + costs[j - length, length]
            if candidate < best:
                best, at = candidate, j - length
        total[j], came_from[j] = best + price, at
    count, t = 1, frames - 1
    while t > 0:
        t = came_from[t]
        count += 1
    knots = np.empty(count, np.int64)
    t = frames - 1
    for place in range(count - 1, -1, -1):
        knots[place] = t
        t = came_from[t]
    return knots, total[frames - 1]


@numba.njit(cache=True, nogil=True)
def solve_tridiagonal(diagonal, beside, right):  # noqa: D103
    # Thomas' algorithm for a symmetric, diagonally dominant system in each row.
    rows, size = diagonal.shape
    solution = np.empty((rows, size))
    ratio = np.empty(size)
    for row in range(rows):
        pivot = diagonal[row, 0]
        solution[row, 0] = right[row, 0] / pivot
        for k in range(1, size):
            ratio[k] = beside[row, k - 1] / pivot
            pivot = diagonal[row, k] - beside[row, k - 1] * ratio[k]
            solution[row, k] = (right[row, k] - beside[row, k - 1] * solution[row, k - 1]) / pivot
        for k in range(size - 2, -1, -1):
            solution[row, k] -= ratio[k + 1] * solution[row, k + 1]
    return solution
