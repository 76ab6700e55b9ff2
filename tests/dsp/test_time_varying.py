"""Filters with a moving cutoff against scipy, the plain loop and a listener's ear for clicks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from ddsp_match.dsp import biquads, recursive, time_varying
from tests.compare import assert_close

RATE = 24_000


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def moving(batch: int, n: int, seed: int = 1) -> torch.Tensor:
    """A cutoff that wanders over the whole range."""
    return 20 * 500 ** torch.sigmoid(0.2 * noise(batch, n, seed=seed).cumsum(1))


@pytest.mark.parametrize("cutoff", [30.0, 1000.0, 11_000.0])
@pytest.mark.parametrize("q", [0.2, 0.7, 20.0])
def test_a_cutoff_that_stands_still_is_the_biquad(cutoff, q):
    x = noise(1, 2, 1500)
    outputs = time_varying.state_variable_filter(x, torch.full((1, 1500), cutoff), torch.tensor([q]), RATE)
    for index, wet in enumerate(outputs):
        levels = tuple(torch.tensor(float(index == which)) for which in range(3))
        b, a = biquads.state_variable(torch.tensor(cutoff), torch.tensor(q), levels, RATE)
        assert_close(wet[0], signal.lfilter(b.numpy(), a.numpy(), x[0].numpy()), 1e-9)


def test_the_low_output_is_the_cookbook_lowpass():
    arguments = (torch.tensor(800.0), torch.tensor(3.0), torch.tensor(0.0), RATE)
    b, a = biquads.lowpass(*arguments)
    x = noise(1, 1, 2000)
    low, _, _ = time_varying.state_variable_filter(x, torch.full((1, 2000), 800.0), torch.tensor([3.0]), RATE)
    assert_close(low, recursive.lfilter(x, b[None], a[None]), 1e-11)


def test_the_outputs_add_up_to_the_input():
    x = noise(1, 1, 3000)
    outputs = time_varying.state_variable_filter(x, moving(1, 3000), torch.tensor([4.0]), RATE)
    assert_close(sum(outputs), x, 1e-12)
    assert float(outputs[0].std()) > 0.1 and float(outputs[2].std()) > 0.1


@pytest.mark.parametrize("filtered", ["svf", "allpass"])
def test_gradients_in_sound_motion_and_knob(filtered):
    x, cutoff = noise(2, 2, 40).requires_grad_(), moving(2, 40).requires_grad_()
    knob = torch.tensor([0.6, 0.8], dtype=torch.float64, requires_grad=True)
    if filtered == "svf":
        assert torch.autograd.gradcheck(
            lambda *g: torch.stack(time_varying.state_variable_filter(*g, RATE)), (x, cutoff, knob), atol=1e-6
        )
    else:
        assert torch.autograd.gradcheck(
            lambda *g: time_varying.allpass_chain(*g, 3, RATE), (x, cutoff, knob), atol=1e-6
        )


@pytest.mark.parametrize("sizes", [(1, 3, 3), (3, 1, 1), (1, 1, 3), (3, 3, 1)])
@pytest.mark.parametrize("filtered", ["svf", "allpass"])
def test_batches_broadcast_forward_and_backward(filtered, sizes):
    def run(x: torch.Tensor, cutoff: torch.Tensor, knob: torch.Tensor) -> torch.Tensor:
        if filtered == "svf":
            return torch.cat(time_varying.state_variable_filter(x, cutoff, knob, RATE)[:2], dim=1)
        return time_varying.allpass_chain(x, cutoff, knob, 4, RATE)

    leaves = (noise(sizes[0], 2, 50), moving(sizes[1], 50), torch.linspace(0.3, 0.8, sizes[2]).double())
    for leaf in leaves:
        leaf.requires_grad_()
    wet = run(*leaves)
    assert len(wet) == 3
    weights = noise(*wet.shape, seed=6)
    (wet * weights).sum().backward()
    expected = [leaf.grad.clone() for leaf in leaves]
    for leaf in leaves:
        leaf.grad = None
    spread = [leaf.expand(3, *leaf.shape[1:]) for leaf in leaves]
    alone = torch.cat([run(*(leaf[row : row + 1] for leaf in spread)) for row in range(3)])
    assert_close(alone, wet, 1e-12)
    (alone * weights).sum().backward()
    for leaf, gradient in zip(leaves, expected, strict=True):
        assert_close(leaf.grad, gradient, 1e-9)


def test_still_allpasses_are_scipy_allpasses_with_a_solved_loop():
    x, stages, feedback = noise(1, 1, 2000), 4, 0.75
    a = float(time_varying.lattice(torch.tensor(900.0), RATE))
    top, bottom = np.ones(1), np.ones(1)
    for _ in range(stages):
        top, bottom = np.convolve(top, [a, 1.0]), np.convolve(bottom, [1.0, a])
    wet = time_varying.allpass_chain(x, torch.full((1, 2000), 900.0), torch.tensor([feedback]).double(), stages, RATE)
    assert_close(wet[0, 0], signal.lfilter(top, bottom - feedback * top, x[0, 0].numpy()), 1e-9)


def test_moving_allpasses_are_the_plain_loop():
    x, cutoff, feedback = noise(300), moving(1, 300)[0], -0.6
    a = time_varying.lattice(cutoff, RATE).numpy()
    state, built = np.zeros(2), []
    for n in range(300):
        c = np.sqrt(1 - a[n] ** 2)
        # Two stages, the loop found by iteration instead of solved.
        fed = 0.0
        for _ in range(200):
            first = a[n] * (x[n].item() + feedback * fed) + c * state[0]
            fed = a[n] * first + c * state[1]
        u = x[n].item() + feedback * fed
        first = a[n] * u + c * state[0]
        state = np.array([c * u - a[n] * state[0], c * first - a[n] * state[1]])
        built.append(fed)
    wet = time_varying.allpass_chain(
        x.reshape(1, 1, -1), cutoff[None], torch.tensor([feedback], dtype=torch.float64), 2, RATE
    )
    assert_close(wet[0, 0], built, 1e-9)


def test_moving_allpasses_keep_energy():
    x = torch.zeros(1, 1, 60_000, dtype=torch.float64)
    x[..., :500] = noise(500)
    wet = time_varying.allpass_chain(x, moving(1, 60_000), torch.zeros(1), 6, RATE)
    assert abs(float(wet.square().sum() / x.square().sum()) - 1) < 1e-3


def test_a_sweep_has_no_clicks():
    """A tone through a fast sweep: nothing above what the sweep's own sidebands reach, and no step."""
    n = RATE
    t = torch.arange(n, dtype=torch.float64) / RATE
    tone = torch.sin(2 * torch.pi * 200 * t).reshape(1, 1, -1)
    cutoff = (300 * 8 ** torch.sin(2 * torch.pi * 3 * t))[None]
    for wet in time_varying.state_variable_filter(tone, cutoff, torch.tensor([2.0]), RATE):
        spectrum = torch.fft.rfft(wet[0, 0] * torch.hann_window(n, dtype=torch.float64)).abs()
        assert float(spectrum[4000:].max()) < 1e-5 * float(spectrum.max())


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 30.0), st.sampled_from([8000, 24_000, 96_000]))
def test_any_motion_is_stable(seed, q, rate):
    jumps = 20 * 1000 ** torch.rand(1, 6000, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    x = torch.zeros(1, 1, 6000, dtype=torch.float64)
    x[..., :100] = noise(100, seed=seed)
    for wet in time_varying.state_variable_filter(x, jumps, torch.tensor([q]), rate):
        assert float(wet[..., -1000:].abs().max()) <= 2 * float(wet[..., :2000].abs().max()) + 1e-9


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="do not fit"):
        time_varying.state_variable_filter(noise(1, 1, 10), moving(1, 9), torch.ones(1), RATE)
