"""Compiled loops that read waveforms along a running phase; imported on first use, for numba takes a while.

Waveforms are ``(batch, frames, size)``, the first points of the taps ``(rows, samples)``, their weights ``(taps, rows,
samples)``; one row of taps serves the whole batch, or each signal has its own. Between two frames a sample crossfades
from the earlier frame's waveform to the later one's. Both loops run in a fixed order: the same numbers every time.
"""

from __future__ import annotations

import numba
import numpy as np

from ddsp_match.dsp.waveform_taps import KERNEL_TAPS

TAPS = KERNEL_TAPS


@numba.njit(cache=True, nogil=True, fastmath={"contract", "reassoc", "nsz"})
def read(waves, first, values, hop, out):  # noqa: D103
    batch, frames, size = waves.shape
    rows, n = first.shape
    # With the first points again behind the last, no tap has to wrap.
    early = np.empty(size + TAPS, waves.dtype)
    late = np.empty(size + TAPS, waves.dtype)
    share = (np.arange(hop + 1) / hop).astype(waves.dtype)
    zero = share[0]
    for signal in range(batch):
        row = signal if rows > 1 else 0
        late[:size], late[size:] = waves[signal, 0], waves[signal, 0, :TAPS]
        for frame in range(frames - 1):
            early, late = late, early
            late[:size], late[size:] = waves[signal, frame + 1], waves[signal, frame + 1, :TAPS]
            begin = frame * hop
            end = n if frame == frames - 2 else min(begin + hop, n)
            for i in range(begin, end):
                at = first[row, i]
                before = after = zero
                for j in range(TAPS):
                    # Unsigned: a signed index would be tested for counting from the end.
                    point = np.uint64(at + j)
                    before += values[j, row, i] * early[point]
                    after += values[j, row, i] * late[point]
                out[signal, i] = before + share[i - begin] * (after - before)


@numba.njit(cache=True, nogil=True, fastmath={"contract", "reassoc", "nsz"})
def adjoint(samples, first, values, hop, waves):  # noqa: D103
    batch, frames, size = waves.shape
    rows, n = first.shape
    early = np.empty(size + TAPS, waves.dtype)
    late = np.empty(size + TAPS, waves.dtype)
    share = (np.arange(hop + 1) / hop).astype(waves.dtype)
    for signal in range(batch):
        row = signal if rows > 1 else 0
        late[:] = 0
        for frame in range(frames - 1):
            early, late = late, early
            late[:] = 0
            begin = frame * hop
            end = n if frame == frames - 2 else min(begin + hop, n)
            for i in range(begin, end):
                at = first[row, i]
                to_late = samples[signal, i] * share[i - begin]
                to_early = samples[signal, i] - to_late
                for j in range(TAPS):
                    point = np.uint64(at + j)
                    early[point] += values[j, row, i] * to_early
                    late[point] += values[j, row, i] * to_late
            waves[signal, frame] = early[:size]
            waves[signal, frame, :TAPS] += early[size:]
        waves[signal, frames - 1] = late[:size]
        waves[signal, frames - 1, :TAPS] += late[size:]
