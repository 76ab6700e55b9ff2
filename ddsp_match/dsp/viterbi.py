"""The best path through a grid of states, where neighbouring states follow each other."""

from __future__ import annotations

import numpy as np


def best_path(scores: np.ndarray, step_scores: np.ndarray, jump_score: float = -np.inf) -> np.ndarray:
    """The sequence of states with the largest sum of scores (Viterbi's algorithm on log-probabilities).

    Args:
        scores: ``(frames, states)``: how well each state explains each frame.
        step_scores: ``(2 reach + 1,)``: what a step of ``-reach … reach`` states from one frame to the next
            adds.
        jump_score: What any longer step adds.

    Returns:
        ``(frames,)`` indices of states.
    """
    frames, states = scores.shape
    if frames == 0:
        return np.zeros(0, dtype=np.int64)
    reach = len(step_scores) // 2
    # Window i of the padded totals holds the states i - reach … i + reach, from which state i is reached.
    padded = np.full(states + 2 * reach, -np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    steps_from = step_scores[::-1].astype(float)
    index = np.arange(states)
    came_from = np.empty((frames, states), dtype=np.int16 if states < 2**15 else np.int32)
    total = scores[0].astype(float)
    for frame in range(1, frames):
        padded[reach : reach + states] = total
        reached = windows + steps_from
        best = reached.argmax(1)
        value = reached[index, best]
        previous = index + best - reach
        top = int(total.argmax())
        jumped = total[top] + jump_score
        jumps = value < jumped
        came_from[frame] = np.where(jumps, top, previous)
        total = np.where(jumps, jumped, value) + scores[frame]
    path = np.empty(frames, dtype=np.int64)
    path[-1] = total.argmax()
    for frame in range(frames - 1, 0, -1):
        path[frame - 1] = came_from[frame, path[frame]]
    return path
