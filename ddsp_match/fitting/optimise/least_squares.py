"""Least squares with bounds, for few numbers and a known answer: Levenberg and Marquardt's method.

The slopes are finite differences, taken as one batch: whatever renders many settings at once needs no derivative of
its own, and a kink (a clipper) does no harm. In float64 the step of 1e-7 leaves slopes good to about seven digits,
which costs no convergence: only where the answer lies matters, not the path.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import torch
from jaxtyping import Float

from ddsp_match.fitting.optimise.trace import StopReason, Trace

STEP = 1e-7  # of a finite difference, in units of the whole range
DAMPINGS = (1e-3, 3e-2, 1.0, 30.0)  # tried at once, times the present damping
LOWEST_DAMPING, HIGHEST_DAMPING = 1e-13, 1e7
STALLED = 1e-5  # relative gain below which a step does not count as progress

# Settings (rows, numbers) to pieces of their residuals (rows, samples); the pieces together are the residual vector.
Residuals = Callable[[Float[torch.Tensor, "rows numbers"]], Iterable[Float[torch.Tensor, "rows samples"]]]


@dataclass
class Solution:
    """The end of a search of the unit cube, by least squares or by descent.

    Attributes:
        position: The best numbers, 0 to 1 each.
        value: Sum of squares, or loss, there.
        path: The best numbers after each step, the start first; their values are the trace's `best`.
        trace: Loss and seconds, as of every optimisation.
    """

    position: Float[torch.Tensor, " numbers"]
    value: float
    path: list[torch.Tensor] = field(default_factory=list)
    trace: Trace = field(default_factory=Trace)


def sums_of_squares(residuals: Residuals, rows: Float[torch.Tensor, "rows numbers"]) -> Float[torch.Tensor, " rows"]:
    """Sum of squared residuals of each row; infinite where a residual is not finite."""
    with torch.inference_mode():
        total = torch.zeros(len(rows), dtype=torch.float64)
        for piece in residuals(rows):
            total += piece.double().square().sum(1)
        return torch.where(torch.isfinite(total), total, math.inf)


def least_squares(
    residuals: Residuals,
    start: Float[torch.Tensor, " numbers"],
    *,
    steps: int = 100,
    target: float = 0.0,
    patience: int = 4,
    budget_s: float | None = None,
    on_step: Callable[[int, float, torch.Tensor], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Solution:
    """Minimises a sum of squares over the unit cube.

    Args:
        residuals: Renders many settings at once; see `Residuals`.
        start: Numbers between 0 and 1.
        steps: Most steps to take.
        target: Sum of squares at which to stop.
        patience: Steps without progress after which to stop.
        budget_s: Seconds after which to stop.
        on_step: Told the step, the sum of squares and the numbers.
        stop: Asked before every step whether to end now.

    Returns:
        The best numbers seen and how they were reached.

    Reference:
        Marquardt 1963, "An algorithm for least-squares estimation of nonlinear parameters"; bounds by projection, with
        the numbers held that sit on a bound and want to leave.
    """
    began = time.perf_counter()
    position = start.detach().double().clamp(0, 1).clone()
    value = float(sums_of_squares(residuals, position[None])[0])
    solution = Solution(position, value, [position.clone()])
    solution.trace.add(0, value, time.perf_counter() - began)
    if on_step:
        on_step(0, value, position)
    damping, stale = 1e-2, 0
    for step in range(1, steps + 1):
        if value <= target:
            solution.trace.reason = StopReason.TARGET
            break
        if stop and stop():
            solution.trace.reason = StopReason.INTERRUPTED
            break
        if budget_s is not None and time.perf_counter() - began >= budget_s:
            solution.trace.reason = StopReason.BUDGET
            break
        hessian, slope = normal_equations(residuals, position)
        before = value
        for _ in range(4):
            rows = _candidates(hessian, slope, position, damping)
            values = sums_of_squares(residuals, rows)
            best = int(values.argmin())
            if float(values[best]) < value:
                position, value = rows[best].clone(), float(values[best])
                damping = min(max(damping * DAMPINGS[best], LOWEST_DAMPING), HIGHEST_DAMPING)
                break
            damping = min(damping * DAMPINGS[-1] ** 2, HIGHEST_DAMPING)
        solution.path.append(position.clone())
        solution.trace.add(step, value, time.perf_counter() - began)
        if on_step:
            on_step(step, value, position)
        stale = 0 if value < before * (1 - STALLED) else stale + 1
        if value == before and damping >= HIGHEST_DAMPING:
            stale = patience
        if stale >= patience:
            solution.trace.reason = StopReason.PLATEAU
            break
    else:
        solution.trace.reason = StopReason.TARGET if value <= target else StopReason.STEPS
    solution.position, solution.value = position, value
    return solution


def normal_equations(
    residuals: Residuals, position: Float[torch.Tensor, " numbers"]
) -> tuple[Float[torch.Tensor, "numbers numbers"], Float[torch.Tensor, " numbers"]]:
    """Half the Gauss-Newton second derivative and half the gradient at a place, from one batch of rows."""
    with torch.inference_mode():
        count = len(position)
        # Inwards, so that no setting outside its range is ever rendered.
        ways = torch.where(position > 0.5, -STEP, STEP)
        rows = torch.cat([position[None], position + torch.diag(ways)])
        hessian, slope = torch.zeros(count, count, dtype=torch.float64), torch.zeros(count, dtype=torch.float64)
        for piece in residuals(rows):
            piece = piece.double()
            slopes = (piece[1:] - piece[:1]) / ways[:, None]
            slopes = torch.nan_to_num(slopes, nan=0.0, posinf=0.0, neginf=0.0)
            hessian += slopes @ slopes.T
            slope += slopes @ torch.nan_to_num(piece[0])
        return hessian, slope


def _candidates(
    hessian: torch.Tensor, slope: torch.Tensor, position: torch.Tensor, damping: float
) -> Float[torch.Tensor, "dampings numbers"]:
    """Damped steps from `position`, kept within the cube."""
    free = ~(((position <= 0) & (slope > 0)) | ((position >= 1) & (slope < 0)))
    rows = []
    for factor in DAMPINGS:
        moved = position
        inside = free.clone()
        # A step that would cross a bound is taken up to it, and the others are worked out anew without that number.
        for _ in range(4):
            wanted = _step(hessian, slope, inside, damping * factor, moved - position)
            tried = moved + wanted
            out = inside & ((tried < 0) | (tried > 1))
            if not bool(out.any()):
                moved = tried
                break
            moved = torch.where(out, tried.clamp(0, 1), moved)
            inside = inside & ~out
        rows.append(moved.clamp(0, 1))
    return torch.stack(rows)


def _step(
    hessian: torch.Tensor, slope: torch.Tensor, inside: torch.Tensor, damping: float, done: torch.Tensor
) -> torch.Tensor:
    """The damped Newton step of the numbers `inside`, the others having been moved by `done`."""
    step = torch.zeros_like(slope)
    index = torch.nonzero(inside)[:, 0]
    if not len(index):
        return step
    part = hessian[index][:, index]
    scale = part.diagonal().clamp(min=1e-14 * float(part.diagonal().max()) + 1e-300)
    system = part + torch.diag(damping * scale)
    right = -(slope + hessian @ done)[index]
    # Scaled to a unit diagonal: knobs differ by many orders of magnitude in what they do to the sound.
    root = scale.sqrt()
    scaled = system / root[:, None] / root[None, :]
    try:
        step[index] = torch.linalg.solve(scaled, right / root) / root
    except RuntimeError:  # singular to working precision; a larger damping will do
        step[index] = right / system.diagonal()
    return step
