import math

import pytest
import torch

from ddsp_match.fitting.optimise import StopReason, Trace
from ddsp_match.fitting.optimise.bounded import descend
from ddsp_match.fitting.optimise.least_squares import least_squares, sums_of_squares
from tests.compare import assert_close


def rosenbrock(rows):
    """Its valley is curved and its bottom at (1, 1), which is 0.75 of -2 to 2."""
    x = 4 * rows - 2
    yield torch.stack([10 * (x[:, 1] - x[:, 0] ** 2), 1 - x[:, 0]], 1)


def test_the_bottom_of_a_curved_valley():
    found = least_squares(rosenbrock, torch.tensor([0.1, 0.9]), target=1e-22)
    assert_close(found.position, torch.tensor([0.75, 0.75]), 1e-9)
    assert found.trace.reason is StopReason.TARGET
    assert len(found.path) == len(found.trace.loss) < 80


def line(slope, offset, x):
    return (slope[:, None] * x + offset[:, None] - (0.3 * x + 0.7)).double()


def test_a_linear_problem_takes_few_steps():
    x = torch.linspace(-1, 1, 50, dtype=torch.float64)
    start = torch.tensor([0.9, 0.1], dtype=torch.float64)
    found = least_squares(lambda rows: [line(rows[:, 0], rows[:, 1], x)], start, target=1e-20)
    assert_close(found.position, [0.3, 0.7], 1e-9)
    assert len(found.path) <= 8


def test_a_bound_is_reached_and_not_crossed():
    goal = torch.tensor([1.5, 0.3, -1.0], dtype=torch.float64)
    seen = []

    def residuals(rows):
        seen.append(rows.clone())
        yield rows - goal + 0.1 * rows[:, :1] * rows[:, 1:2]

    found = least_squares(residuals, torch.full((3,), 0.5))
    everything = torch.cat(seen)
    assert float(everything.min()) >= 0 and float(everything.max()) <= 1
    assert_close(found.position[[0, 2]], torch.tensor([1.0, 0.0]), 0.0)
    # With the others on their bounds, the middle one minimises (0.1 u - 0.5)^2 + (1.1 u - 0.3)^2 + (1 + 0.1 u)^2.
    assert_close(found.position[1], 0.28 / 1.23, 1e-6)


def test_pieces_add_up():
    x = torch.linspace(-1, 1, 50, dtype=torch.float64)
    start = torch.tensor([0.9, 0.1], dtype=torch.float64)
    whole = least_squares(lambda rows: [line(rows[:, 0], rows[:, 1], x)], start, target=1e-20)
    pieces = least_squares(
        lambda rows: [line(rows[:, 0], rows[:, 1], part) for part in x.split(7)], start, target=1e-20
    )
    assert_close(pieces.trace.loss, whole.trace.loss, 1e-12)


def test_a_setting_that_is_not_finite_is_never_taken():
    def residuals(rows):
        yield torch.where(rows > 0.8, torch.nan, rows - 0.79)

    found = least_squares(residuals, torch.tensor([0.1]))
    assert_close(found.position, torch.tensor([0.79]), 1e-6)
    assert sums_of_squares(residuals, torch.tensor([[0.9]])).tolist() == [math.inf]


def test_it_ends_when_told_to_and_when_time_is_up():
    calls = []
    stopped = least_squares(
        rosenbrock, torch.tensor([0.1, 0.9]), stop=lambda: len(calls) > 2, on_step=lambda *a: calls.append(a)
    )
    assert stopped.trace.reason is StopReason.INTERRUPTED and len(stopped.path) == 3
    late = least_squares(rosenbrock, torch.tensor([0.1, 0.9]), budget_s=0.0)
    assert late.trace.reason is StopReason.BUDGET and len(late.path) == 1


def test_a_flat_place_is_a_plateau():
    found = least_squares(lambda rows: [torch.ones(len(rows), 3)], torch.tensor([0.5]))
    assert found.trace.reason is StopReason.PLATEAU
    assert_close(found.position, torch.tensor([0.5]), 0.0)


@pytest.mark.parametrize(("method", "steps", "near"), [("lbfgs", 200, 1e-4), ("adam", 600, 0.02)])
def test_gradients_find_the_same_bottom(method, steps, near):
    def loss(place):
        return next(rosenbrock(place[None])).square().sum()

    found = descend(loss, torch.tensor([0.4, 0.6]), method=method, steps=steps)
    assert_close(found.position, torch.tensor([0.75, 0.75]), near)
    assert len(found.path) == len(found.trace.loss)


@pytest.mark.parametrize("method", ["lbfgs", "adam"])
def test_gradients_keep_to_the_cube(method):
    found = descend(
        lambda place: (place - torch.tensor([1.5, -0.5])).square().sum(), torch.tensor([0.5, 0.5]), method=method
    )
    assert_close(found.position, torch.tensor([1.0, 0.0]), 1e-9)
    ended = descend(lambda place: place.sum(), torch.tensor([0.5]), method=method, target=0.6)
    assert ended.trace.reason is StopReason.TARGET


@pytest.mark.parametrize("method", ["lbfgs", "adam"])
def test_the_path_leads_from_the_start_through_the_lowest_places(method):
    def loss(place):
        return next(rosenbrock(place[None])).square().sum()

    start = torch.tensor([0.1, 0.9], dtype=torch.float64)
    found = descend(loss, start, method=method, steps=30, lr=0.2)
    assert_close(found.path[0], start, 0.0)
    assert found.trace.steps[0] == 0
    # Adam strays with so long a step.
    assert method == "lbfgs" or max(found.trace.loss[1:]) > found.trace.loss[0]
    assert_close([float(loss(place)) for place in found.path], found.trace.best, 1e-12)
    assert_close(found.path[-1], found.position, 0.0)


def test_a_descent_cut_off_between_two_steps_still_ends_its_path_at_the_best():
    def loss(place):
        return next(rosenbrock(place[None])).square().sum()

    found = descend(loss, torch.tensor([0.1, 0.9]), method="lbfgs", target=1.0)
    assert found.trace.reason is StopReason.TARGET
    assert found.trace.best[-1] == found.value <= 1.0
    assert_close(found.path[-1], found.position, 0.0)


def test_running_out_of_evaluations_is_no_plateau():
    # At a kink a step takes many evaluations.
    found = descend(
        lambda place: (30 * (place - 0.3)).abs().sum(), torch.tensor([0.92, 0.77]), method="lbfgs", steps=10
    )
    assert len(found.path) <= 10
    assert found.trace.reason is StopReason.STEPS


def test_a_loss_that_is_no_number_is_never_the_lowest():
    trace = Trace()
    for step, loss in enumerate([math.nan, 3.0, math.nan, 2.0, 4.0]):
        trace.add(step, loss, 0.0)
    assert trace.best == [math.inf, 3.0, 3.0, 2.0, 2.0]
