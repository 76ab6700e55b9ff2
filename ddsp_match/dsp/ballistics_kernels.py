"""Compiled loops of the envelope follower; imported on first use, for numba takes a second.

Row `row` follows the target `sound` with the speeds `setting`; one target or one setting serves all rows. Everything is
float64.
"""

from __future__ import annotations

import numba

from ddsp_match.dsp.tiny import TINY


@numba.njit(cache=True, nogil=True)
def follow(target, rise, fall, start, out):  # noqa: D103
    for row in range(out.shape[0]):
        sound = row if target.shape[0] > 1 else 0
        setting = row if rise.shape[0] > 1 else 0
        up, down, state = rise[setting], fall[setting], start[setting]
        for n in range(out.shape[1]):
            way = target[sound, n] - state
            state += (up if way > 0 else down) * way
            if abs(state) < TINY:
                state = 0.0
            out[row, n] = state


@numba.njit(cache=True, nogil=True)
def adjoint(target, rise, fall, start, out, slope, d_target, d_rise, d_fall, d_start):  # noqa: D103
    for row in range(out.shape[0]):
        sound = row if target.shape[0] > 1 else 0
        setting = row if rise.shape[0] > 1 else 0
        adjoint_state = 0.0  # slope of the score over the state after sample n
        for n in range(out.shape[1] - 1, -1, -1):
            adjoint_state += slope[row, n]
            # The branch of the forward pass, from its float64 states.
            way = target[sound, n] - (out[row, n - 1] if n > 0 else start[setting])
            if way > 0:
                share = rise[setting]
                d_rise[setting] += adjoint_state * way
            else:
                share = fall[setting]
                d_fall[setting] += adjoint_state * way
            d_target[sound, n] += adjoint_state * share
            adjoint_state *= 1 - share
            if abs(adjoint_state) < TINY:
                adjoint_state = 0.0
        d_start[setting] += adjoint_state
