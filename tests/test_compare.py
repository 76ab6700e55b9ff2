"""The comparison helper refuses what would let a test pass for nothing."""

from __future__ import annotations

import numpy as np
import pytest

from tests.compare import assert_close


def test_equal_values_pass() -> None:
    assert_close([1.0, 2.0], np.array([1.0, 2.0 + 1e-7]), atol=1e-6)


@pytest.mark.parametrize(
    ("actual", "expected", "says"),
    [
        ([1.0, 2.0], [1.0, 2.1], "differ by 0.1 > 1e-06 at \\(1,\\)"),
        ([], [], "nothing to compare"),
        ([np.nan], [np.nan], "NaN"),
        ([np.inf], [np.inf], "infinite"),
        ([1.0, 1.0], 1.0, "shapes differ"),
        (np.ones((3, 1)), np.ones((1, 3)), "shapes differ"),
        (np.array([0], np.uint8), np.array([255], np.uint8), "differ by 255"),
        ([1 + 1j], [1 - 1j], "differ by 2"),
    ],
)
def test_everything_else_fails(actual: object, expected: object, says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        assert_close(actual, expected, atol=1e-6)
