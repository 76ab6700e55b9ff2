"""The pitch that the network and the spectrum agree on best, one octave for a note, and the changes in words.

CREPE places a pitch to a few cents and milliseconds, but errs by octaves, and knows none below 32.7 Hz or
above 1975 Hz. The spectrum tells which candidate's harmonics explain the partials, at any
frequency, but over a fifth of a second. Their sum is decoded by Viterbi, so that the octave is decided for a note and
not for a frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ddsp_match.analysis.contour import runs
from ddsp_match.analysis.pitch_grid import AVERAGED_BINS, CENTS_PER_BIN, DecodedPitch, PitchGrid, bin_cents
from ddsp_match.analysis.spectral_evidence import Spectrum
from ddsp_match.core.settings import F0Settings
from ddsp_match.dsp.viterbi import best_path

NETWORK_FLOOR = 0.08  # no activation below this counts against a pitch: limits what the network can veto
SPECTRUM_WEIGHT = 12.0
REACH_BINS, STEP_COST, JUMP_SCORE = 8, 0.15, -20.0
# Octave jumps within a note: while a note sounds its timbre changes, and another partial rules; its pitch stays.
RATIOS = tuple(sorted({a / b for a in range(1, 6) for b in range(1, 6) if a == 1 or b == 1} | {1.5, 2 / 3}))
TOLERANCE_CENTS = 45.0
STRETCH_STEP_BINS = 3  # a larger step from frame to frame ends a stretch of the path
ONSET_FRAMES, ONSET_DB = 8, 6.0  # a note begins where the level rises by so much within so many frames
AUDIBLE_DB = 60.0
FRAME_S = 0.01
SHORTEST_FRAMES = 5
MOST_STATEMENTS = 6
INTERVALS = {-36: "three octaves", -24: "two octaves", -19: "a twelfth", -12: "an octave"}


@dataclass(frozen=True)
class JudgedPitch:
    """A pitch for every frame and its evidence.

    Attributes:
        f0_hz: ``(frames,)``.
        network: CREPE's activation there, 0 to 1.
        spectrum: The share of the sound's power that this pitch's harmonics explain, 0 to 1.
        rival: Frames in which the spectrum alone would clearly prefer another octave or twelfth.
    """

    f0_hz: np.ndarray
    network: np.ndarray
    spectrum: np.ndarray
    rival: np.ndarray


def judge(activations: np.ndarray, spectrum: Spectrum, grid: PitchGrid) -> JudgedPitch:
    """Decide the pitch of every frame.

    Args:
        activations: ``(frames, pitches)``, on the same grid as the spectrum's scores.
        spectrum: Evidence of the spectrum, from `score_spectrum`.
        grid: The candidates.
    """
    # A spectrum without partials is no evidence, and one that is mostly noise is little.
    weight = SPECTRUM_WEIGHT * np.sqrt(spectrum.tonality)[:, None]
    network = np.log(np.maximum(activations, NETWORK_FLOOR))
    scores = weight * spectrum.scores + network
    steps = -STEP_COST * np.abs(np.arange(-REACH_BINS, REACH_BINS + 1))
    path = best_path(scores, steps, JUMP_SCORE)
    path = settle_octaves(path, SPECTRUM_WEIGHT * spectrum.scores + 0.3 * network, spectrum.level_db)
    frames = np.arange(len(path))

    around = path[:, None] + np.arange(-AVERAGED_BINS, AVERAGED_BINS + 1)
    inside = (around >= 0) & (around < grid.n_bins)
    columns = around.clip(0, grid.n_bins - 1)
    near = np.take_along_axis(activations, columns, 1) * inside
    # Where the network has no activation, the spectrum's scores interpolate between two bins.
    peak = np.take_along_axis(spectrum.scores, columns, 1) * inside
    peak = np.maximum(peak - 0.8 * peak.max(1, keepdims=True), 0) ** 2
    inactive = near.max(1) < NETWORK_FLOOR
    weights = np.where(inactive[:, None], peak, near)
    weights[:, AVERAGED_BINS] += 1e-9
    cents = (weights * bin_cents(around + grid.first_bin)).sum(1) / weights.sum(1)

    own = np.take_along_axis(spectrum.scores, columns[:, AVERAGED_BINS - 2 : AVERAGED_BINS + 3], 1).max(1)
    return JudgedPitch(
        f0_hz=10.0 * 2.0 ** (cents / 1200.0),
        network=near[:, AVERAGED_BINS - 2 : AVERAGED_BINS + 3].max(1),
        spectrum=spectrum.explained[frames, path],
        rival=spectrum.scores.max(1) > own + 0.1,
    )




def settle_octaves(path: np.ndarray, scores: np.ndarray, level_db: np.ndarray) -> np.ndarray:
    """Move every note of a path to the octave that explains the whole of it best.

    Args:
        path: ``(frames,)``: indices of pitches 20 cents apart.
        scores: ``(frames, pitches)``: evidence for each.
        level_db: ``(frames,)``: levels, which show the onsets.
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
            shifted = np.clip(path[frames] - shifts.astype(int) + option, 0, scores.shape[1] - 1)
            columns = np.clip(shifted[:, None] + np.arange(-1, 2), 0, scores.shape[1] - 1)
            return float((np.take_along_axis(scores[frames], columns, 1).max(1) * weight[frames]).sum())

        best = max(sorted(options), key=evidence)
        path[frames] = np.clip(path[frames] - shifts.astype(int) + best, 0, scores.shape[1] - 1)
    return path


