"""Unrelated sounds are told from pairs of a sound and what a drastic effect left of it."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_match.analysis.relation import explains
from tests.analysis.test_alignment import RATE, moved, noise, plucks


def ring(x: np.ndarray) -> np.ndarray:
    return x * np.sin(2 * np.pi * 300 * np.arange(x.shape[1]) / RATE)


def chorus(x: np.ndarray) -> np.ndarray:
    n = np.arange(x.shape[1])
    return np.interp(n - 100 - 60 * np.sin(2 * np.pi * 0.8 * n / RATE), n, x[0])[None]


@pytest.mark.parametrize(
    ("effect", "kind"),
    [
        (lambda x: 0.1 * x, "wave"),
        (np.abs, "shape"),
        (lambda x: np.sign(x) * np.abs(x) ** 0.1, "shape"),
        (ring, "envelope"),
        (chorus, "bands"),
    ],
    ids=["gain", "rectifier", "fuzz", "ring", "chorus"],
)
def test_what_an_effect_leaves_is_enough(effect, kind):
    result = explains(plucks(), moved(effect(plucks()), 300), RATE)
    assert getattr(result, kind) > 1.05
    assert result.related


@pytest.mark.parametrize(
    ("dry", "wet"),
    [(noise(1), noise(2)), (plucks(seed=0), plucks(seed=5)), (plucks(), noise()), (noise(), plucks())],
    ids=["noises", "two tunes", "a tune and noise", "noise and a tune"],
)
def test_two_sounds_that_have_nothing_to_do_with_each_other(dry, wet):
    result = explains(dry, wet, RATE)
    assert result.score < 0.9
    assert not result.related


def test_silence_is_made_from_nothing():
    assert explains(plucks(), np.zeros((1, 9000)), RATE).score == 0
