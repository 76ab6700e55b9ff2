"""The one optimisation loop: numbers, something that renders them, something that judges the result."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import torch

from ddsp_match.settings import OptimizerSettings

MAX_RECOVERIES = 5
WEIGHT_DECAY = 0.01  # of adamw, torch's default


class StopReason(StrEnum):
    """Why an optimisation ended."""

    STEPS = "all steps done"
    TARGET = "target loss reached"
    PLATEAU = "plateau: the loss no longer fell"
    BUDGET = "time budget spent"
    INTERRUPTED = "interrupted"
    DIVERGED = "the loss was not finite again and again"


class Adam:
    """Adam (Kingma and Ba 2015), and AdamW (Loshchilov and Hutter 2019) where `weight_decay` is given.

    The steps of `torch.optim.Adam`, to rounding (tested). Its own because torch's loads the compiler on its first
    step: more than a second, a quarter of a short fit.

    Args:
        groups: As torch's optimisers take them: ``{"params": [...], "lr": ...}``.
        lr: Learning rate of groups without one.
        betas: Memories of gradient and squared gradient.
        weight_decay: Share of a parameter that is taken off each step, times the learning rate.
    """

    EPSILON = 1e-8

    def __init__(
        self, groups: list[dict], lr: float, betas: tuple[float, float] = (0.9, 0.999), weight_decay: float = 0.0
    ) -> None:
        self.groups = [{"lr": lr, **group} for group in groups]
        self.betas, self.weight_decay = betas, weight_decay
        self.forget()

    def forget(self) -> None:
        """Starts anew from the present parameters, without momentum."""
        self.count = 0
        self._memory = [
            [(torch.zeros_like(p), torch.zeros_like(p)) for p in group["params"]] for group in self.groups
        ]

    def zero_grad(self) -> None:
        """Drops the gradients."""
        for group in self.groups:
            for p in group["params"]:
                p.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Moves every parameter that has a gradient."""
        self.count += 1
        first, second = self.betas
        scale, shrink = 1 - first**self.count, math.sqrt(1 - second**self.count)
        for group, memory in zip(self.groups, self._memory, strict=True):
            for p, (mean, square) in zip(group["params"], memory, strict=True):
                if p.grad is None:
                    continue
                mean.lerp_(p.grad, 1 - first)
                square.mul_(second).addcmul_(p.grad, p.grad, value=1 - second)
                if self.weight_decay:
                    p.mul_(1 - group["lr"] * self.weight_decay)
                size = square.sqrt().div_(shrink).add_(self.EPSILON)
                p.addcdiv_(mean, size, value=-group["lr"] / scale)


@dataclass
class Trace:
    """The course of an optimisation, one entry an evaluated step; entry 0 is the start.

    Attributes:
        steps: Step numbers.
        loss: Loss before that step's update.
        best: Lowest loss so far.
        seconds: Time since the optimisation began.
        reason: Why it ended.
        recoveries: How often a non-finite step was taken back.
    """

    steps: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    best: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    reason: StopReason = StopReason.STEPS
    recoveries: int = 0

    def add(self, step: int, loss: float, seconds: float) -> None:
        """Appends one evaluated step."""
        self.steps.append(step)
        self.loss.append(loss)
        self.best.append(min(loss, self.best[-1]) if self.best else loss)
        self.seconds.append(seconds)


