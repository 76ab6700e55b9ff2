"""The comparison that the tests use: one that cannot pass by comparing nothing."""

from __future__ import annotations

import numpy as np


def assert_close(actual: object, expected: object, atol: float) -> None:
    """Fails unless two arrays have the same shape and every pair of elements lies within `atol`.

    Empty operands, NaN or infinity on either side, and shapes that would broadcast all fail.

    Args:
        actual: An array, tensor, list or number.
        expected: The same shape.
        atol: The largest difference allowed.
    """
    first, second = _array(actual), _array(expected)
    if first.shape != second.shape:
        raise AssertionError(f"shapes differ: {first.shape} and {second.shape}")
    if first.size == 0:
        raise AssertionError(f"nothing to compare: shape {first.shape}")
    for name, array in (("actual", first), ("expected", second)):
        if not np.isfinite(array).all():
            bad = np.count_nonzero(~np.isfinite(array))
            raise AssertionError(f"{name} has {bad} of {array.size} elements that are NaN or infinite")
    difference = np.abs(first - second)
    worst = np.unravel_index(difference.argmax(), difference.shape)
    if not difference[worst] <= atol:
        at = tuple(int(index) for index in worst)
        raise AssertionError(
            f"differ by {difference[worst]:.3g} > {atol:.3g} at {at}: {first[at]} and {second[at]}"
        )


def _array(value: object) -> np.ndarray:
    """The value as float64 or complex128, so that integers do not wrap in the difference."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    array = np.asarray(value)
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
