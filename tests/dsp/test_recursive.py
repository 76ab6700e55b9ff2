"""Recursive filters against scipy and against the plain loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from ddsp_match.dsp import recursive
from tests.compare import assert_close


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def stable(order: int, batch: int, seed: int = 0) -> torch.Tensor:
    reflections = 0.9 * torch.tanh(noise(batch, order, seed=seed))
    return recursive.reflections_to_poles(reflections)


@pytest.mark.parametrize("order", [1, 2, 3, 8])
@pytest.mark.parametrize("taps", [1, 2, 3, 6, 12])
def test_as_scipy_filters(order, taps):
    x, b, a = noise(3, 2, 500), noise(3, taps, seed=1), stable(order, 3)
    outputs = recursive.lfilter(x, b, a)
    for row in range(3):
        assert_close(outputs[row], signal.lfilter(b[row].numpy(), a[row].numpy(), x[row].numpy()), 1e-10)


def test_a_leading_coefficient_that_is_not_one():
    x, b, a = noise(1, 1, 300), noise(1, 3, seed=1), 2.5 * stable(2, 1)
    assert_close(recursive.lfilter(x, b, a)[0], signal.lfilter(b[0].numpy(), a[0].numpy(), x[0].numpy()), 1e-12)


@pytest.mark.parametrize("cutoff", [0.0008, 0.01, 0.9])
def test_float32_sounds_keep_float64_poles(cutoff):
    b, a = signal.butter(2, cutoff)
    x = noise(1, 1, 20_000).float()
    outputs = recursive.lfilter(x, torch.tensor(b[None]), torch.tensor(a[None]))
    assert outputs.dtype == torch.float32
    assert_close(outputs[0], signal.lfilter(b, a, x[0].double().numpy()), 1e-6)


@pytest.mark.parametrize(
    ("sounds", "feeds", "backs"), [(1, 1, 4), (1, 4, 1), (4, 1, 1), (1, 4, 4), (4, 4, 4), (4, 1, 4)]
)
@pytest.mark.parametrize("order", [2, 3])
def test_batches_broadcast_forward_and_backward(order, sounds, feeds, backs):
    x, b, a = noise(sounds, 2, 60), noise(feeds, order + 1, seed=1), stable(order, backs)
    leaves = [leaf.requires_grad_() for leaf in (x, b, a)]
    outputs = recursive.lfilter(*leaves)
    assert outputs.shape == (4, 2, 60)
    weights = noise(4, 2, 60, seed=5)
    (outputs * weights).sum().backward()
    expected = [leaf.grad.clone() for leaf in leaves]
    for leaf in leaves:
        leaf.grad = None
    spread = [leaf.expand(4, *leaf.shape[1:]) for leaf in leaves]
    alone = torch.cat([recursive.lfilter(*(leaf[row : row + 1] for leaf in spread)) for row in range(4)])
    assert_close(alone, outputs, 1e-12)
    (alone * weights).sum().backward()
    for leaf, gradient in zip(leaves, expected, strict=True):
        assert_close(leaf.grad, gradient, 1e-9)


@pytest.mark.parametrize("order", [1, 2, 4])
@pytest.mark.parametrize("taps", [1, 3, 6])
def test_gradients_in_sound_and_coefficients(order, taps):
    x, b, a = noise(1, 2, 70), noise(2, taps, seed=1), stable(order, 2, seed=3)
    leaves = tuple(leaf.requires_grad_() for leaf in (x, b, a))
    assert torch.autograd.gradcheck(recursive.lfilter, leaves)


def test_gradients_are_those_of_the_plain_loop():
    x, b, a = noise(1, 1, 200), noise(1, 3, seed=1), stable(2, 1)
    leaves = [leaf.requires_grad_() for leaf in (x, b, a)]
    weights = noise(200, seed=4)
    (recursive.lfilter(*leaves)[0, 0] * weights).sum().backward()
    expected = [leaf.grad.clone() for leaf in leaves]
    for leaf in leaves:
        leaf.grad = None
    built: list[torch.Tensor] = []
    for n in range(200):
        new = sum(b[0, k] * x[0, 0, n - k] for k in range(3) if n >= k)
        built.append((new - sum(a[0, k] * built[n - k] for k in (1, 2) if n >= k)) / a[0, 0])
    (torch.stack(built) * weights).sum().backward()
    for leaf, gradient in zip(leaves, expected, strict=True):
        assert_close(leaf.grad, gradient, 1e-10)


def test_sections_in_a_row():
    sos = signal.butter(6, 0.1, output="sos")
    x = noise(1, 2, 1000)
    table = torch.from_numpy(sos)[None]
    assert_close(recursive.sosfilt(x, table[..., :3], table[..., 3:])[0], signal.sosfilt(sos, x[0].numpy()), 1e-12)


def test_a_decayed_tail_becomes_zero_and_not_subnormal():
    x = torch.zeros(1, 1, 40_000, dtype=torch.float64)
    x[..., 0] = 1.0
    for order in (2, 3):
        outputs = recursive.lfilter(x, torch.ones(1, 1).double(), torch.tensor([[1.0, -0.9, 0.1, 0.02][: order + 1]]))
        assert float(outputs[0, 0, 1000].abs()) > 0
        tail = outputs[0, 0, -1000:]
        assert_close(tail, torch.zeros(1000), 0.0)


def test_response_is_scipy_freqz():
    b, a = signal.cheby1(4, 1, 0.3)
    hz = np.linspace(0, 12_000, 50)
    expected = recursive.response(torch.tensor(b[None]), torch.tensor(a[None]), 24_000, torch.from_numpy(hz))
    assert_close(expected[0], signal.freqz(b, a, hz, fs=24_000)[1], 1e-10)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-0.999, 0.999), min_size=1, max_size=8))
def test_reflections_inside_one_are_poles_inside_the_circle(reflections):
    a = recursive.reflections_to_poles(torch.tensor([reflections], dtype=torch.float64))[0].numpy()
    # The product of the poles is the last coefficient; Schur and Cohn's test says the rest: every step down is < 1.
    if len(reflections) <= 3:
        assert np.abs(np.roots(a)).max() < 1 + 1e-9
        assert_close(recursive.poles_to_reflections(a), reflections, 1e-6)
    assert a[0] == 1.0 and abs(a[-1] - reflections[-1]) < 1e-12


def test_an_unstable_filter_has_a_reflection_beyond_one():
    assert np.abs(recursive.poles_to_reflections(np.poly([1.05, 0.3, -0.2]))).max() > 1
    assert np.abs(recursive.poles_to_reflections(np.poly([0.95, 0.3, -0.2]))).max() < 1


def test_batches_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="a has a batch of 2 beside one of 3"):
        recursive.lfilter(noise(3, 1, 10), noise(1, 3), stable(2, 2))
