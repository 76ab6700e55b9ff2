"""Free numbers: they start where they are told, and whatever they are, the controls are physical."""

from __future__ import annotations

import pytest
import torch

from ddsp_match.core.controls import Controls
from ddsp_match.models.exact import ExactModel, highest, random_controls
from tests.compare import assert_close

NYQUIST = 8000.0


def start(phases: bool = True, frames: int = 20, loud: float = 0.5) -> Controls:
    g = torch.Generator().manual_seed(0)
    shares = torch.rand(1, 10, frames, generator=g) + 0.01
    f0 = torch.linspace(700, 1700, frames).unsqueeze(0)
    shares = shares * (f0.unsqueeze(1) * torch.arange(1, 11).view(1, -1, 1) < NYQUIST)
    return Controls(
        f0,
        loud * torch.rand(1, frames, generator=g) + 0.01,
        shares / shares.sum(1, keepdim=True),
        0.1 * torch.rand(1, 9, frames, generator=g),
        torch.rand(1, 10, frames, generator=g) if phases else None,
    )


@pytest.mark.parametrize("loud", [0.5, 30.0])
def test_they_start_where_they_are_told(loud):
    wanted = start(loud=loud)
    found = ExactModel(wanted, NYQUIST)()
    assert_close(found.amplitude, wanted.amplitude, 1e-4 * loud)
    assert_close(found.distribution, wanted.distribution, 1e-4)
    assert_close(found.noise, wanted.noise, 1e-5)
    assert_close(found.phases, wanted.phases, 1e-6)


def test_any_numbers_give_shares_that_sum_to_one_and_silence_from_nyquist_on():
    free = ExactModel(start(), NYQUIST)
    g = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in free.parameters():
            p.copy_(20 * torch.randn(p.shape, generator=g))
        found = free()
    assert_close(found.distribution.sum(1), torch.ones(1, 20), 1e-5)
    above = found.f0_hz.unsqueeze(1) * torch.arange(1, 11).view(1, -1, 1) >= NYQUIST
    assert bool(above.any()) and float(found.distribution[above].abs().max()) == 0.0
    for name in ("amplitude", "distribution", "noise"):
        assert float(getattr(found, name).min()) >= 0.0


def test_a_partial_exactly_at_nyquist_is_silent():
    controls = start()
    at = Controls(torch.full((1, 20), 800.0), *[getattr(controls, n) for n in ("amplitude", "distribution", "noise")])
    found = ExactModel(at, NYQUIST)().detached()
    assert float(found.distribution[:, 9].max()) == 0.0
    assert float(found.distribution[:, 8].min()) > 0.0


def test_static_phase_is_one_number_a_harmonic():
    free = ExactModel(start(), NYQUIST, static_phase=True)
    assert free.phases.numel() == 10
    assert float(free().detached().phases.std(dim=2).max()) < 1e-6


def test_groups_leave_out_what_is_not_free():
    free = ExactModel(start(), NYQUIST)

    def members(**options) -> int:
        return sum(p.numel() for group in free.groups(0.1, **options) for p in group["params"])

    everything = 20 + 200 + 180 + 200
    assert members(lr_phase=0.1) == everything
    assert members(lr_phase=0.0) == everything - 200
    assert members(lr_phase=0.1, harmonics=False) == 180


def test_gradients_reach_every_free_number():
    free = ExactModel(start(), NYQUIST)
    found = free()
    total = sum((getattr(found, n) * torch.rand(getattr(found, n).shape)).sum() for n in
                ("amplitude", "distribution", "noise", "phases"))  # fmt: skip
    total.backward()
    assert all(p.grad is not None and float(p.grad.abs().sum()) > 0 for p in free.parameters())


def test_a_random_start_follows_its_seed():
    f0 = torch.full((1, 8), 200.0)
    a, b, c = (random_controls(f0, 5, 3, phases=True, seed=s) for s in (1, 1, 2))
    assert_close(a.distribution, b.distribution, 0.0)
    assert float((a.distribution - c.distribution).abs().max()) > 0.01
    assert_close(a.distribution.sum(1), torch.ones(1, 8), 1e-5)


def test_a_sound_in_a_batch_is_scaled_as_alone():
    quiet, loud = start(loud=0.5), start(loud=7.0)
    fields = ("f0_hz", "amplitude", "distribution", "noise", "phases")
    both = Controls(*(torch.cat([getattr(quiet, name), getattr(loud, name)]) for name in fields))
    together, n = ExactModel(both, NYQUIST), len(quiet.f0_hz)
    for rows, alone in ((slice(n), quiet), (slice(n, None), loud)):
        one = ExactModel(alone, NYQUIST)
        for name, values in one.named_parameters():
            assert_close(getattr(together, name)[rows], values, 1e-6)
        assert_close(together().amplitude[rows], one().amplitude, 1e-6)
        assert_close(together().noise[rows], one().noise, 1e-6)


@pytest.mark.parametrize(("largest", "top"), [(0.0, 2.0), (1.0, 2.0), (1.01, 4.0), (2.0, 4.0), (7.0, 16.0)])
def test_a_range_ends_at_a_power_of_two_above_twice_what_is_needed(largest, top):
    assert float(highest(torch.tensor(largest))) == top
