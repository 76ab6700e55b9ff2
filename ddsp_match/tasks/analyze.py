"""Analyse a sound without fitting it: f0, periodicity and loudness."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ddsp_match.analysis.analyse import analyse
from ddsp_match.core.audio import Audio, at_fit_rate, sound_of
from ddsp_match.core.features import Features
from ddsp_match.core.files import new_folder, printable
from ddsp_match.core.settings import F0Settings
from ddsp_match.core.timebase import Timebase
from ddsp_match.tasks.run_folder import claims_out


@claims_out
def analyze(
    audio: Audio | str | Path | Any,
    sample_rate: int | None = None,
    *,
    settings: F0Settings | None = None,
    out: str | Path | None = None,
    force: bool = False,
    on_note: Callable[[str], None] | None = None,
    on_pitch: Callable[[int, int], None] | None = None,
) -> Features:
    """Tracks f0, periodicity and loudness of a sound.

    Args:
        audio: A sound: `Audio`, the path of a sound file, or an array.
        sample_rate: Of an array, in Hz.
        settings: Where f0 comes from.
        out: Folder to write ``features.csv`` and ``features.png`` to.
        force: Replace `out` if it exists.
        on_note: Told what the user should know.
        on_pitch: Told frames analysed and frames in all.

    Returns:
        The features; the batch axis is the channels.

    Raises:
        SoundError: The sound cannot be read.
        PitchError: The given f0 does not fit the sound.
        OutputError: `out` exists already, or cannot be written.
    """
    folder = None if out is None else Path(out)
    sound, notes = sound_of(audio, sample_rate)
    name = printable(Path(audio).name) if isinstance(audio, str | Path) else "sound"
    sound, note = at_fit_rate(sound)
    timebase = Timebase.at(sound.sample_rate)
    features, track = analyse(sound, timebase, settings or F0Settings(), on_pitch)
    for line in [*notes, *([note] if note else []), *track.changes]:
        if on_note:
            on_note(line)
    if folder is not None:
        from ddsp_match.report import analysis_picture

        with new_folder(folder) as scratch:
            _write_table(features, timebase, scratch / "features.csv")
            analysis_picture.write(scratch / "features.png", sound, features, timebase, name)
    return features


def _write_table(features: Features, timebase: Timebase, path: Path) -> None:
    f0, periodicity = features.f0_hz[0].tolist(), features.periodicity[0].tolist()
    loudness, voiced, doubt = features.loudness_db.mean(0).tolist(), features.voiced[0], features.doubt[0]
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["time_s", "f0_hz", "periodicity", "voiced", "doubt", "loudness_db"])
        for k, time_s in enumerate(timebase.times(len(f0))):
            rows.writerow(
                [f"{time_s:.5f}", f"{f0[k]:.3f}", f"{periodicity[k]:.4f}", int(voiced[k]), int(doubt[k]),
                 f"{loudness[k]:.2f}"]
            )  # fmt: skip
