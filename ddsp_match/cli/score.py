"""``ddsp-match score``: how close the matches of a run are."""

from __future__ import annotations

import argparse
import sys

from ddsp_match.cli.exits import EXIT_INTERRUPTED, exit_failed
from ddsp_match.cli.progress import Interrupt
from ddsp_match.cli.score_progress import ScoreProgress
from ddsp_match.cli.score_words import card_text
from ddsp_match.cli.values import PROGRAM

STOPPING = "no new sounds are begun, what is scored is kept; Ctrl-C again quits at once"


def score(arguments: argparse.Namespace) -> int:
    """Run the verb; returns the exit code."""
    progress = ScoreProgress(quiet=arguments.quiet)
    progress.start()
    with Interrupt(STOPPING) as interrupt:
        try:
            with progress:
                from ddsp_match.report.score_page import HOW_TO_REPORT
                from ddsp_match.tasks.score import NAMES
                from ddsp_match.tasks.score import score as task

                card = task(
                    arguments.folder,
                    out=arguments.output,
                    source=arguments.source,
                    sort=arguments.sort,
                    mos_pads=arguments.mos_pads,
                    tracker=arguments.tracker or "run",
                    references=arguments.references,
                    refit=arguments.refit,
                    workers=arguments.workers,
                    limit=arguments.limit,
                    force=arguments.force,
                    on_progress=progress.on_progress,
                    stop=interrupt.wanted,
                )
        except KeyboardInterrupt:
            return interrupted()
    print(card_text(card, arguments.worst))
    for note in card.notes:
        print(f"note: {note}")
    if not any(row.report for row in card.scored):
        print(f"note: {HOW_TO_REPORT}")
    place = arguments.output or arguments.folder
    print(f"written: {place}/{', '.join(NAMES)}")
    print(f"page:    {place / NAMES[2]}")
    if interrupt.wanted():
        return EXIT_INTERRUPTED
    failed = sum(bool(row.folder) for row in card.failed)  # those whose fit failed were counted by the fit
    if failed:
        print(f"{PROGRAM}: {failed} of {len(card.rows)} sounds could not be scored", file=sys.stderr)
    return exit_failed(failed)


def interrupted() -> int:
    """Say what a second Ctrl-C leaves, and return its exit code."""
    print(f"{PROGRAM}: interrupted; what was scored up to a minute ago is kept", file=sys.stderr)
    return EXIT_INTERRUPTED
