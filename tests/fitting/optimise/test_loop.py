"""The loop: known numbers are recovered, it ends for the reason it gives, it keeps the best."""

from __future__ import annotations

import math
import sys

import pytest
import torch

from ddsp_match.core.settings import OptimizerSettings
from ddsp_match.fitting.optimise import Adam, StopReason, adam, optimise
from tests.compare import assert_close

WANTED = torch.tensor([0.3, -0.7, 1.1])


def problem(start: float = 0.0):
    numbers = torch.nn.Parameter(torch.full((3,), start))
    return numbers, [{"params": [numbers]}], lambda: numbers, lambda x: (x - WANTED).abs().sum()


def test_known_numbers_are_recovered():
    numbers, groups, render, loss = problem()
    trace = optimise(groups, render, loss, OptimizerSettings(steps=400, lr=0.05, lr_final=0.0))
    assert_close(numbers, WANTED, 0.01)
    assert trace.reason is StopReason.STEPS
    assert trace.steps == list(range(401))
    assert trace.best == sorted(trace.best, reverse=True)


def test_the_best_numbers_are_kept_not_the_last():
    numbers, groups, _, _ = problem()
    seen = []

    def worsening(x):
        seen.append(x.detach().clone())
        return (x.sum() * 0 + abs(len(seen) - 5.0)).requires_grad_() + 0 * x.sum()

    trace = optimise(groups, lambda: numbers + torch.zeros(3), worsening, OptimizerSettings(steps=20))
    assert trace.best[-1] == 0.0 and trace.loss[-1] == 16.0
    assert_close(numbers, seen[4], 0.0)


def test_target_loss_ends_it():
    _, groups, render, loss = problem()
    trace = optimise(groups, render, loss, OptimizerSettings(steps=1000, target_loss=1.0))
    assert trace.reason is StopReason.TARGET
    assert trace.best[-1] <= 1.0 < trace.loss[-2]


def test_a_target_met_at_the_start_takes_no_step():
    numbers, groups, render, loss = problem()
    trace = optimise(groups, render, loss, OptimizerSettings(steps=9, target_loss=100.0))
    assert trace.steps == [0]
    assert_close(numbers, torch.zeros(3), 0.0)


def test_a_plateau_ends_it():
    _, groups, render, loss = problem()
    settings = OptimizerSettings(steps=100_000, patience=50, schedule="constant", lr=0.02)
    trace = optimise(groups, render, loss, settings)
    assert trace.reason is StopReason.PLATEAU
    assert trace.steps[-1] < 2000


def test_a_budget_ends_it():
    _, groups, render, loss = problem()
    trace = optimise(groups, render, loss, OptimizerSettings(steps=100_000), budget_s=0.05)
    assert trace.reason is StopReason.BUDGET
    assert trace.seconds[-1] < 5
    assert trace.steps[-1] < 100_000


def test_a_user_s_wish_ends_it_and_keeps_the_best():
    numbers, groups, render, loss = problem()
    told = []
    trace = optimise(
        groups, render, loss, OptimizerSettings(steps=500),
        on_step=lambda step, value, best: told.append((step, value, best)), stop=lambda: len(told) >= 10,
    )  # fmt: skip
    assert trace.reason is StopReason.INTERRUPTED
    assert len(told) == 10
    assert_close(loss(numbers), trace.best[-1], 1e-6)


def test_an_exception_leaves_the_best_numbers_behind():
    numbers, groups, render, loss = problem()
    values = []

    def breaking(step, value, best):
        values.append(value)
        if step == 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        optimise(groups, render, loss, OptimizerSettings(steps=500), on_step=breaking)
    assert_close(loss(numbers), min(values), 1e-6)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_step_that_is_not_finite_is_taken_back(bad):
    numbers, groups, render, loss = problem()
    calls = []

    def sometimes(x):
        calls.append(1)
        return loss(x) * (bad if len(calls) in (20, 40) else 1.0)

    trace = optimise(groups, render, sometimes, OptimizerSettings(steps=600, lr_final=0.0))
    assert trace.recoveries == 2
    assert all(math.isfinite(value) for value in trace.loss)
    assert_close(numbers, WANTED, 0.02)


def test_gradients_that_are_not_finite_are_not_followed():
    numbers, groups, _, _ = problem(1.0)
    # sqrt has an infinite slope at 0 and the loss itself is finite there.
    trace = optimise(groups, lambda: numbers, lambda x: (x - 1).abs().sqrt().sum(), OptimizerSettings(steps=50))
    assert trace.reason is StopReason.DIVERGED
    assert_close(numbers, torch.ones(3), 0.0)


def test_the_schedule_ends_low():
    rates = {}
    for schedule in ("constant", "cosine"):
        _, groups, render, loss = problem(50.0)  # so far off that Adam walks a straight line
        path = []
        optimise(
            groups, render, loss, OptimizerSettings(steps=100, schedule=schedule, lr_final=0.0),
            on_step=lambda step, value, best, path=path: path.append(value),
        )  # fmt: skip
        rates[schedule] = (path[-2] - path[-1]) / (path[0] - path[1])
    assert rates["constant"] > 0.9
    assert rates["cosine"] < 0.05


