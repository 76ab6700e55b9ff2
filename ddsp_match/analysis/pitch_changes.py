"""What the judge changed in a tracker's pitch, in words."""

from __future__ import annotations

import numpy as np

from ddsp_match.analysis.contour import runs
from ddsp_match.analysis.decode import DecodedPitch
from ddsp_match.analysis.pitch_judge import Verdict
from ddsp_match.core.settings import F0Settings

FRAME_S = 0.01
SHORTEST_FRAMES = 5
MOST_STATEMENTS = 6
INTERVALS = {-36: "three octaves", -24: "two octaves", -19: "a twelfth", -12: "an octave"}


def describe_changes(
    own: DecodedPitch, verdict: Verdict, changed: np.ndarray, settings: F0Settings
) -> list[str]:
    """One statement for every stretch of changed frames that lasts, in order of time.

    Args:
        own: The tracker's own pitch.
        verdict: The pitch it was changed to.
        changed: ``(frames,)`` mask of the frames that differ.
        settings: Which tracker it was, and from which periodicity on it heard a pitch.
    """
    tracker = {"crepe": "CREPE", "pyin": "pYIN"}.get(settings.source, settings.source)
    statements = []
    for start, stop in runs(changed):
        if stop - start < SHORTEST_FRAMES:
            continue
        part = slice(start, stop)
        before, after = float(np.median(own.f0_hz[part])), float(np.median(verdict.f0_hz[part]))
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
