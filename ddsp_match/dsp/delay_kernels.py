"""Compiled loops over delay lines; imported on first use, for numba takes a second.

Everything is float64, ``(channels, samples)``.
"""

from __future__ import annotations

import numba

from ddsp_match.dsp.tiny import TINY


@numba.njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def run_loop(x, y, line, place, lowpass, backwards, first, latency, feedback, damping, of_x, of_v):  # noqa: D103
    size, taps = line.shape[1] // 2, len(backwards)
    at = place
    for c in range(x.shape[0]):
        at, low, ring = place, lowpass[c], line[c]
        for n in range(x.shape[1]):
            value = x[c, n]
            if feedback == 0.0:
                ring[at] = value
                ring[at + size] = value
            start = (at - first - taps + 1) % size
            late = 0.0
            for k in range(taps):
                late += backwards[k] * ring[start + k]
            if feedback == 0.0:
                y[c, n] = of_x * ring[at + size - latency] + of_v * late
            else:
                low = (1.0 - damping) * late + damping * low
                if abs(low) < TINY:
                    low = 0.0
                into = value + feedback * low
                ring[at] = into
                ring[at + size] = into
                y[c, n] = of_x * value + of_v * late
            at = at + 1 if at + 1 < size else 0
        lowpass[c] = low
    return at


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def run_freeverb(x, sides, lines, places, lengths, lows, feedback, damp):  # noqa: D103
    combs = lows.shape[1]
    for side in range(2):
        sides[side, :] = 0.0
        for i in range(combs):
            line, length, place, low = lines[side, i], lengths[side, i], places[side, i], lows[side, i]
            for n in range(len(x)):
                late = line[place]
                low = (1.0 - damp) * late + damp * low
                if abs(low) < TINY:
                    low = 0.0
                line[place] = x[n] + feedback * low
                sides[side, n] += late
                place = place + 1 if place + 1 < length else 0
            places[side, i], lows[side, i] = place, low
        for i in range(combs, lengths.shape[1]):
            line, length, place = lines[side, i], lengths[side, i], places[side, i]
            for n in range(len(x)):
                value, late = sides[side, n], line[place]
                into = value + 0.5 * late
                line[place] = into if abs(into) > TINY else 0.0
                sides[side, n] = late - value
                place = place + 1 if place + 1 < length else 0
            places[side, i] = place
