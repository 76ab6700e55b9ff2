"""One octave for a note: jumps to a harmonic or a subharmonic within a note are undone.

While a note sounds its timbre changes, and now one partial rules, now another; its pitch does not jump to it.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ddsp_match.analysis.decode import CENTS_PER_BIN

RATIOS = tuple(sorted({a / b for a in range(1, 6) for b in range(1, 6) if a == 1 or b == 1} | {1.5, 2 / 3}))
TOLERANCE_CENTS = 45.0
STRETCH_STEP_BINS = 3  # a larger step from frame to frame ends a stretch of the path
ONSET_FRAMES, ONSET_DB = 8, 6.0  # a note begins where the level rises by so much within so many frames
AUDIBLE_DB = 60.0


def settle_octaves(path: np.ndarray, scores: np.ndarray, level_db: np.ndarray) -> np.ndarray:
    """The path with every note in the octave that explains the whole of it best.

    Args:
        path: ``(frames,)``: indices of pitches 20 cents apart.
        scores: ``(frames, pitches)``: what speaks for each.
        level_db: ``(frames,)``: levels, by which onsets are told.
    """
    path = path.copy()
    # Loud frames decide; a decayed tail goes along.
    weight = 10 ** (np.maximum(level_db - level_db.max(), -AUDIBLE_DB) / 40)
    for stretches in _notes(path, level_db):
        shifts = np.zeros(stretches[-1][1] - stretches[0][0])
        first = stretches[0][0]
        options = {0}
        total = 0
        for (_, end), (start, stop) in pairwise(stretches):
            total += _harmonic_shift(path[start] - path[end - 1]) or 0
            shifts[start - first : stop - first] = total
            options.add(total)
        if len(options) == 1:
            continue
        frames = np.arange(first, stretches[-1][1])

        def evidence(option: int, frames: np.ndarray = frames, shifts: np.ndarray = shifts) -> float:
            moved = np.clip(path[frames] - shifts.astype(int) + option, 0, scores.shape[1] - 1)
            columns = np.clip(moved[:, None] + np.arange(-1, 2), 0, scores.shape[1] - 1)
            return float((np.take_along_axis(scores[frames], columns, 1).max(1) * weight[frames]).sum())

        best = max(sorted(options), key=evidence)
        path[frames] = np.clip(path[frames] - shifts.astype(int) + best, 0, scores.shape[1] - 1)
    return path


def _notes(path: np.ndarray, level_db: np.ndarray) -> list[list[tuple[int, int]]]:
    """Groups of stretches of the path that follow each other by a harmonic interval without an onset."""
    breaks = np.flatnonzero(np.abs(np.diff(path)) > STRETCH_STEP_BINS) + 1
    edges = [0, *breaks.tolist(), len(path)]
    groups: list[list[tuple[int, int]]] = []
    for start, stop in pairwise(edges):
        same_note = groups and _harmonic_shift(path[start] - path[start - 1]) is not None
        if same_note and not _onset(level_db, start):
            groups[-1].append((start, stop))
        else:
            groups.append([(start, stop)])
    return groups


def _harmonic_shift(bins: int) -> int | None:
    """The exact size of a step in bins where it is near a harmonic interval, otherwise None."""
    exact = [1200 / CENTS_PER_BIN * np.log2(ratio) for ratio in RATIOS]
    nearest = min(exact, key=lambda size: abs(size - bins))
    if nearest == 0 or abs(nearest - bins) * CENTS_PER_BIN > TOLERANCE_CENTS:
        return None
    return round(nearest)


def _onset(level_db: np.ndarray, frame: int) -> bool:
    before = level_db[max(0, frame - ONSET_FRAMES) : frame + 1].min()
    return bool(level_db[frame : frame + ONSET_FRAMES].max() - before > ONSET_DB)
