"""Compiled loops over complex spectra as pairs of reals; imported on first use, for numba takes a while.

Spectra are ``(rows, bins, 2)``, gains ``(rows, bins)``. torch would make the gains complex first, or go through memory
once for the products and once for their sums.
"""

from __future__ import annotations

import numba


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def scaled(spectra, gain, out):  # noqa: D103
    rows, bins = gain.shape
    for row in range(rows):
        for b in range(bins):
            out[row, b, 0] = spectra[row, b, 0] * gain[row, b]
            out[row, b, 1] = spectra[row, b, 1] * gain[row, b]


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def inner(left, right, out):  # noqa: D103
    rows, bins = out.shape
    for row in range(rows):
        for b in range(bins):
            out[row, b] = left[row, b, 0] * right[row, b, 0] + left[row, b, 1] * right[row, b, 1]
