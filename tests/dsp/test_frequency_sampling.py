"""Filters on a circle outside the unit circle, against recursions in the time domain."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import signal

from ddsp_match.dsp.frequency_sampling import Circle, circle_filter
from tests.compare import assert_close


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def comb(x: np.ndarray, delay: int, feedback: float) -> np.ndarray:
    """y[n] = x[n] + feedback y[n - delay], sample by sample."""
    y = x.copy()
    for n in range(delay, len(x)):
        y[n] += feedback * y[n - delay]
    return y


@pytest.mark.parametrize("n", [1, 2, 50, 1001, 12_000])
def test_a_long_tail_does_not_fold_back(n):
    """Feedback 0.98 leaves more than half of its energy beyond the end of a short sound."""
    x = noise(n)
    filtered = circle_filter(torch.from_numpy(x)[None, None], lambda z: 1 / (1 - 0.98 * z**-37)[None])
    want = comb(x, 37, 0.98)
    assert_close(filtered[0, 0], want, 1e-8 * np.abs(want).max())


def test_an_unforgiving_resonance():
    """A pole at 0.9999: its tail is 10,000 samples long, ten times the sound."""
    x = noise(2, 1000)
    b, a = [1.0, -0.3], [1.0, -1.9 * 0.9999, 0.9999**2]
    want = signal.lfilter(b, a, x)

    def response(z: torch.Tensor) -> torch.Tensor:
        return ((b[0] + b[1] / z) / (a[0] + a[1] / z + a[2] / z**2))[None]

    assert_close(circle_filter(torch.from_numpy(x)[None], response)[0], want, 1e-8 * np.abs(want).max())


def test_against_scipy_with_a_batch_of_settings_on_one_sound():
    x = noise(1, 2, 3000)
    sections = [signal.butter(4, cutoff) for cutoff in (0.1, 0.3, 0.9)]
    b, a = (torch.tensor(np.stack([s[i] for s in sections])) for i in (0, 1))

    def response(z: torch.Tensor) -> torch.Tensor:
        powers = torch.stack([z**-k for k in range(5)])
        return (b.to(z.dtype) @ powers) / (a.to(z.dtype) @ powers)

    filtered = circle_filter(torch.from_numpy(x), response)
    assert filtered.shape == (3, 2, 3000)
    for row, (numerator, denominator) in enumerate(sections):
        assert_close(filtered[row], signal.lfilter(numerator, denominator, x[0]), 1e-8)


def test_each_channel_may_have_its_own_response():
    x = torch.from_numpy(noise(1, 2, 300))
    filtered = circle_filter(x, lambda z: torch.stack([z**-1, 0.5 * z**-3])[None])
    assert_close(filtered[0, 0, 1:], x[0, 0, :-1], 1e-9)
    assert_close(filtered[0, 1, 3:], 0.5 * x[0, 1, :-3], 1e-9)


def test_single_precision_comes_back_as_such_but_is_computed_in_double():
    x = torch.from_numpy(noise(1, 1, 3000)).float()
    filtered = circle_filter(x, lambda z: 1 / (1 - 0.98 * z**-37)[None])
    want = comb(x[0, 0].double().numpy(), 37, 0.98)
    assert filtered.dtype == torch.float32
    assert_close(filtered[0, 0], want, 2e-7 * np.abs(want).max())


def test_short_filters_that_start_late():
    x = noise(1, 1, 500)
    taps = noise(3, 8, seed=1)
    circle = Circle(500)
    first = torch.tensor([0, 321, 496])
    filtered = circle.filtered(circle.spectrum(torch.from_numpy(x)), circle.fir(torch.from_numpy(taps), first)[:, None])
    for row, start in enumerate(first.tolist()):
        want = np.convolve(np.concatenate([np.zeros(start), taps[row]]), x[0, 0])[:500]
        assert_close(filtered[row, 0], want, 1e-9)


def test_taps_before_and_beyond_the_sound():
    x = torch.from_numpy(noise(1, 1, 500))
    circle = Circle(500)
    taps = torch.ones(2, 1, dtype=torch.float64)
    filtered = circle.filtered(circle.spectrum(x), circle.fir(taps, torch.tensor([-5, 500]))[:, None])
    assert_close(filtered[0, 0, :-5], x[0, 0, 5:], 1e-9)
    assert_close(filtered[1, 0], np.zeros(500), 1e-9)


def test_whole_delays():
    circle = Circle(500)
    assert_close(torch.view_as_real(circle.late(123)), torch.view_as_real(circle.z**-123), 1e-12)


def test_many_settings_are_done_a_few_at_a_time():
    circle = Circle(100)
    spectrum = circle.spectrum(torch.from_numpy(noise(1, 2, 100)))
    response = torch.linspace(-1, 1, 7, dtype=torch.float64)[:, None, None] * circle.z**-2
    whole = circle.filtered(spectrum, response)
    assert_close(circle.filtered(spectrum, response, chunk_bytes=1), whole, 1e-15)


def test_gradients_reach_the_sound_and_the_response():
    x = torch.from_numpy(noise(1, 1, 40)).requires_grad_()
    feedback = torch.tensor([[0.5], [-0.9]], dtype=torch.float64, requires_grad=True)

    def run(x: torch.Tensor, feedback: torch.Tensor) -> torch.Tensor:
        return circle_filter(x, lambda z: 1 / (1 - feedback * z**-3))

    assert torch.autograd.gradcheck(run, (x, feedback))
