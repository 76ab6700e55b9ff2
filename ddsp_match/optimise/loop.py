"""The one optimisation loop: numbers, something that renders them, something that judges the result."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch

from ddsp_match.optimise.adam import Adam
from ddsp_match.optimise.trace import StopReason, Trace
from ddsp_match.settings import OptimizerSettings

MAX_RECOVERIES = 5
WEIGHT_DECAY = 0.01  # of adamw, torch's default


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
