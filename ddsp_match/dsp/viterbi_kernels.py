"""The compiled loop of Viterbi's algorithm; imported on first use, for numba takes a while. Everything is float64."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def path_through(scores, steps, jump_score):  # noqa: D103
    frames, states = scores.shape
    reach = len(steps) // 2
    padded = np.full(states + 2 * reach, -np.inf)
    came_from = np.empty((frames, states), np.int32)
    value, best = np.empty(states), np.empty(states, np.int32)
    total = scores[0].copy()
    for frame in range(1, frames):
        padded[reach : reach + states] = total
        value[:] = -np.inf
        best[:] = 0
        # Steps outside, states inside: the inner loop runs in vector lanes. The first of equals stays.
        for step in range(len(steps)):
            for state in range(states):
                candidate = padded[state + step] + steps[step]
                better = candidate > value[state]
                value[state] = candidate if better else value[state]
                best[state] = step if better else best[state]
        # A jump costs the same from anywhere, so it starts at the best state: O(states · reach), not O(states²).
        top = total.argmax()
        jumped = total[top] + jump_score
        for state in range(states):
            jumps = value[state] < jumped
            came_from[frame, state] = top if jumps else state + best[state] - reach
            total[state] = (jumped if jumps else value[state]) + scores[frame, state]
    path = np.empty(frames, np.int64)
    path[-1] = total.argmax()
    for frame in range(frames - 1, 0, -1):
        path[frame - 1] = came_from[frame, path[frame]]
    return path