def _notes(path: np.ndarray, level_db: np.ndarray) -> list[list[tuple[int, int]]]:
    """Group stretches of the path that follow each other by a harmonic interval without an onset."""
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
    """Return the exact size of a step in bins where it is near a harmonic interval, otherwise None."""
    exact = [1200 / CENTS_PER_BIN * np.log2(ratio) for ratio in RATIOS]
    nearest = min(exact, key=lambda size: abs(size - bins))
    if nearest == 0 or abs(nearest - bins) * CENTS_PER_BIN > TOLERANCE_CENTS:
        return None
    return round(nearest)


def _onset(level_db: np.ndarray, frame: int) -> bool:
    before = level_db[max(0, frame - ONSET_FRAMES) : frame + 1].min()
    return bool(level_db[frame : frame + ONSET_FRAMES].max() - before > ONSET_DB)




def describe_changes(
    own: DecodedPitch, judged: JudgedPitch, changed: np.ndarray, settings: F0Settings
) -> list[str]:
    """Describe every stretch of changed frames that lasts, in order of time.

    Args:
        own: The tracker's own pitch.
        judged: The pitch it was changed to.
        changed: ``(frames,)`` mask of the frames that differ.
        settings: Which tracker it was, and its threshold of periodicity.
    """
    tracker = {"crepe": "CREPE", "pyin": "pYIN"}.get(settings.source, settings.source)
    statements = []
    for start, stop in runs(changed):
        if stop - start < SHORTEST_FRAMES:
            continue
        part = slice(start, stop)
        before, after = float(np.median(own.f0_hz[part])), float(np.median(judged.f0_hz[part]))
        span = f"{start * FRAME_S:.2f}–{stop * FRAME_S:.2f} s: "
        if np.median(own.periodicity[part]) < settings.voiced_threshold:
            statements.append(f"{span}{tracker} heard no pitch; {after:.1f} Hz explains the spectrum")
        else:
            statements.append(
                f"{span}f0 moved from {tracker}'s {before:.1f} Hz to {after:.1f} Hz "
                f"({_interval(after / before)}), which explains the spectrum better"
            )
    more = len(statements) - MOST_STATEMENTS
    return (
        statements if more <= 0 else [*statements[:MOST_STATEMENTS], f"and {more} more changes of this kind"]
    )


def _interval(ratio: float) -> str:
    semitones = 12 * np.log2(ratio)
    name = INTERVALS.get(-round(abs(semitones)), f"{abs(semitones):.1f} semitones")
    return f"{name} {'up' if ratio > 1 else 'down'}"
