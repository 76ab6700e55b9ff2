"""Compiled loops that find partials and score pitches by them; imported on first use, for numba takes a while.

Sums run in a fixed order, and nothing here is reordered: the same numbers every time. Maps are ``(cells, frames)``, so
that for any candidates a row of frames is processed in vector lanes.
"""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def peaks(flat_db, least_db, prominence_db, width, frame, column, sums):
    """List the bins that rise above both neighbours and above what surrounds them.

    Args:
        flat_db: ``(frames, bins)``: levels.
        least_db: ``(frames, bins)``: what a peak must lie above.
        prominence_db: ``(bins,)``: how far it must rise above the mean of the bins around it.
        width: Bins on either side that count as around it; at an end the spectrum is reflected.
        frame: Out: of each peak, in order; as long as there may be peaks.
        column: Out: its bin.
        sums: ``(bins + 2 * width + 1,)`` memory.

    Returns:
        The number of peaks.
    """
    frames, bins = flat_db.shape
    count, around = 0, 2 * width + 1
    for f in range(frames):
        level = flat_db[f]
        sums[0] = total = 0.0
        for i in range(bins + 2 * width):
            at = abs(i - width)
            total += level[at if at < bins else 2 * (bins - 1) - at]
            sums[i + 1] = total
        for b in range(1, bins - 1):
            here = level[b]
            # The range first: its branch is the easiest to predict.
            if here > least_db[f, b] and here > level[b - 1] and here >= level[b + 1]:
                if here > (sums[b + around] - sums[b]) / around + prominence_db[b]:
                    frame[count], column[count] = f, b
                    count += 1
    return count


@numba.njit(cache=True, nogil=True)
def spread(frame, cell, value, reach, out):
    """Enter values into a map ``(cells, frames)`` in their cells and those around; the larger one where two meet."""
    for i in range(len(frame)):
        for at in range(max(cell[i] - reach, 0), min(cell[i] + reach + 1, out.shape[0])):
            if value[i] > out[at, frame[i]]:
                out[at, frame[i]] = value[i]


@numba.njit(cache=True, nogil=True)
def harmonics(strength, share, cells, matched, missing, shares):
    """Sum strengths and shares at the harmonics of each pitch, from the highest harmonic down.

    Args:
        strength: ``(cells, frames)``.
        share: ``(cells, frames)``.
        cells: ``(pitches, harmonics)``, highest first; negative where there is none.
        matched: Out: ``(pitches, frames)``: sums of strengths.
        missing: Out: what harmonics lack of the strongest one above them.
        shares: Out: sums of shares.
    """
    frames = strength.shape[1]
    envelope = np.empty(frames, np.float32)
    for pitch in range(cells.shape[0]):
        envelope[:] = 0
        sum_matched, sum_missing, sum_share = matched[pitch], missing[pitch], shares[pitch]
        sum_matched[:] = 0
        sum_missing[:] = 0
        sum_share[:] = 0
        for h in range(cells.shape[1]):
            cell = cells[pitch, h]
            if cell < 0:
                for f in range(frames):
                    sum_missing[f] += envelope[f]
                continue
            row, part = strength[cell], share[cell]
            for f in range(frames):
                level = row[f]
                sum_share[f] += part[f]
                envelope[f] = level if level > envelope[f] else envelope[f]
                sum_matched[f] += level
                sum_missing[f] += envelope[f] - level