def optimise(
    groups: list[dict],
    render: Callable[[], torch.Tensor],
    loss: Callable[[torch.Tensor], torch.Tensor],
    settings: OptimizerSettings,
    *,
    budget_s: float | None = None,
    on_step: Callable[[int, float, float], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Trace:
    """Changes the parameters in place until `loss` of what `render` gives is low; leaves the best ones seen.

    Args:
        groups: Parameter groups as a torch optimiser takes them; a missing ``lr`` is the settings'.
        render: Renders the present parameters, inside autograd.
        loss: Distance of a rendering to the target, a differentiable scalar.
        settings: Update rule, schedule and ends.
        budget_s: Seconds after which to end; overrides the settings' budget.
        on_step: Told the step, its loss and the best loss so far.
        stop: Asked before every step whether to end now, for instance because the user wants so.

    Returns:
        The trace with the reason of its end.
    """
    parameters = [p for group in groups for p in group["params"]]
    budget_s = settings.budget_s if budget_s is None else budget_s
    # A short memory of squared gradients (0.99) follows a loss whose gradient shrinks over a few hundred steps.
    decay = WEIGHT_DECAY if settings.name == "adamw" else 0.0
    optimizer = Adam(groups, lr=settings.lr, betas=(0.9, 0.99), weight_decay=decay)
    full_rates = [group["lr"] for group in optimizer.groups]
    trace, caution = Trace(), 1.0
    best = [p.detach().clone() for p in parameters]
    lowest, marked, marked_at = math.inf, math.inf, 0
    began = time.perf_counter()
    try:
        for step in range(settings.steps + 1):
            value = loss(render())
            number = float(value.detach())
            if math.isfinite(number):
                trace.add(step, number, time.perf_counter() - began)
                if number < lowest:
                    lowest = number
                    for kept, p in zip(best, parameters, strict=True):
                        kept.copy_(p.detach())
                if number < marked * (1 - settings.min_improvement):
                    marked, marked_at = number, step
                if on_step:
                    on_step(step, number, lowest)
            reason = _reason(settings, step, lowest, step - marked_at, time.perf_counter() - began, budget_s, stop)
            if reason:
                trace.reason = reason
                break
            optimizer.zero_grad()
            if math.isfinite(number):
                value.backward()
            if not math.isfinite(number) or not _gradients_finite(parameters):
                trace.recoveries += 1
                if trace.recoveries > MAX_RECOVERIES:
                    trace.reason = StopReason.DIVERGED
                    break
                # Back to the best numbers, without the momentum that led astray, at half the pace.
                _restore(parameters, best)
                optimizer.forget()
                caution /= 2
                continue
            if settings.clip_norm:
                _clip(parameters, settings.clip_norm)
            share = caution * _scheduled(settings, step)
            for group, rate in zip(optimizer.groups, full_rates, strict=True):
                group["lr"] = rate * share
            optimizer.step()
    finally:
        # Also when a second Ctrl-C breaks into a step: what is left behind is the best so far.
        _restore(parameters, best)
    return trace


def _reason(
    settings: OptimizerSettings,
    step: int,
    lowest: float,
    stale: int,
    elapsed_s: float,
    budget_s: float | None,
    stop: Callable[[], bool] | None,
) -> StopReason | None:
    if settings.target_loss is not None and lowest <= settings.target_loss:
        return StopReason.TARGET
    if stop and stop():
        return StopReason.INTERRUPTED
    if budget_s is not None and elapsed_s >= budget_s:
        return StopReason.BUDGET
    if settings.patience and stale >= settings.patience:
        return StopReason.PLATEAU
    return StopReason.STEPS if step >= settings.steps else None


def _scheduled(settings: OptimizerSettings, step: int) -> float:
    if settings.schedule == "constant":
        return 1.0
    return settings.lr_final + (1 - settings.lr_final) * 0.5 * (1 + math.cos(math.pi * step / settings.steps))


def _gradients_finite(parameters: list[torch.Tensor]) -> bool:
    return all(p.grad is None or bool(torch.isfinite(p.grad).all()) for p in parameters)


def _clip(parameters: list[torch.Tensor], largest: float) -> None:
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = float(torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in gradients])))
    if norm > largest:
        for g in gradients:
            g.mul_(largest / norm)


def _restore(parameters: list[torch.Tensor], best: list[torch.Tensor]) -> None:
    with torch.no_grad():
        for p, kept in zip(parameters, best, strict=True):
            p.copy_(kept)
