"""Compiled loops of recursive filters with constant coefficients; imported on first use, for numba takes a second.

Rows are filtered one by one: row `r` takes the input `of_x[r]` and the coefficients `of_c[r]`, so that one sound under
many settings, or many sounds under one, are never copied. Everything is float64.
"""

from __future__ import annotations

import numba
import numpy as np

from ddsp_match.dsp.tiny import TINY

CHUNK = 32  # samples between two looks at the state


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def forward(x, b, a, of_x, of_c, y):  # noqa: D103
    rows, n = y.shape
    order = b.shape[1] - 1
    # Written out, the second order keeps its state in registers; most filters are of that order.
    if order == 2:
        for r in range(rows):
            b0, b1, b2 = b[of_c[r], 0], b[of_c[r], 1], b[of_c[r], 2]
            a1, a2 = a[of_c[r], 1], a[of_c[r], 2]
            row, out = x[of_x[r]], y[r]
            x1 = x2 = y1 = y2 = 0.0
            for start in range(0, n, CHUNK):
                if abs(y1) + abs(y2) < TINY:
                    y1 = y2 = 0.0
                for i in range(start, min(start + CHUNK, n)):
                    value = row[i]
                    # The newest output enters last: the loop waits for one product alone.
                    new = (b0 * value + b1 * x1 + b2 * x2 - a2 * y2) - a1 * y1
                    x2, x1, y2, y1 = x1, value, y1, new
                    out[i] = new
        return
    for r in range(rows):
        taps, row, out, back = b[of_c[r]], x[of_x[r]], y[r], a[of_c[r]]
        for i in range(n):
            out[i] = taps[0] * row[i]
        for k in range(1, order + 1):
            for i in range(k, n):
                out[i] += taps[k] * row[i - k]
        for i in range(n):
            total = out[i]
            for k in range(min(order, i), 0, -1):
                total -= back[k] * out[i - k]
            out[i] = total if abs(total) > TINY else 0.0


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def backward(g, x, y, b, a, of_x, of_c, needs_x, gx, gb, ga):  # noqa: D103
    rows, n = y.shape
    order = b.shape[1] - 1
    if order == 2:
        for r in range(rows):
            c = of_c[r]
            b0, b1, b2, a1, a2 = b[c, 0], b[c, 1], b[c, 2], a[c, 1], a[c, 2]
            row, out, slope, into = x[of_x[r]], y[r], g[r], gx[of_x[r]]
            w1 = w2 = 0.0
            s0 = s1 = s2 = t1 = t2 = 0.0
            for stop in range(n, 0, -CHUNK):
                if abs(w1) + abs(w2) < TINY:
                    w1 = w2 = 0.0
                # The adjoint of 1 / A(z) is 1 / A(z) run backwards in time; w is the gradient at the recursion's input.
                for i in range(stop - 1, max(stop - CHUNK, 0) - 1, -1):
                    w = (slope[i] - a2 * w2) - a1 * w1
                    if needs_x:
                        into[i] += b0 * w + b1 * w1 + b2 * w2
                    value, output = row[i], out[i]
                    s0 += w * value
                    s1 += w1 * value
                    s2 += w2 * value
                    t1 += w1 * output
                    t2 += w2 * output
                    w2, w1 = w1, w
            gb[c, 0] += s0
            gb[c, 1] += s1
            gb[c, 2] += s2
            ga[c, 1] -= t1
            ga[c, 2] -= t2
        return
    w = np.zeros(n + order)
    for r in range(rows):
        c = of_c[r]
        row, out, into = x[of_x[r]], y[r], gx[of_x[r]]
        for i in range(n - 1, -1, -1):
            total = g[r, i]
            for k in range(order, 0, -1):
                total -= a[c, k] * w[i + k]
            w[i] = total if abs(total) > TINY else 0.0
        for k in range(order + 1):
            with_x = with_y = 0.0
            for i in range(n):
                with_x += w[i + k] * row[i]
                with_y += w[i + k] * out[i]
            gb[c, k] += with_x
            if k:
                ga[c, k] -= with_y
            if needs_x:
                for i in range(n):
                    into[i] += b[c, k] * w[i + k]
