"""Knots: exact where a curve has them, fewer for a higher price, and none cheaper among all subsets."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from ddsp_match.dsp.knots import LEAST_WEIGHT, KnotSearch, hats, values_at


def polyline(times: list[int], *rows: list[float]) -> torch.Tensor:
    return torch.tensor(rows) @ hats(torch.tensor(times), times[-1] + 1)


def search(curve: torch.Tensor, longest: int = 1000) -> KnotSearch:
    return KnotSearch(curve, torch.ones_like(curve), longest)


def test_the_knots_of_a_polyline_are_found_exactly():
    times = [0, 7, 20, 23, 40]
    curve = polyline(times, [0.0, -30.0, 5.0, 5.0, 1.0], [1.0, 1.0, -8.0, 20.0, 3.0])
    assert search(curve).at(1e-3).tolist() == times
    share = hats(torch.tensor(times), 41)
    values = values_at(torch.tensor(times), curve, torch.ones_like(curve))
    torch.testing.assert_close(values @ share, curve, atol=1e-3, rtol=0)


def test_a_higher_price_buys_fewer_knots():
    curve = torch.randn(1, 80, generator=torch.Generator().manual_seed(0)).cumsum(1)
    found = search(curve)
    counts = [len(found.at(price)) for price in (1e-6, 0.1, 1.0, 10.0, 100.0, 1e6)]
    assert counts == sorted(counts, reverse=True) and counts[0] > 70 and counts[-1] == 1


def test_a_constant_is_one_knot():
    assert search(torch.full((3, 50), -4.0)).at(1e-3).tolist() == [0]
    assert search(torch.full((1, 1), -4.0)).at(1e-3).tolist() == [0]
    assert search(torch.zeros(0, 50)).at(1e-3).tolist() == [0]


def test_no_two_knots_lie_farther_apart_than_allowed():
    knots = search(torch.linspace(0, 10, 101).unsqueeze(0), longest=30).at(1e-3)
    assert knots[0] == 0 and knots[-1] == 100 and np.diff(knots).max() <= 30


@pytest.mark.parametrize("price", [0.05, 0.5, 3.0])
def test_no_subset_of_the_frames_is_cheaper(price):
    generator = torch.Generator().manual_seed(1)
    curve, weights = torch.randn(2, 9, generator=generator), torch.rand(2, 9, generator=generator)
    rows, counts = curve.double().numpy(), weights.double().numpy() + LEAST_WEIGHT

    def cost(knots: tuple[int, ...] | np.ndarray) -> float:
        lines = np.stack([np.interp(np.arange(9), knots, row[list(knots)]) for row in rows])
        return float((counts * (rows - lines) ** 2).sum()) + price * len(knots)

    inner = itertools.chain.from_iterable(itertools.combinations(range(1, 8), size) for size in range(8))
    mean = (counts * rows).sum(1, keepdims=True) / counts.sum(1, keepdims=True)
    constant = float((counts * (rows - mean) ** 2).sum()) + price
    best = min(cost((0, *some, 8)) for some in inner)
    found = KnotSearch(curve, weights, 9).at(price)
    assert (len(found) == 1) == (constant < best)
    assert len(found) == 1 or cost(found) == pytest.approx(best)


def test_before_the_first_knot_and_behind_the_last_a_curve_is_level():
    curve = torch.tensor([[1.0, 3.0]]) @ hats(torch.tensor([2, 4]), 7)
    assert curve.tolist() == [[1.0, 1.0, 1.0, 2.0, 3.0, 3.0, 3.0]]


def test_a_knot_where_nothing_counts_stays_finite():
    curve = torch.full((1, 20), -160.0)
    curve[:, :10] = 0.0
    weights = (curve > -100).float()
    found = KnotSearch(curve, weights, 100).at(1.0)
    values = values_at(torch.from_numpy(found), curve, weights)
    assert bool(torch.isfinite(values).all()) and float(values.abs().max()) < 200
