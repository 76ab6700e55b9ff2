"""Ranges: a bijection between free numbers and physical ones."""

from __future__ import annotations

import pytest
import torch

from ddsp_match.core.params import Parameter
from tests.compare import assert_close

RANGES = [
    Parameter("pan", low=-1.0, high=1.0),
    Parameter("cutoff", low=20.0, high=20_000.0, unit="Hz", curve="log"),
    Parameter("amplitude", low=1e-7, high=2.0, curve="exp_sigmoid"),
    Parameter("phase", low=-3.2, high=3.2, unit="rad", curve="free"),
]


@pytest.mark.parametrize("range_", RANGES, ids=lambda r: r.name)
def test_there_and_back(range_):
    free = torch.linspace(-3, 3, 25, dtype=torch.float64)
    value = range_.to_physical(free)
    assert_close(range_.to_free(value), free, 1e-4)
    assert bool((value.diff() > 0).all())
    assert bool((value > range_.low).all() and (value < range_.high + 1e-6).all())


def test_a_log_range_halves_in_the_geometric_middle():
    middle = RANGES[1].to_physical(torch.zeros(1, dtype=torch.float64))
    assert_close(middle, [(20.0 * 20_000.0) ** 0.5], 1e-6)


@pytest.mark.parametrize("range_", RANGES[:3], ids=lambda r: r.name)
def test_values_beyond_the_ends_stay_finite(range_):
    ends = torch.tensor([range_.low - 1, range_.low, range_.high, range_.high + 1], dtype=torch.float64)
    back = range_.to_physical(range_.to_free(ends))
    assert bool(torch.isfinite(back).all())
    assert bool((back >= range_.low).all() and (back <= range_.high + 1e-6).all())


@pytest.mark.parametrize(("low", "high", "curve"), [(1.0, 1.0, "linear"), (0.0, 1.0, "log"), (0.0, 1.0, "exp_sigmoid")])
def test_impossible_ranges_are_refused(low, high, curve):
    with pytest.raises(ValueError, match="broken"):
        Parameter("broken", low=low, high=high, curve=curve)
