"""Find the best path through a grid of states by Viterbi's algorithm, with bounded steps and rare jumps.

Source: A. J. Viterbi, "Error bounds for convolutional codes", IEEE Trans. Information Theory 13(2), 1967.
"""

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
    if len(scores) == 0:
        return np.zeros(0, dtype=np.int64)
    from ddsp_match.dsp.viterbi_kernels import path_through

    # Turned around: entry i is what the step from state j + i - reach to state j adds.
    steps = np.ascontiguousarray(step_scores[::-1], dtype=np.float64)
    return path_through(np.ascontiguousarray(scores, dtype=np.float64), steps, float(jump_score))
