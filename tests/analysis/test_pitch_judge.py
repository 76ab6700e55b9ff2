"""One octave for a note."""

from __future__ import annotations

import numpy as np

from ddsp_match.analysis.pitch_judge import settle_octaves


def case(level_db: np.ndarray, better: int) -> np.ndarray:
    """A path that leaves state 100 for its octave, 160, half way; the scores favour one on the whole."""
    path = np.repeat([100, 160], 30)
    scores = np.zeros((60, 300))
    scores[:, better] = 1.0
    scores[30:, 160] += 1.2 if better == 100 else 0.0
    return settle_octaves(path, scores, level_db)


def test_a_jump_within_a_note_is_undone() -> None:
    decay = np.linspace(-10, -40, 60)
    assert (case(decay, better=100) == 100).all()


def test_the_whole_note_may_move() -> None:
    assert (case(np.full(60, -10.0), better=160) == 160).all()


def test_an_onset_makes_it_a_new_note() -> None:
    level_db = np.where(np.arange(60) < 30, -30.0, -10.0)
    assert case(level_db, better=100).tolist() == [100] * 30 + [160] * 30


def test_another_interval_is_a_new_note() -> None:
    path = np.repeat([100, 145], 30)  # a major sixth
    scores = np.zeros((60, 300))
    scores[:, 100] = 1.0
    assert (settle_octaves(path, scores, np.full(60, -10.0)) == path).all()