def test_two_rates_move_two_groups_differently():
    slow, fast = torch.nn.Parameter(torch.zeros(1)), torch.nn.Parameter(torch.zeros(1))
    groups = [{"params": [slow], "lr": 0.001}, {"params": [fast], "lr": 0.1}]
    optimise(groups, lambda: slow + fast, lambda x: (x - 9).abs().sum(), OptimizerSettings(steps=5))
    assert float(fast.detach()) > 50 * float(slow.detach()) > 0


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_adam_takes_torch_s_steps(decay):
    g = torch.Generator().manual_seed(0)
    start, other = torch.randn(20, generator=g), torch.randn(3, generator=g)
    paths = []
    for ours in (True, False):
        a, b = torch.nn.Parameter(start.clone()), torch.nn.Parameter(other.clone())
        groups = [{"params": [a]}, {"params": [b], "lr": 0.3}]
        if ours:
            rule = Adam(groups, lr=0.05, betas=(0.9, 0.99), weight_decay=decay)
        else:
            rule = torch.optim.AdamW(groups, lr=0.05, betas=(0.9, 0.99), weight_decay=decay)
        for _ in range(30):
            rule.zero_grad()
            ((a - 1).abs().sum() + (a * b[0]).square().sum() + b.exp().sum()).backward()
            rule.step()
        paths.append(torch.cat([a, b]).detach())
    assert_close(paths[0], paths[1], 1e-5)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_adam_s_compiled_step_is_that_in_tensors(decay, monkeypatch):
    g = torch.Generator().manual_seed(0)
    start, slopes = torch.randn(3, 5000, generator=g), torch.randn(9, 3, 5000, generator=g)
    places = []
    for kernels in (adam.kernels, lambda: None):
        monkeypatch.setattr(adam, "kernels", kernels)
        p = torch.nn.Parameter(start.clone())
        rule = Adam([{"params": [p]}], lr=0.05, betas=(0.9, 0.99), weight_decay=decay, owners=[0, 1, 1])
        for step, slope in enumerate(slopes):
            p.grad = slope.clone()
            if step == 3:
                p.grad[1:] = math.nan
            rule.step([1.0, 0.5 if step != 3 else 0.0], [1.0, 0.1])
        rule.forget(1)
        assert rule.counts == [9, 0]
        places.append(p.detach())
    assert_close(places[0], places[1], 5e-6)
    assert not torch.equal(places[0], start)


@pytest.mark.parametrize("owners", [None, [0, 1]])
def test_who_is_forgotten_starts_without_momentum(owners):
    p = torch.nn.Parameter(torch.zeros(2, 3))
    rule = Adam([{"params": [p]}], lr=0.1, betas=(0.9, 0.99), owners=owners)
    paces = [1.0] * len(rule.counts)
    for _ in range(5):
        p.grad = torch.ones(2, 3)
        rule.step(paces, paces)
    before = p.detach().clone()
    rule.forget()
    p.grad = -torch.ones(2, 3)
    rule.step(paces, paces)
    moved = p.detach() - before
    assert_close(moved[0], torch.full((3,), 0.1), 1e-6)  # a first step is as long as the learning rate
    assert bool((moved[1] < 0).all()) is (owners is not None)


def test_without_a_folder_to_compile_into_tensors_serve(monkeypatch):
    import numba

    def refuse(*_, **__):
        raise RuntimeError("cannot cache function 'step': no locator available")

    monkeypatch.setattr(numba, "njit", refuse)
    monkeypatch.delitem(sys.modules, "ddsp_match.fitting.optimise.adam_kernels", raising=False)
    monkeypatch.delattr("ddsp_match.fitting.optimise.adam_kernels", raising=False)
    adam.kernels.cache_clear()
    assert adam.kernels() is None
    monkeypatch.undo()
    adam.kernels.cache_clear()
    assert adam.kernels() is not None


def test_steps_must_be_a_number():
    _, groups, render, loss = problem()
    with pytest.raises(ValueError, match="steps"):
        optimise(groups, render, loss, OptimizerSettings(steps=None))


def test_a_long_gradient_is_clipped():
    moved = []
    for clip in (0.0, 1e-9):
        numbers = torch.nn.Parameter(torch.zeros(3))
        settings = OptimizerSettings(steps=1, clip_norm=clip, lr=0.5)
        optimise([{"params": [numbers]}], lambda p=numbers: p, lambda x: (x - 5).abs().sum(), settings)
        moved.append(float(numbers.detach().abs().max()))
    # Adam divides by the gradient's size, so only a gradient as small as its epsilon is seen to be clipped.
    assert moved[0] == pytest.approx(0.5, rel=1e-3) and moved[1] < 0.1


def test_a_close_start_is_not_ruined_by_the_first_steps():
    """Adam's first step is as long as the rate says, however close the numbers are: it is taken back and shortened."""
    start = WANTED + torch.tensor([0.001, -0.002, 0.001])
    numbers = torch.nn.Parameter(start.clone())
    settings = OptimizerSettings(steps=30, lr=0.05)
    trace = optimise([{"params": [numbers]}], lambda: numbers, lambda x: (x - WANTED).abs().sum(), settings)
    assert trace.loss[1] > 10 * trace.loss[0] and trace.loss[2] == pytest.approx(trace.loss[0])
    assert max(trace.loss[3:]) < 3 * trace.loss[0] and trace.best[-1] < 0.7 * trace.loss[0]
    assert trace.recoveries == 0


def test_a_far_start_goes_at_full_pace():
    """A loss that does not double is left alone."""
    numbers, groups, render, loss = problem()
    optimise(groups, render, loss, OptimizerSettings(steps=1, lr=0.05, clip_norm=0.0))
    assert_close(numbers.abs(), torch.full((3,), 0.05), 1e-4)
