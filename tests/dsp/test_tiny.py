"""A click dies away to nothing in every compiled loop, both ways in time, and never lingers in subnormal numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ddsp_match.dsp import ballistics, modulated_delay, recursive, time_varying

RATE, N = 8000, 40_000


def number(value: float) -> torch.Tensor:
    return torch.tensor([value], dtype=torch.float64)


HZ = (500 + 300 * torch.sin(torch.arange(N, dtype=torch.float64) / 1000))[None]
LOOPS = {
    "allpasses": lambda x: time_varying.allpass_chain(x, HZ, number(0.3), 4, RATE),
    "state variable": lambda x: time_varying.state_variable_filter(x, HZ, number(0.7), RATE)[0],
    "follower": lambda x: ballistics.smooth(x[0], number(0.3), number(0.05), number(0.0)),
    "moving delay": lambda x: modulated_delay.modulated_delay(x, 3 + HZ / 1000, number(0.5)),
    "second order": lambda x: recursive.lfilter(x, torch.ones(1, 1), torch.tensor([[1.0, -1.8, 0.9]])),
    "third order": lambda x: recursive.lfilter(x, torch.ones(1, 1), torch.tensor([[1.0, -0.9, 0.2, 0.1]])),
}


@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS.keys())
def test_a_decayed_sound_becomes_zero(loop):
    x = torch.zeros(1, 1, N, dtype=torch.float64)
    x[..., 0] = 1.0
    x.requires_grad_()
    built = loop(x).reshape(-1)
    built[-1].backward()
    assert x.grad is not None
    for decayed in (built.detach().numpy(), x.grad.reshape(-1).numpy()[::-1]):
        assert np.abs(decayed[:20]).max() > 1e-3
        assert not decayed[-1000:].any()
        subnormal = (decayed != 0) & (np.abs(decayed) < np.finfo(np.float64).tiny)
        assert np.count_nonzero(subnormal) == 0
