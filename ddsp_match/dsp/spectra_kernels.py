"""Compiled loops around the two FFTs of the spectral loss; imported on first use, for numba takes half a second.

All is float32, one row of a batch at a time. Signatures are given, so that the import does all the loading, in
whatever thread it happens. `reassoc` lets sums run in vector lanes; nothing here assumes that numbers are finite.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

BLOCK = 1024
# So many ratios are multiplied before a logarithm is taken: without their exponents they lie below 2, so that the
# product stays below 2^64.
GROUP = 64
ONE, ZERO = np.float32(1), np.float32(0)
FAST: dict[str, Any] = {"fastmath": {"contract", "reassoc", "nsz"}, "error_model": "numpy"}
NUMBER, COUNT = numba.float32, numba.intp
ROW, BLOCKS = numba.float32[::1], numba.float32[:, ::1]
MANTISSA, BITS_OF_ONE = np.uint32(0x007FFFFF), np.uint32(0x3F800000)


@numba.njit(numba.void(ROW, COUNT, COUNT, ROW), cache=True, nogil=True)
def reflected(x, n, half, wide):  # noqa: D103
    for i in range(n):
        wide[half + i] = x[i]
    for i in range(half):
        wide[i] = x[half - i] if n > half else ZERO
        wide[half + n + i] = x[n - 2 - i] if n > half else ZERO


@numba.njit(numba.void(ROW, COUNT, COUNT, ROW), cache=True, nogil=True)
def folded(wide, n, half, out):  # noqa: D103
    for i in range(out.shape[0]):
        out[i] = wide[half + i] if i < n else ZERO
    if n > half:
        for i in range(half):
            out[half - i] += wide[i]
            out[n - 2 - i] += wide[half + n + i]


@numba.njit(numba.void(ROW, ROW, COUNT, COUNT, BLOCKS), cache=True, nogil=True)
def framed(wide, window, first, hop, blocks):  # noqa: D103
    size = window.shape[0]
    for f in range(blocks.shape[0]):
        begin = (first + f) * hop
        frame, block = wide[begin : begin + size], blocks[f]
        for j in range(size):
            block[j] = frame[j] * window[j]


@numba.njit(numba.void(BLOCKS, ROW, COUNT, COUNT, ROW), cache=True, nogil=True, fastmath={"contract"})
def overlapped(blocks, window, first, hop, wide):  # noqa: D103
    size = window.shape[0]
    for f in range(blocks.shape[0]):
        begin = (first + f) * hop
        frame, block = wide[begin : begin + size], blocks[f]
        for j in range(size):
            frame[j] += block[j] * window[j]


@numba.njit(numba.float64(ROW), cache=True, nogil=True, **FAST)
def log_of_product(ratios):  # noqa: D103
    bits = ratios.view(np.uint32)
    exponents = ZERO
    for i in range(bits.shape[0]):
        exponents += np.float32(bits[i] >> 23)
    for i in range(bits.shape[0]):
        bits[i] = np.uint32(bits[i] & MANTISSA) | BITS_OF_ONE
    total = math.log(2.0) * (exponents - 127.0 * bits.shape[0])
    for group in range(ratios.shape[0] // GROUP):
        mantissas = ratios[group * GROUP : (group + 1) * GROUP]
        product = ONE
        for i in range(GROUP):
            product *= mantissas[i]
        total += math.log(product)
    return total


@numba.njit(
    numba.void(ROW, ROW, NUMBER, NUMBER, NUMBER, NUMBER, NUMBER, numba.float64[::1]), cache=True, nogil=True, **FAST
)
def compared(parts, target, floor, highest_inverse, linear, log, convergence, sums):
    """Adds the three sums of the differences to `sums`, and turns the spectrum `parts` into the gradient's."""
    ratios = np.empty(BLOCK, np.float32)
    total, total_log, squares = 0.0, 0.0, 0.0
    count = target.shape[0]
    for block in range((count + BLOCK - 1) // BLOCK):
        size = min(BLOCK, count - block * BLOCK)
        # Slices, for an index that might be negative keeps a loop from running in vector lanes.
        wanted = target[block * BLOCK : block * BLOCK + size]
        part = parts[2 * block * BLOCK : 2 * (block * BLOCK + size)]
        near, square = ZERO, ZERO
        for i in range(size):
            re, im, magnitude = part[2 * i], part[2 * i + 1], wanted[i]
            power = re * re + im * im
            power = floor if power < floor else power  # this way round a NaN stays one
            level = np.sqrt(power)
            difference = level - magnitude
            near += abs(difference)
            square += difference * difference
            above = difference > ZERO
            ratios[i] = (level if above else magnitude) / (magnitude if above else level)
            inverse = ONE / level
            # A floored magnitude does not move with the signal.
            inverse = inverse if inverse < highest_inverse else ZERO
            slope = log * inverse + linear
            slope = slope if above else (-slope if difference < ZERO else ZERO)
            slope = (slope + convergence * difference) * inverse
            part[2 * i] = re * slope
            part[2 * i + 1] = im * slope
        total += near
        squares += square
        whole = -(-size // GROUP) * GROUP
        for i in range(size, whole):
            ratios[i] = ONE
        total_log += log_of_product(ratios[:whole])
    sums[0] += total
    # The exponents of what is not finite mean nothing.
    sums[1] += total_log if math.isfinite(total) else total
    sums[2] += squares


@numba.njit(numba.void(ROW, COUNT), cache=True, nogil=True)
def doubled_ends(parts, bins):  # noqa: D103
    for f in range(parts.shape[0] // (2 * bins)):
        for k in (2 * f * bins, 2 * (f + 1) * bins - 2):
            parts[k] *= 2
            parts[k + 1] *= 2
