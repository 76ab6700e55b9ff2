"""Independent sounds in one loop: each ends where it would alone, and none feels another."""

from __future__ import annotations

import math

import pytest
import torch

from ddsp_match.core.controls import Controls
from ddsp_match.core.settings import LossSettings, OptimizerSettings
from ddsp_match.core.timebase import Timebase
from ddsp_match.fitting.optimise import Adam, StopReason, optimise
from ddsp_match.losses.total import TotalLoss
from ddsp_match.models.exact import ExactModel
from tests.compare import assert_close

OWNERS = [0, 1, 1, 2]
SMALL, LARGE = 3, Adam.LEAST_COMPILED  # numbers a row: tensor operations, and compiled loops


def distances(x: torch.Tensor, wanted: torch.Tensor, owners: list[int]) -> torch.Tensor:
    """Of each sound; steeper from sound to sound, so that clipping differs."""
    rows = (x - wanted).abs().mean(1)
    return torch.stack(
        [10.0**sound * rows[[o == sound for o in owners]].sum() for sound in range(max(owners) + 1)]
    )


def fitted(owners, wanted: torch.Tensor, settings: OptimizerSettings, spoil=lambda values, step: values):
    """What rows that start at zero come to, and the traces."""
    numbers, calls = torch.nn.Parameter(torch.zeros_like(wanted)), []

    def loss(x: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        values = spoil(distances(x, wanted, owners or [0] * len(wanted)), len(calls) - 1)
        return values[0] if owners is None else values

    trace = optimise([{"params": [numbers]}], lambda: numbers * 1.0, loss, settings, owners=owners)
    return numbers.detach(), trace


def goals(size: int) -> torch.Tensor:
    g = torch.Generator().manual_seed(0)
    # The third sound starts on its goal but for a little; the others have far to go.
    return torch.randn(len(OWNERS), size, generator=g) * torch.tensor([1.0, 0.5, 0.5, 0.02]).unsqueeze(1)


SETTINGS = {
    "all steps": OptimizerSettings(steps=40, lr=0.02, clip_norm=0.001),
    "targets": OptimizerSettings(steps=60, lr=0.02, clip_norm=0.0, target_loss=0.4),
    "plateaus": OptimizerSettings(steps=60, lr=0.02, patience=5, min_improvement=0.05),
    "decay": OptimizerSettings(name="adamw", steps=30, lr=0.02),
}


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_each_sound_goes_as_it_would_alone(size, settings):
    wanted = goals(size)
    # Alone it is sound 0: the same factor as in the batch.
    numbers, traces = fitted(OWNERS, wanted, settings)
    reasons = set()
    for sound, trace in enumerate(traces):
        rows = [owner == sound for owner in OWNERS]
        factor = 10.0**sound
        alone, expected = fitted(
            None, wanted[rows], settings, lambda values, _, factor=factor: values * factor
        )
        assert (trace.reason, trace.steps, trace.recoveries) == (expected.reason, expected.steps, 0)
        assert_close(numbers[rows], alone, 1e-5)
        assert_close(trace.loss, expected.loss, 1e-4 * factor)
        assert_close(trace.best, expected.best, 1e-4 * factor)
        reasons.add((trace.reason, trace.steps[-1]))
    assert len(reasons) > 1 or settings.steps in (30, 40)  # those that end early do so at different steps


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_a_batch_of_one_is_the_single_sound_to_the_bit(size):
    settings = OptimizerSettings(steps=40, clip_norm=1e-3)
    numbers, traces = fitted([0, 0, 0, 0], goals(size), settings)
    alone, trace = fitted(None, goals(size), settings)
    assert_close(numbers, alone, 0.0)
    assert traces[0].loss == trace.loss


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_sound_that_stumbles_recovers_alone(size, bad):
    settings = OptimizerSettings(steps=40, lr=0.02)

    def stumble(values: torch.Tensor, step: int) -> torch.Tensor:
        factors = torch.ones(3)
        if step in (7, 9):
            factors[1] = bad
        return values * factors

    numbers, traces = fitted(OWNERS, goals(size), settings, stumble)
    undisturbed, others = fitted(OWNERS, goals(size), settings)
    assert [trace.recoveries for trace in traces] == [0, 2, 0]
    for rows, sound in (([0], 0), ([3], 2)):
        assert_close(numbers[rows], undisturbed[rows], 0.0)
        assert traces[sound].loss == others[sound].loss
    assert traces[1].steps == [step for step in range(41) if step not in (7, 9)]
    assert traces[1].best[-1] < 0.75 * traces[1].loss[0]
    wanted = goals(size)[1:3]
    alone, trace = fitted(None, wanted, settings, lambda v, step: v * 10 * (bad if step in (7, 9) else 1.0))
    assert_close(numbers[1:3], alone, 1e-5)
    assert trace.recoveries == 2


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_a_sound_that_diverges_ends_and_the_others_go_on(size):
    settings = OptimizerSettings(steps=30, lr=0.02)

    def fall(values: torch.Tensor, step: int) -> torch.Tensor:
        return values * torch.tensor([1.0, math.nan if step > 3 else 1.0, 1.0])

    numbers, traces = fitted(OWNERS, goals(size), settings, fall)
    undisturbed, _ = fitted(OWNERS, goals(size), settings)
    assert [trace.reason for trace in traces] == [StopReason.STEPS, StopReason.DIVERGED, StopReason.STEPS]
    assert traces[1].steps == [0, 1, 2, 3]
    assert_close(numbers[[0, 3]], undisturbed[[0, 3]], 0.0)
    assert_close(distances(numbers, goals(size), OWNERS)[1], traces[1].best[-1], 1e-5)


def test_the_user_s_wish_and_the_budget_end_all():
    settings = OptimizerSettings(steps=9)
    for more, reason in (({"stop": lambda: True}, StopReason.INTERRUPTED), ({"budget_s": 0.0}, StopReason.BUDGET)):
        numbers = torch.nn.Parameter(torch.zeros(4, 3))
        traces = optimise(
            [{"params": [numbers]}], lambda numbers=numbers: numbers, lambda x: distances(x, goals(3), OWNERS),
            settings, owners=OWNERS, **more,
        )  # fmt: skip
        assert [trace.reason for trace in traces] == [reason] * 3
        assert_close(numbers, torch.zeros(4, 3), 0.0)


def test_the_mean_over_sounds_is_told():
    told = []
    numbers = torch.nn.Parameter(torch.zeros(4, 3))
    traces = optimise(
        [{"params": [numbers]}], lambda: numbers * 1.0, lambda x: distances(x, goals(3), OWNERS),
        OptimizerSettings(steps=5), owners=OWNERS, on_step=lambda *numbers: told.append(numbers),
    )  # fmt: skip
    assert [step for step, _, _ in told] == list(range(6))
    assert_close([value for _, value, _ in told], torch.tensor([t.loss for t in traces]).mean(0), 1e-5)
    assert_close([best for _, _, best in told], torch.tensor([t.best for t in traces]).mean(0), 1e-5)


def test_numbers_that_no_row_owns_are_refused():
    numbers = torch.nn.Parameter(torch.zeros(3))
    with pytest.raises(ValueError, match="4 rows"):
        optimise([{"params": [numbers]}], lambda: numbers, lambda x: x.sum(), OptimizerSettings(steps=9), owners=OWNERS)


def test_as_many_losses_as_sounds_are_asked_for():
    numbers = torch.nn.Parameter(torch.zeros(4, 3))
    with pytest.raises(ValueError, match="1 losses for 3 sounds"):
        optimise([{"params": [numbers]}], lambda: numbers, lambda x: x.sum(), OptimizerSettings(steps=9), owners=OWNERS)


@pytest.mark.parametrize("rest", [0.0, 0.5])
def test_free_controls_of_different_lengths(rest):
    settings = LossSettings(convergence=rest, mel=rest, loudness=rest, waveform=rest)
    # In float64, for in float32 the slope of a faint bin's logarithm is mostly the rounding of what is rendered.
    timebase, lengths, partials = Timebase.at(16000), [8000, 5333, 7000], 10
    frames, k = timebase.frames(max(lengths)), torch.arange(1, partials + 1).view(1, -1, 1)
    f0_hz = torch.tensor([[220.0], [331.0], [97.0]], dtype=torch.float64).expand(-1, frames)
    g = torch.Generator().manual_seed(1)
    phases = 2 * math.pi * torch.rand(3, partials, 1, dtype=torch.float64, generator=g)
    time_s = torch.arange(max(lengths), dtype=torch.float64) / 16000
    sines = torch.sin(2 * math.pi * f0_hz[:, :1, None] * k * time_s + phases)

    def played(controls: Controls, rows: list[int], n: int) -> torch.Tensor:
        amplitudes = controls.partial_amplitudes.repeat_interleave(timebase.hop, 2)[..., :n]
        return (amplitudes * sines[rows, :, :n]).sum(1)

    def start(rows: list[int], n: int) -> ExactModel:
        amplitude = torch.full((len(rows), timebase.frames(n)), 0.3, dtype=torch.float64)
        shares = torch.full((len(rows), partials, timebase.frames(n)), 1 / partials, dtype=torch.float64)
        guess = Controls(f0_hz[rows, : timebase.frames(n)], amplitude, shares, shares[:, :0])
        return ExactModel(guess, timebase.nyquist_hz)

    target = 0.3 * (torch.rand(3, partials, 1, dtype=torch.float64, generator=g) * sines).sum(1)
    target += 1e-3 * torch.randn(target.shape, dtype=torch.float64, generator=g)
    steps = OptimizerSettings(steps=8)
    together = start([0, 1, 2], max(lengths))
    loss = TotalLoss(target, 16000, settings, owners=[0, 1, 2], lengths=lengths)
    traces = optimise(
        together.groups(0.05, 0.05), lambda: played(together(), [0, 1, 2], max(lengths)), loss, steps, owners=[0, 1, 2]
    )
    for row, n in enumerate(lengths):
        alone = start([row], n)
        loss = TotalLoss(target[row : row + 1, :n], 16000, settings)
        trace = optimise(
            alone.groups(0.05, 0.05), lambda row=row, n=n, alone=alone: played(alone(), [row], n), loss, steps
        )
        assert_close(traces[row].loss, trace.loss, 1e-6)
        assert_close(together.raw_shares[row, :, : timebase.frames(n)], alone.raw_shares[0], 1e-5)
        assert trace.best[-1] < 0.9 * trace.best[0]
