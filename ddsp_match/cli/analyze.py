"""``ddsp-match analyze``: what is heard, without fitting."""

from __future__ import annotations

import argparse

from ddsp_match import config
from ddsp_match.cli.progress import Progress
from ddsp_match.cli.words import claimed_run, flag_overrides, one_sound, split


def analyze(arguments: argparse.Namespace) -> int:
    """Run the verb; returns the exit code."""
    sounds, overrides = split(arguments.words)
    sound = one_sound(sounds, "analyze")
    settings = config.build(flag_overrides(arguments, overrides))
    with claimed_run("-analysis", arguments.output, force=arguments.force, sound=sound) as folder:
        notes: list[str] = []
        progress = Progress(quiet=arguments.quiet)
        progress.on_stage("start")  # importing torch takes a second; say something before
        with progress:
            from ddsp_match.dsp.notes import note_words
            from ddsp_match.tasks.analyze import analyze as task

            features = task(
                sound,
                settings=settings.f0,
                out=folder,
                force=arguments.force,
                on_note=notes.append,
                on_pitch=progress.on_pitch,
            )
    for note in notes:
        print(f"note: {note}")
    voiced = features.voiced[0]
    share = 100 * float(voiced.float().mean())
    pitch_hz = features.pitch_hz
    if pitch_hz is None:
        print(note_words(pitch_hz))
    else:
        print(f"{note_words(pitch_hz)} ({pitch_hz:.1f} Hz), voiced {share:.0f} % of the time")
    in_doubt = 100 * float(features.doubt[0].float().mean())
    if in_doubt > 0:
        print(f"f0 in doubt {in_doubt:.1f} % of the time: check it, or give it with --f0, --midi or --f0-csv")
    print(f"written: {folder}/" + ", ".join(sorted(path.name for path in folder.iterdir())))
    return 0
