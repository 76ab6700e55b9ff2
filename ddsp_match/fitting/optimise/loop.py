"""The loop of gradient descent: numbers, a function that renders them, a function that judges the result.

Every fit of many numbers runs here: controls with and without effects, and knobs by Adam. Searches for few numbers, by
Levenberg-Marquardt or L-BFGS, take curvature into account and try steps; they are in `least_squares` and `bounded`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import overload

import torch

from ddsp_match.core.settings import OptimizerSettings
from ddsp_match.fitting.optimise.adam import Adam
from ddsp_match.fitting.optimise.course import Course, Sounds
from ddsp_match.fitting.optimise.trace import StopReason, Trace

WEIGHT_DECAY = 0.01  # of adamw, torch's default
OnStep = Callable[[int, float, float], None]


@overload
def optimise(
    groups: list[dict],
    render: Callable[[], torch.Tensor],
    loss: Callable[[torch.Tensor], torch.Tensor],
    settings: OptimizerSettings,
    *,
    budget_s: float | None = None,
    on_step: OnStep | None = None,
    stop: Callable[[], bool] | None = None,
    owners: None = None,
    draws: int = 1,
) -> Trace: ...


@overload
def optimise(
    groups: list[dict],
    render: Callable[[], torch.Tensor],
    loss: Callable[[torch.Tensor], torch.Tensor],
    settings: OptimizerSettings,
    *,
    budget_s: float | None = None,
    on_step: OnStep | None = None,
    stop: Callable[[], bool] | None = None,
    owners: Sequence[int],
    draws: int = 1,
) -> list[Trace]: ...


def optimise(
    groups: list[dict],
    render: Callable[[], torch.Tensor],
    loss: Callable[[torch.Tensor], torch.Tensor],
    settings: OptimizerSettings,
    *,
    budget_s: float | None = None,
    on_step: OnStep | None = None,
    stop: Callable[[], bool] | None = None,
    owners: Sequence[int] | None = None,
    draws: int = 1,
) -> Trace | list[Trace]:
    """Changes the parameters in place until `loss` of what `render` gives is low; leaves the best ones seen.

    Independent sounds may be optimised at once, each as if alone: its own clipping, recoveries, ends and best numbers.
    One that has ended keeps its best numbers while the others go on. The numbers of a step are read from the device
    once.

    Args:
        groups: Parameter groups as a torch optimiser takes them; a missing ``lr`` is the settings'.
        render: Renders the present parameters, inside autograd.
        loss: Distance of a rendering to the target, a differentiable scalar; with `owners` each sound's, ``(sounds,)``.
        settings: Update rule, schedule and ends; its steps are a number.
        budget_s: Seconds after which to end; overrides the settings' budget.
        on_step: Told the step, its loss and the best loss so far; of several sounds, the means over them.
        stop: Asked before every step whether to end now, for instance because the user wants so.
        owners: Sound of each row, counted from 0, where every parameter's first axis is rows; None: all is one sound.
        draws: Steps over which a loss is averaged before it is compared, where each step draws something by chance.

    Returns:
        The trace with the reason of its end; with `owners`, one for each sound.
    """
    if settings.steps is None:
        raise ValueError("how many steps are taken must be settled before")
    parameters = [p for group in groups for p in group["params"]]
    steps, budget_s = settings.steps, settings.budget_s if budget_s is None else budget_s
    # A short memory of squared gradients (0.99) follows a loss whose gradient shrinks over a few hundred steps.
    decay = WEIGHT_DECAY if settings.name == "adamw" else 0.0
    sounds = Sounds(parameters, owners)
    adam = Adam(groups, settings.lr, (0.9, 0.99), decay, owners if sounds.count > 1 else None)
    courses = [Course(draws=draws) for _ in range(sounds.count)]
    began = time.perf_counter()
    try:
        for step in range(steps + 1):
            losses, norms = _descended(render, loss, adam, sounds, slopes=step < steps)
            elapsed_s = time.perf_counter() - began
            to_report = [c.running and math.isfinite(value) for c, value in zip(courses, losses, strict=True)]
            lower = [
                c.running and c.note(settings, step, value, elapsed_s) for c, value in zip(courses, losses, strict=True)
            ]
            sounds.keep([sound for sound, is_lower in enumerate(lower) if is_lower])
            if on_step and any(to_report):
                on_step(step, _mean([c.trace.loss for c in courses]), _mean([c.trace.best for c in courses]))
            common = None
            if stop and stop():
                common = StopReason.INTERRUPTED
            elif budget_s is not None and time.perf_counter() - began >= budget_s:
                common = StopReason.BUDGET
            paces, gains, back = _judged(courses, losses, norms, settings, step, steps, common)
            # Back to the best numbers, without the momentum that led astray.
            sounds.restore(back)
            for sound in back:
                adam.forget(sound)
            if not any(course.running for course in courses):
                break
            adam.step(paces, gains)
    finally:
        # Also when a second Ctrl-C breaks into a step: what is left behind is the best so far.
        sounds.restore(range(sounds.count))
    return courses[0].trace if owners is None else [course.trace for course in courses]


def _descended(
    render: Callable[[], torch.Tensor],
    loss: Callable[[torch.Tensor], torch.Tensor],
    adam: Adam,
    sounds: Sounds,
    *,
    slopes: bool,
) -> tuple[list[float], list[float]]:
    """Every sound's loss at the present numbers and, with `slopes`, its gradient and that one's norm."""
    values = loss(render()).reshape(-1)
    if len(values) != sounds.count:
        raise ValueError(f"{len(values)} losses for {sounds.count} sounds")
    if not slopes:
        return values.tolist(), [0.0] * sounds.count
    adam.zero_grad()
    values.sum().backward()
    # Read together, because every reading waits for the device.
    numbers = torch.cat([values.detach(), sounds.gradient_norms()]).tolist()
    return numbers[: sounds.count], numbers[sounds.count :]


def _judged(
    courses: list[Course],
    losses: list[float],
    norms: list[float],
    settings: OptimizerSettings,
    step: int,
    steps: int,
    common: StopReason | None,
) -> tuple[list[float], list[float], list[int]]:
    """The pace of each sound, the factor of its gradient, and which sounds go back to their best numbers."""
    share = _scheduled(settings, step / steps)
    paces, gains, back = [0.0] * len(courses), [1.0] * len(courses), []
    for sound, (course, loss, norm) in enumerate(zip(courses, losses, norms, strict=True)):
        if not course.running:
            continue
        course.end(settings, step, common, last=step >= steps)
        if course.running and not (math.isfinite(loss) and math.isfinite(norm)):
            course.recover()
            back.append(sound)
        elif not course.running or course.overshoots(step, loss):
            back.append(sound)
        else:
            paces[sound] = course.caution * share
            if settings.clip_norm and norm > settings.clip_norm:
                gains[sound] = settings.clip_norm / norm
    return paces, gains, back


def _scheduled(settings: OptimizerSettings, done: float) -> float:
    if settings.schedule == "constant":
        return 1.0
    return settings.lr_final + (1 - settings.lr_final) * 0.5 * (1 + math.cos(math.pi * done))


def _mean(rows: list[list[float]]) -> float:
    """Of the last entries of those that have one."""
    last = [row[-1] for row in rows if row]
    return sum(last) / len(last)
