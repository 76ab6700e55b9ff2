"""The impulse response that was put in comes out."""

from __future__ import annotations

import numpy as np
import scipy.linalg
import scipy.signal

from ddsp_match.dsp.response_between import NormalEquations, prior_variance, response_between
from tests.compare import assert_close

RATE = 8000


def room(seconds: float, rt60_s: float, seed: int = 0) -> np.ndarray:
    n = round(seconds * RATE)
    noise = np.random.default_rng(seed).standard_normal(n)
    ir = 0.05 * noise * 10 ** (-3 * np.arange(n) / RATE / rt60_s)
    ir[0] = 1.0
    return ir


def test_the_operator_is_the_matrix():
    rng = np.random.default_rng(0)
    dry, wet, ir = rng.standard_normal((2, 50)), rng.standard_normal((2, 50)), rng.standard_normal(20)
    problem = NormalEquations(dry, wet, 20)
    matrix = np.concatenate([scipy.linalg.toeplitz(row, np.zeros(20)) for row in dry])
    for index, row in enumerate(dry):
        matrix[50 * index, 0] = row[0]
    assert_close(problem.apply(ir), matrix.T @ matrix @ ir, 1e-10)
    assert_close(problem.target, matrix.T @ wet.flatten(), 1e-10)
    assert abs(problem.error(ir) - np.square(matrix @ ir - wet.flatten()).sum()) < 1e-8
    penalty = np.geomspace(0.1, 10, 20)
    exact = np.linalg.solve(matrix.T @ matrix + np.diag(penalty), matrix.T @ wet.flatten())
    assert_close(problem.solve(penalty, np.zeros(20)), exact, 1e-6)


def test_noise_through_a_room_that_is_cut_off():
    ir = room(0.25, 0.3)
    dry = np.random.default_rng(1).standard_normal((1, 2 * RATE))
    wet = scipy.signal.fftconvolve(dry[0], ir)[None, : 2 * RATE]
    assert_close(response_between(dry, wet, len(ir)), ir, 1e-5)
    # Longer than the room: the rest is silence.
    longer = response_between(dry, wet, 2 * len(ir))
    assert_close(longer[: len(ir)], ir, 1e-4)
    assert float(np.square(longer[len(ir) :]).sum()) < 1e-8


def test_noise_on_the_wet_side_does_not_fill_the_tail():
    ir = room(0.25, 0.1)
    rng = np.random.default_rng(2)
    dry = rng.standard_normal((1, RATE))
    wet = scipy.signal.fftconvolve(dry[0], ir)[None, :RATE] + 0.01 * rng.standard_normal((1, RATE))
    result = response_between(dry, wet, len(ir))
    plain = response_between(dry, wet, len(ir), rounds=1)
    # The penalty that grows beats the constant one where the room is silent, and is no worse before.
    assert np.square(result[1000:]).sum() < 0.4 * np.square(plain[1000:]).sum()
    assert np.square(result - ir).sum() < 0.8 * np.square(plain - ir).sum()


def test_two_channels_share_a_response():
    ir = room(0.05, 0.1)
    dry = np.random.default_rng(3).standard_normal((2, 3000))
    wet = np.stack([np.convolve(row, ir)[:3000] for row in dry])
    assert_close(response_between(dry, wet, len(ir)), ir, 1e-5)


def test_silence_and_short_sounds():
    dry = np.random.default_rng(4).standard_normal((1, 100))
    assert not response_between(dry, np.zeros((1, 100)), 50).any()
    assert not response_between(np.zeros((1, 100)), dry, 50).any()
    assert response_between(dry, dry, 300).shape == (300,)


def test_the_prior_only_falls():
    ir = room(0.5, 0.2, seed=5)
    variance = prior_variance(ir, np.zeros(len(ir)))
    assert np.diff(variance).max() <= 1e-12 * variance[0]
    assert variance[-1] < 1e-4 * variance[0]
