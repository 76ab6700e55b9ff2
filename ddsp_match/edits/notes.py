"""Notes in a sound: where each begins and ends, its key, how its pitch bends and its loudness swells."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.edits.curves import curves, midi_of

QUIET_DB = -45.0  # below the loudest frame: a note has ended
SILENT_DB = -80.0  # A-weighted, relative to full scale: nobody hears it
PITCHED = 0.3  # the least share of harmonics in a note
GAP_S = 0.05  # a shorter pause between the same pitch is none
SHORTEST_S = 0.04  # of a note
RISE_DB, RISE_S = 6.0, 0.08  # a rise as steep as this strikes a note anew
SETTLED_S = 0.1  # of the time after a strike in which another cannot be told from its attack
# Finding where the pitch steps: each frame costs its distance from the note's pitch in semitones, up to `FARTHEST`,
# and each step as much as ten frames at a semitone. A step of 60 cents counts when it lasts some 170 ms, one of four
# semitones within 70 ms, and the swings of a vibrato never.
STEP_COST, FARTHEST, FINENESS = 10.0, 1.5, 0.25


@dataclass(frozen=True)
class Note:
    """One note.

    Attributes:
        key: MIDI key, 0 to 127.
        first: Frame at which it begins.
        last: Frame at which it ends, exclusive.
        bend: Deviation of f0 from the key at each of its frames, in semitones.
        loudness_db: A-weighted level at each of its frames, in dB relative to full scale.
    """

    key: int
    first: int
    last: int
    bend: Float[np.ndarray, " frames"]
    loudness_db: Float[np.ndarray, " frames"]


def notes(controls: Controls, timebase: Timebase, reach: float | None = None) -> list[Note]:
    """The notes of a sound, in order and one at a time.

    Args:
        controls: What is played.
        timebase: Its frames.
        reach: The largest bend in semitones that a note may have; those that go farther are split. None for any.

    Returns:
        None at all where nothing with a pitch can be heard.
    """
    heard = curves(controls, timebase)
    loudness = heard.loudness_db.numpy().astype(float)
    pitch = midi_of(heard.f0_hz).numpy()
    sounding = loudness > max(float(loudness.max()) + QUIET_DB, SILENT_DB)
    sounding &= heard.pitched.numpy() > PITCHED
    shortest = max(2, timebase.frame_at(SHORTEST_S))
    found = []
    for a, b in _joined(_runs(sounding), pitch, timebase.frame_at(GAP_S)):
        struck = [a, *_strikes(loudness[a:b], timebase, a), b]
        for c, d in itertools.pairwise(struck):
            edges = [c, *(c + step for step in _steps(pitch[c:d], shortest)), d]
            for first, last in itertools.pairwise(edges):
                if last - first >= shortest:
                    found += _within(pitch, loudness, first, last, math.inf if reach is None else reach)
    return found


def _runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """First and last-plus-one of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _joined(runs: list[tuple[int, int]], pitch: np.ndarray, gap: int) -> list[tuple[int, int]]:
    """Runs with the short pauses within one pitch closed."""
    joined: list[tuple[int, int]] = []
    for a, b in runs:
        if joined and a - joined[-1][1] <= gap and abs(pitch[a] - pitch[joined[-1][1] - 1]) < 0.6:
            joined[-1] = (joined[-1][0], b)
        else:
            joined.append((a, b))
    return joined


def _strikes(loudness: np.ndarray, timebase: Timebase, offset: int) -> list[int]:
    """Frames where the sound, having settled, rises steeply again; counted from `offset`."""
    rise, settled, gap = (timebase.frame_at(seconds) for seconds in (RISE_S, SETTLED_S, GAP_S))
    found, k = [], settled
    while k < len(loudness) - 1:
        ahead = loudness[k : k + rise + 1]
        before = loudness[k - gap : k + 1].max()
        # From the valley itself, so that one rise is one strike; and louder than just before: a short dip is none.
        if loudness[k] == ahead.min() and ahead.max() - loudness[k] > RISE_DB and ahead.max() - before > RISE_DB / 2:
            found.append(offset + k)
            k += settled
        k += 1
    return found


def _steps(pitch: np.ndarray, shortest: int) -> list[int]:
    """Frames at which the pitch steps: the cheapest row of constant pitches (Viterbi, with one cost for any step)."""
    low, high = np.floor(pitch.min()), np.ceil(pitch.max())
    levels = np.arange(low, high + FINENESS / 2, FINENESS)
    if high - low < 0.5 or len(pitch) < 2 * shortest:
        return []
    best = np.zeros(len(levels))
    came = np.empty((len(pitch), len(levels)), np.int16)
    stay = np.arange(len(levels))
    for k, here in enumerate(pitch):
        cheapest = int(best.argmin())
        moves = best > best[cheapest] + STEP_COST
        came[k] = np.where(moves, cheapest, stay)
        best = np.where(moves, best[cheapest] + STEP_COST, best) + np.minimum(np.abs(levels - here), FARTHEST)
    state, steps = int(best.argmin()), []
    for k in range(len(pitch) - 1, 0, -1):
        before = int(came[k, state])
        if before != state and abs(levels[before] - levels[state]) >= 0.6:
            steps.append(k)
        state = before
    return steps[::-1]


def _within(pitch: np.ndarray, loudness: np.ndarray, first: int, last: int, reach: float) -> Iterator[Note]:
    """A note, or as many in a row as it takes for their bends to stay within reach."""
    start = first
    while start < last:
        stop, lowest, highest = start, np.inf, -np.inf
        while stop < last:
            low, high = min(lowest, pitch[stop]), max(highest, pitch[stop])
            if max(np.ceil(high - reach), 0) > min(np.floor(low + reach), 127):
                break  # no key is that near to both
            lowest, highest, stop = low, high, stop + 1
        stop = max(stop, start + 1)
        wanted = np.round(np.median(pitch[start:stop]))
        key = int(np.clip(wanted, max(np.ceil(highest - reach), 0), min(np.floor(lowest + reach), 127)))
        yield Note(key, start, stop, pitch[start:stop] - key, loudness[start:stop])
        start = stop
