"""The search over all lags against least squares at one lag, and what it finds."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_match.dsp.deconvolution import LagFit, matched, valleys
from tests.compare import assert_close


def noise(n: int, seed: int = 0, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((channels, n))


def late(x: np.ndarray, lag: int) -> np.ndarray:
    return np.pad(x, ((0, 0), (lag, 0)))[:, : x.shape[1]]


@pytest.mark.parametrize("channels", [1, 2])
def test_whole_lags_are_plain_least_squares(channels):
    x, y = noise(400, 0, channels), noise(400, 1, channels)
    target = noise(400, 2, channels) + 0.5 * late(x, 30)
    fit = LagFit(target, [x], [x, y], 100)
    lags = np.array([1.0, 30.0, 77.0])
    residual, coefficients = fit.at(lags)
    steps, everywhere = fit.everywhere()
    for row, lag in enumerate(lags.astype(int)):
        basis = np.stack([s.ravel() for s in (x, late(x, lag), late(y, lag))], axis=1)
        want, rest, *_ = np.linalg.lstsq(basis, target.ravel(), rcond=None)
        assert_close(coefficients[row], want, 1e-8)
        assert_close(residual[row], rest[0] / np.square(target).sum(), 1e-9)
        assert_close(everywhere[steps == lag], residual[row : row + 1], 1e-12)


def test_lags_in_between_are_the_same_in_steps_and_one_by_one():
    x = noise(500)
    fit = LagFit(noise(500, 1), [x], [x], 80)
    steps, everywhere = fit.everywhere()
    assert_close(fit.at(steps[:-2])[0], everywhere[:-2], 1e-12)


def test_a_lag_between_samples_is_refined():
    n, lag = 6000, 123.37
    frequency = np.fft.rfftfreq(2 * n)
    delayed = np.fft.irfft(np.fft.rfft(noise(n)[0], 2 * n) * np.exp(-2j * np.pi * frequency * lag))[:n]
    fit = LagFit(noise(n) - 0.5 * delayed[None], [noise(n)], [noise(n)], 1000)
    steps, residual = fit.everywhere()
    lags, rest, coefficients = fit.refined(steps[valleys(residual, 3)])
    best = rest.argmin()
    assert abs(lags[best] - lag) < 0.02
    assert_close(coefficients[best], [1.0, -0.5], 0.02)


def test_valleys_are_sorted_by_depth_and_may_lie_at_the_ends():
    assert valleys(np.array([0.5, 1, 0.2, 0.3, 0.1, 0.4, 0.3]), 10).tolist() == [4, 2, 6, 0]
    assert valleys(np.array([0.5, 1, 0.2, 0.3, 0.1, 0.4, 0.3]), 2).tolist() == [4, 2]


def test_a_short_filter_is_matched():
    x = noise(4000)
    wet = 0.8 * x - 0.5 * late(x, 1) + 0.3 * late(x, 7)
    assert_close(matched(x, wet), wet, 0.02)


def test_silence_divides_nothing_by_nothing():
    silent = np.zeros((1, 500))
    residual, coefficients = LagFit(silent, [silent], [silent], 50).at(np.array([3.0]))
    assert np.isfinite(residual).all()
    assert np.isfinite(coefficients).all()


def test_the_error_over_the_lag_is_a_narrow_valley():
    """With the levels held, one sample beside the truth is as bad as anywhere; both are lowest at the truth."""
    x = noise(6000)
    wet = x + 0.5 * late(x, 200)
    delays = np.arange(1.0, 400.0, 0.5)
    fit = LagFit(wet, [x], [x], 402)
    lags, everywhere = fit.everywhere()
    _, _, best = fit.refined(lags[valleys(everywhere, 1)])
    fixed, free = fit.held(delays, best[0]), fit.at(delays)[0]
    at = int(np.flatnonzero(delays == 200)[0])
    assert fixed.argmin() == free.argmin() == at
    assert fixed[at] < 1e-9
    beside = np.abs(delays - 200) >= 1
    assert fixed[beside].min() > 0.25
    # With free levels, nothing is worse than no echo at all.
    assert free.max() < 0.25
