"""Rows of a batch: sums by sound, ends, and lists that do not fit."""

from __future__ import annotations

import math

import pytest
import torch

from ddsp_match.dsp.rows import Rows
from tests.compare import assert_close


def test_rows_are_summed_by_their_sound():
    rows = Rows(5, 10, owners=[1, 0, 1, 2, 1])
    assert rows.sounds == 3
    assert_close(rows.summed(torch.tensor([1.0, 2.0, 4.0, 8.0, 16.0])), [2.0, 21.0, 8.0], 0.0)
    assert_close(rows.spread(torch.tensor([1.0, 2.0, 3.0])), [2.0, 1.0, 2.0, 3.0, 2.0], 0.0)
    assert rows.counts([1, 2, 4, 8, 16]) == [2, 21, 8]


@pytest.mark.parametrize("owners", [[0, 1, 0], [0, 1, 2]])
def test_what_is_not_finite_stays_its_own_sound_s(owners):
    result = Rows(3, 10, owners).summed(torch.tensor([1.0, math.nan, 2.0]))
    assert [math.isnan(value) for value in result.tolist()] == [sound == 1 for sound in range(len(result))]


def test_what_lies_behind_an_end_is_dropped():
    x = torch.tensor([[1.0, 2.0, 3.0], [4.0, math.nan, math.inf]])
    assert_close(Rows(2, 3, lengths=[3, 1]).kept(x), [[1.0, 2.0, 3.0], [4.0, 0.0, 0.0]], 0.0)
    assert Rows(2, 3, lengths=[3, 3]).ends is None


@pytest.mark.parametrize(
    "lists",
    [{"owners": own} for own in ([0], [0, 2], [-1, 0])] + [{"lengths": n} for n in ([3], [3, 4], [0, 3])],
)
def test_lists_that_do_not_fit_are_refused(lists):
    with pytest.raises(ValueError, match=r"owners|lengths"):
        Rows(2, 3, **lists)
