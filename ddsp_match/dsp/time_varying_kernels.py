"""Compiled loops of filters whose cutoff moves; imported on first use, for numba takes a second.

Row `r` takes the input `of_x[r]` and the coefficients `of_c[r]`; states are read and left behind, so that blocks join.
Everything is float64.
"""

from __future__ import annotations

import numba
import numpy as np

from ddsp_match.dsp.tiny import TINY


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def state_variable(x, g, k, of_x, of_c, state, band, low):  # noqa: D103
    rows, n = band.shape
    for r in range(rows):
        row, warp, damping = x[of_x[r]], g[of_c[r]], k[of_c[r]]
        s1, s2 = state[r, 0], state[r, 1]
        for i in range(n):
            t = warp[i]
            # The trapezoidal integrators feed back within the sample: solved for the band output v1.
            v1 = (s1 + t * (row[i] - s2)) / (1.0 + t * (t + damping))
            v2 = s2 + t * v1
            s1 = 2.0 * v1 - s1
            s2 = 2.0 * v2 - s2
            if abs(s1) + abs(s2) < TINY:
                s1 = s2 = 0.0
            band[r, i] = v1
            low[r, i] = v2
        state[r, 0], state[r, 1] = s1, s2


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def state_variable_backward(x, g, k, of_x, of_c, band, low, d_band, d_low, dx, dg, dk):  # noqa: D103
    rows, n = band.shape
    for r in range(rows):
        c = of_c[r]
        damping, to_k = k[c], 0.0
        p1 = p2 = 0.0
        for i in range(n - 1, -1, -1):
            t, v1 = g[c, i], band[r, i]
            s2 = low[r, i] - t * v1
            share = 1.0 / (1.0 + t * (t + damping))
            # Adjoints of v2, v1, and of the bracket that v1 is a share of.
            q2 = d_low[r, i] + 2.0 * p2
            q1 = d_band[r, i] + 2.0 * p1 + t * q2
            u = share * q1
            dx[of_x[r], i] += t * u
            dg[c, i] += q2 * v1 + (x[of_x[r], i] - s2) * u - u * v1 * (2.0 * t + damping)
            to_k -= u * v1 * t
            p1, p2 = u - p1, q2 - p2 - t * u
            if abs(p1) + abs(p2) < TINY:
                p1 = p2 = 0.0
        dk[c] += to_k


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def allpasses(x, a, feedback, of_x, of_c, state, wet):  # noqa: D103
    rows, n = wet.shape
    stages = state.shape[1]
    for r in range(rows):
        row, turn, back, s = x[of_x[r]], a[of_c[r]], feedback[of_c[r]], state[r]
        for i in range(n):
            t = turn[i]
            c = np.sqrt(1.0 - t * t)
            # The output of the stages' memories alone, and the gain of the path without delay: the loop around
            # them has no delay and is solved for its input.
            memory, direct = 0.0, 1.0
            for m in range(stages):
                memory = t * memory + c * s[m]
                direct *= t
            v = (row[i] + back * memory) / (1.0 - back * direct)
            # A reflection of input and memory: orthogonal, so that energy is kept while t moves.
            for m in range(stages):
                out = t * v + c * s[m]
                new = c * v - t * s[m]
                s[m] = new if abs(new) > TINY else 0.0
                v = out
            wet[r, i] = v


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def allpasses_backward(x, a, feedback, of_x, of_c, state, wet, d_wet, dx, da, d_feedback):  # noqa: D103
    # Each stage is a reflection, its own inverse: run backwards in time from the last state, the loop passes through
    # every state it had, and none is stored.
    rows, n = wet.shape
    stages = state.shape[1]
    s, q = np.zeros(stages), np.zeros(stages)
    into = np.zeros(stages)
    for r in range(rows):
        c_row = of_c[r]
        back, to_feedback = feedback[c_row], 0.0
        s[:] = state[r]
        q[:] = 0.0  # adjoints of the states
        for i in range(n - 1, -1, -1):
            t = a[c_row, i]
            c = np.sqrt(1.0 - t * t)
            v = wet[r, i]
            for m in range(stages - 1, -1, -1):
                into[m] = t * v + c * s[m]
                s[m] = c * v - t * s[m]
                v = into[m]
            # The adjoint of the loop's input: from the states through the stages, then around the loop.
            memory, direct = 0.0, 1.0
            for m in range(stages - 1, -1, -1):
                memory = t * memory + c * q[m]
                direct *= t
            loop = (direct * d_wet[r, i] + memory) / (1.0 - back * direct)
            to_feedback += loop * wet[r, i]
            d = d_wet[r, i] + back * loop
            slope = 0.0
            for m in range(stages - 1, -1, -1):
                slope += d * (into[m] - t / c * s[m]) - q[m] * (t / c * into[m] + s[m])
                out = t * d + c * q[m]
                new = c * d - t * q[m]
                q[m] = new if abs(new) > TINY else 0.0
                d = out
            dx[of_x[r], i] += loop
            da[c_row, i] += slope
        d_feedback[c_row] += to_feedback
