"""Gradient descent within the unit cube, where numbers are many or the distance is no sum of squares."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float

from ddsp_match.fitting.optimise.adam import Adam
from ddsp_match.fitting.optimise.least_squares import Solution
from ddsp_match.fitting.optimise.trace import StopReason

Loss = Callable[[Float[torch.Tensor, " numbers"]], torch.Tensor]


class _Ended(Exception):
    """Breaks out of a library's loop."""

    def __init__(self, reason: StopReason) -> None:
        super().__init__(str(reason))
        self.reason = reason


def descend(
    loss: Loss,
    start: Float[torch.Tensor, " numbers"],
    *,
    method: str,
    steps: int = 100,
    lr: float = 0.02,
    target: float = 0.0,
    budget_s: float | None = None,
    on_step: Callable[[int, float, torch.Tensor], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Solution:
    """Minimises a differentiable loss over the unit cube.

    Args:
        loss: Of one place in the cube; backward is called on it.
        start: Numbers between 0 and 1.
        method: ``lbfgs`` (L-BFGS-B, Byrd et al. 1995, as SciPy has it) or ``adam`` (projected onto the cube).
        steps: Most steps to take.
        lr: Adam's first step width, as a share of a range; falls to a hundredth along half a cosine.
        target: Loss at which to stop.
        budget_s: Seconds after which to stop.
        on_step: Told the step, its loss and the numbers.
        stop: Asked before every step whether to end now.

    Returns:
        The best numbers seen.
    """
    began = time.perf_counter()
    place = start.detach().double().clamp(0, 1).clone().requires_grad_()
    solution = Solution(place.detach().clone(), math.inf)

    def check() -> None:
        if solution.value <= target:
            raise _Ended(StopReason.TARGET)
        if stop and stop():
            raise _Ended(StopReason.INTERRUPTED)
        if budget_s is not None and time.perf_counter() - began >= budget_s:
            raise _Ended(StopReason.BUDGET)

    def evaluate() -> float:
        place.grad = None
        value = loss(place)
        number = float(value.detach())
        value.backward()
        if place.grad is None or not bool(torch.isfinite(place.grad).all()):
            place.grad = torch.zeros_like(place)
        if number < solution.value:
            solution.value, solution.position = number, place.detach().clone()
        return number

    def note(step: int, number: float) -> None:
        solution.path.append(solution.position)
        solution.trace.add(step, number, time.perf_counter() - began)
        if on_step:
            on_step(step, solution.value, solution.position)

    try:
        if method == "adam":
            _adam(place, evaluate, check, note, steps, lr)
            solution.trace.reason = StopReason.STEPS
        else:
            solution.trace.reason = _lbfgs(place, evaluate, check, note, steps)
    except _Ended as ended:
        solution.trace.reason = ended.reason
    if solution.value < solution.trace.best[-1]:  # seen on the way to a step that was not finished
        note(solution.trace.steps[-1] + 1, solution.value)
    return solution


def _adam(
    place: torch.Tensor,
    evaluate: Callable[[], float],
    check: Callable[[], None],
    note: Callable[[int, float], None],
    steps: int,
    lr: float,
) -> None:
    adam = Adam([{"params": [place]}], lr=lr, betas=(0.9, 0.99))
    for step in range(steps + 1):
        note(step, evaluate())
        check()
        adam.groups[0]["lr"] = lr * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / max(steps, 1))))
        adam.step()
        with torch.no_grad():
            place.clamp_(0, 1)


def _lbfgs(
    place: torch.Tensor,
    evaluate: Callable[[], float],
    check: Callable[[], None],
    note: Callable[[int, float], None],
    steps: int,
) -> StopReason:
    from scipy.optimize import minimize

    count, lowest = 0, math.inf

    def with_slope(x: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal lowest
        with torch.no_grad():
            place.copy_(torch.from_numpy(np.clip(x, 0.0, 1.0)))
        value = evaluate()
        lowest = min(lowest, value)
        if count == 0:
            note_iteration(x)  # the start
        check()
        slope = torch.zeros_like(place) if place.grad is None else place.grad
        return (value if math.isfinite(value) else 1e30), slope.numpy().copy()

    def note_iteration(_: np.ndarray) -> None:
        nonlocal count
        note(count, lowest)
        count += 1

    first = place.detach().numpy().copy()
    outcome = minimize(
        with_slope,
        first,
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, 1.0)] * len(first),
        callback=note_iteration,
        options={"maxiter": steps, "maxfun": 4 * steps, "ftol": 1e-15, "gtol": 1e-12, "maxcor": 20},
    )
    # SciPy says 1 for too many steps and for too many evaluations alike.
    return StopReason.STEPS if outcome.status == 1 else StopReason.PLATEAU
