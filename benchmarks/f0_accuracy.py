"""Measure the accuracy of f0: on clips of NSynth against the pitch in their names, on a song against its table.

    python -m benchmarks.f0_accuracy FOLDER [--model full] [--song SONG.wav SONG_f0.csv] [--verbose]

NSynth's names end in `-PITCH-VELOCITY`, a MIDI number: `reed_acoustic_011-045-050.wav` is 110 Hz. A few of
its instruments sound an octave away from their names, or are out of tune; they count as errors all the same.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.common import save
from ddsp_match.analysis.analyse import analyse
from ddsp_match.analysis.pitch import PitchTrack
from ddsp_match.core.audio import Audio
from ddsp_match.core.settings import F0Settings
from ddsp_match.core.timebase import Timebase

NEAR_CENTS = 50.0


def f0_of(path: Path, settings: F0Settings) -> tuple[PitchTrack, Timebase, float]:
    """The f0 of a sound file, its frames, and the seconds that it took."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    timebase = Timebase.at(rate)
    start = time.perf_counter()
    _, pitch = analyse(Audio(np.ascontiguousarray(samples.mean(1, keepdims=True).T), rate), timebase, settings)
    return pitch, timebase, time.perf_counter() - start


def tally(cents: np.ndarray) -> dict[str, float]:
    """Shares of some errors in cents: near, and whole octaves away."""
    octaves = np.round(cents / 1200)
    return {
        "frames": len(cents),
        "within_50_cents": float((np.abs(cents) < NEAR_CENTS).mean()),
        "octave_errors": float(((octaves != 0) & (np.abs(cents - 1200 * octaves) < 2 * NEAR_CENTS)).mean()),
        "other_errors": float(
            (
                (np.abs(cents) >= NEAR_CENTS) & ~((octaves != 0) & (np.abs(cents - 1200 * octaves) < 100))
            ).mean()
        ),
    }


def run(folder: str | Path, settings: F0Settings | None = None, verbose: bool = False) -> dict[str, float]:
    """Tracks every clip of a folder of NSynth's; shares are of all voiced frames of all clips."""
    every, clips, medians, doubt, seconds = [], 0, 0, 0, 0.0
    for path in sorted(Path(folder).glob("*-*-*.wav")):
        named_hz = 440.0 * 2 ** ((int(path.stem.split("-")[-2]) - 69) / 12)
        pitch, _, took = f0_of(path, settings or F0Settings())
        cents = 1200 * np.log2(pitch.f0_hz / named_hz)[pitch.voiced]
        every.append(cents)
        clips += 1
        seconds += took
        doubt += int(pitch.doubt.sum())
        median = float(np.median(cents)) if len(cents) else np.inf
        medians += abs(median) < NEAR_CENTS
        share = float((np.abs(cents) < NEAR_CENTS).mean()) if len(cents) else 0.0
        if verbose and share < 0.95:
            print(f"{path.stem}: {len(cents)} voiced, {100 * share:.0f} % right, median {median:.0f} cents")
    if not every:
        raise SystemExit(f"{folder}: no clips named NAME-PITCH-VELOCITY.wav")
    cents = np.concatenate(every)
    return {
        **tally(cents),
        "clips": clips,
        "clips_with_right_median": medians / clips,
        "doubt": doubt / len(cents),
        "seconds_a_clip": seconds / clips,
    }


def run_song(sound: str | Path, table: str | Path, settings: F0Settings | None = None) -> dict[str, float]:
    """Tracks an annotated song; shares are of the frames that the annotation calls voiced."""
    pitch, timebase, _ = f0_of(Path(sound), settings or F0Settings())
    times_s, reference_hz = np.loadtxt(table, delimiter=",").T
    frames_s = np.asarray(timebase.times(len(pitch.f0_hz)))
    reference_hz = reference_hz[np.clip(np.searchsorted(times_s, frames_s), 0, len(times_s) - 1)]
    sung = reference_hz > 0
    estimate = tally(1200 * np.log2(pitch.f0_hz[sung] / reference_hz[sung]))
    return {
        **estimate,
        "recall": float(pitch.voiced[sung].mean()),
        "false_alarm": float(pitch.voiced[~sung].mean()),
    }


def row(what: str, result: dict[str, float]) -> str:
    """One line of a Markdown table."""
    return (
        f"| {what}, {result['frames']} frames | {100 * result['within_50_cents']:.1f} % "
        f"| {100 * result['octave_errors']:.2f} % | {100 * result['other_errors']:.1f} % |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a folder of NSynth's clips")
    parser.add_argument(
        "--song", nargs=2, type=Path, metavar=("SOUND", "TABLE"), help="a sound and its f0 as CSV"
    )
    parser.add_argument("--model", choices=("full", "tiny"), default="full")
    parser.add_argument("--no-octave-check", action="store_true", help="believe the network alone")
    parser.add_argument("--verbose", action="store_true", help="name the clips that fail")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--save", action="store_true", help="keep the figures for results.md")
    arguments = parser.parse_args()
    settings = F0Settings(model=arguments.model, octave_check=not arguments.no_octave_check)
    results = {arguments.folder.name: run(arguments.folder, settings, arguments.verbose)}
    if arguments.song:
        results[arguments.song[0].stem] = run_song(*arguments.song, settings)
    if arguments.save:
        save("f0_accuracy", {"sets": results})
    if arguments.json:
        print(json.dumps(results))
        return
    print("| f0 | within 50 cents | an octave or more off | other errors |")
    print("|---|---|---|---|")
    for what, result in results.items():
        print(row(what, result))


if __name__ == "__main__":
    main()
