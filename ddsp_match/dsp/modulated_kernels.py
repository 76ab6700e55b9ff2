"""Compiled loops of a delay line with changing length; imported on first use, for numba takes a second."""

from __future__ import annotations

import math

import numba
import numpy as np

from ddsp_match.dsp.tiny import TINY

HALF = 16  # coefficients on either side


@numba.njit(cache=True, nogil=True)
def kernel(delay, taps, slopes, with_slopes):
    """Coefficients from ``floor(delay) - HALF + 1`` on, and their slopes in the length."""
    width = min(delay - 1.0, float(HALF))
    grows = 1.0 if delay - 1.0 < HALF else 0.0
    first = math.floor(delay) - HALF + 1
    offset = first - delay
    sine, cosine = math.sin(math.pi * offset), math.cos(math.pi * offset)
    step = math.pi / width
    turn_c, turn_s = math.cos(step), math.sin(step)
    c, s = math.cos(step * offset), math.sin(step * offset)
    for k in range(2 * HALF):
        t = offset + k
        sinc = 1.0 if abs(t) < 1e-9 else sine / (math.pi * t)
        inside = abs(t) < width
        window = 0.42 + 0.5 * c + 0.08 * (2.0 * c * c - 1.0) if inside else 0.0
        taps[k] = sinc * window
        if with_slopes:
            bend = -math.pi**2 * t / 3.0 if abs(t) < 1e-5 else (cosine - sinc) / t
            lean = -math.pi * s * (0.5 + 0.32 * c) if inside else 0.0
            slopes[k] = -bend * window - sinc * lean * (1.0 / width + grows * t / (width * width))
        sine, cosine = -sine, -cosine
        c, s = c * turn_c - s * turn_s, s * turn_c + c * turn_s
    return first


@numba.njit(cache=True, nogil=True)
def forward(x, delay, feedback, line, start, late):
    """`line` holds the past up to `start` and takes what goes into it; `late` what comes out."""
    taps, slopes = np.empty(2 * HALF), np.empty(0)
    for n in range(len(x)):
        first = kernel(delay[n], taps, slopes, False)
        newest = start + n - first
        total = 0.0
        for k in range(max(0, 1 - first), min(2 * HALF, newest + 1)):
            total += taps[k] * line[newest - k]
        if abs(total) < TINY:
            total = 0.0
        late[n] = total
        line[start + n] = x[n] + feedback * total


@numba.njit(cache=True, nogil=True)
def backward(slope, line, late, delay, feedback, to_line, to_delay):
    """The adjoint of `forward` from time zero: slopes for the line's input and, added, for the lengths."""
    taps, slopes = np.empty(2 * HALF), np.empty(2 * HALF)
    for n in range(len(slope) - 1, -1, -1):
        back = slope[n] + feedback * to_line[n]
        if abs(back) < TINY:
            continue
        first = kernel(delay[n], taps, slopes, True)
        newest, total = n - first, 0.0
        for k in range(max(0, 1 - first), min(2 * HALF, newest + 1)):
            to_line[newest - k] += back * taps[k]
            total += slopes[k] * line[newest - k]
        to_delay[n] += back * total
