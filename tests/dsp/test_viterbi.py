"""Viterbi's path is the best of all paths."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from ddsp_match.dsp.viterbi import best_path

STEPS = np.array([-1.5, -0.2, 0.0, -0.4, -1.7])  # not symmetric: up and down must not be confused


def total(path: tuple[int, ...], scores: np.ndarray, jump: float) -> float:
    value = scores[0, path[0]]
    for frame in range(1, len(path)):
        step = path[frame] - path[frame - 1]
        value += scores[frame, path[frame]] + max(STEPS[step + 2] if abs(step) <= 2 else -np.inf, jump)
    return value


@pytest.mark.parametrize("jump", [-np.inf, -1.0, -5.0])
def test_the_path_is_the_best_of_all(jump: float) -> None:
    random = np.random.default_rng(3)
    for _ in range(10):
        scores = random.normal(size=(4, 6)) * 2
        best = max(product(range(6), repeat=4), key=lambda path: total(path, scores, jump))
        assert best_path(scores, STEPS, jump).tolist() == list(best)


def test_one_frame_and_none() -> None:
    assert best_path(np.array([[0.0, 3.0, 1.0]]), STEPS).tolist() == [1]
    assert best_path(np.zeros((0, 3)), STEPS).tolist() == []
