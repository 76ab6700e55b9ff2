"""``ddsp-match compare``: two runs on the same sounds."""

from __future__ import annotations

import argparse
from pathlib import Path

from ddsp_match.cli.exits import EXIT_INTERRUPTED
from ddsp_match.cli.progress import Interrupt
from ddsp_match.cli.score import STOPPING, interrupted
from ddsp_match.cli.score_progress import ScoreProgress
from ddsp_match.cli.score_words import comparison_text
from ddsp_match.cli.words import OUTPUTS


def compare(arguments: argparse.Namespace) -> int:
    """Run the verb; returns the exit code."""
    progress = ScoreProgress(quiet=arguments.quiet)
    progress.start()
    with Interrupt(STOPPING) as interrupt:
        try:
            with progress:
                from ddsp_match.tasks.compare import NAMES
                from ddsp_match.tasks.compare import compare as task

                place = arguments.output or _place(arguments.a, arguments.b)
                comparison = task(
                    arguments.a,
                    arguments.b,
                    out=place,
                    sort=arguments.sort,
                    count=arguments.worst,
                    source=arguments.source,
                    mos_pads=arguments.mos_pads,
                    tracker=arguments.tracker,
                    workers=arguments.workers,
                    command=arguments.command,
                    on_progress=lambda label, done, total: progress.on_progress(done, total, f"score {label}"),
                    stop=interrupt.wanted,
                )
        except KeyboardInterrupt:
            return interrupted()
    print(comparison_text(comparison))
    for note in comparison.notes:
        print(f"note: {note}")
    print(f"written: {place}/{', '.join(NAMES)}")
    print(f"page:    {place / NAMES[2]}")
    return EXIT_INTERRUPTED if interrupt.wanted() else 0


def _place(a: Path, b: Path) -> Path:
    """The default folder of a comparison, named after both runs."""
    from ddsp_match.tasks.compare import labels

    names = [label.strip("/").replace("/", "-") for label in labels(a, b)]
    return OUTPUTS / f"compare-{names[0]}-{names[1]}"
