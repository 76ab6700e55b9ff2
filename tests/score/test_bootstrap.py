"""Intervals of means: scipy's, where scipy has them, and as often right as they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ddsp_match.score.bootstrap import mean_intervals
from tests.compare import assert_close


@pytest.mark.parametrize("draw", ["normal", "lognormal", "exponential"])
def test_without_widening_it_is_scipy_s_bca(draw):
    values = getattr(np.random.default_rng(3), draw)(size=40)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(1))
    ours = mean_intervals(values[:, None], resamples=20_000, expand=False)
    assert ours is not None
    assert_close(ours[0], [theirs.confidence_interval.low, theirs.confidence_interval.high], 0.03 * values.std())


def covered(draw: str, n: int, truth: float, **options) -> float:
    rng = np.random.default_rng(0)
    trials = getattr(rng, draw)(size=(n, 600))
    # The trials are the metrics: all are resampled at once.
    ends = mean_intervals(trials, resamples=1000, **options)
    assert ends is not None
    return float(np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1])))


@pytest.mark.parametrize(
    ("draw", "n", "truth", "least"),
    [("normal", 5, 0.0, 0.90), ("normal", 20, 0.0, 0.93), ("exponential", 20, 1.0, 0.90),
     ("exponential", 100, 1.0, 0.93)],
)  # fmt: skip
def test_the_truth_lies_within_about_as_often_as_said(draw, n, truth, least):
    assert least <= covered(draw, n, truth) <= 0.985


def test_few_sounds_need_the_widening():
    assert covered("normal", 5, 0.0) > covered("normal", 5, 0.0, expand=False) + 0.05


def test_one_sound_has_no_interval_and_equal_ones_no_width():
    assert mean_intervals(np.ones((1, 3))) is None
    ends = mean_intervals(np.full((7, 2), 0.3))
    assert_close(ends, np.full((2, 2), 0.3), 1e-12)


def test_two_sounds_leave_all_between_them():
    assert_close(mean_intervals(np.array([[1.0], [3.0]])), [[1.0, 3.0]], 1e-12)


def test_the_same_figures_give_the_same_interval_whatever_is_beside_them():
    values = np.random.default_rng(5).normal(size=(30, 4))
    whole, alone = mean_intervals(values), mean_intervals(values[:, 2:3])
    assert whole is not None and alone is not None
    assert_close(whole[2], alone[0], 1e-12)


def test_ten_thousand_sounds_take_a_moment():
    values = np.random.default_rng(0).normal(1.0, 1.0, size=(10_000, 15))
    ends = mean_intervals(values)
    assert ends is not None
    # Of a normal mean the interval is known: 1.96 standard errors to either side.
    assert_close(ends[:, 1] - ends[:, 0], np.full(15, 2 * 1.96 / 100), 0.003)


def test_of_a_symmetric_sample_it_is_student_s_interval():
    values = stats.norm.ppf((np.arange(12) + 0.5) / 12)
    half = stats.t.isf(0.025, 11) * values.std(ddof=1) / np.sqrt(12)
    ends = mean_intervals(values[:, None], resamples=100_000)
    assert_close(ends, [[-half, half]], 0.025 * half)
