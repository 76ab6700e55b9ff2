"""``ddsp-match fit`` for many sounds: a folder, NSynth, a CSV file, or several sound files."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ddsp_match import config
from ddsp_match.cli.exits import EXIT_INTERRUPTED, exit_failed
from ddsp_match.cli.many_progress import ManyProgress, sounds
from ddsp_match.cli.progress import Interrupt
from ddsp_match.cli.values import PROGRAM
from ddsp_match.cli.words import many_directory
from ddsp_match.core.errors import SoundError

if TYPE_CHECKING:
    from ddsp_match.tasks.fit_many import ManyResult

SHOWN_FAILURES = 10
_STOPPING = "no new sounds are begun, what is finished is kept; Ctrl-C again quits at once"


def is_many(named: Sequence[Path]) -> bool:
    """Say whether words of the command line name many sounds: a folder, a CSV file, or several files."""
    return len(named) > 1 or any(path.is_dir() or path.suffix.lower() == ".csv" for path in named)


def fit_many(
    arguments: argparse.Namespace, named: Sequence[Path], overrides: Sequence[str], output: Path | None
) -> int:
    """Fit many sounds with progress on stderr.

    Args:
        arguments: Of the command line.
        named: Words that `is_many` takes for many sounds.
        overrides: Settings.
        output: The run folder that the user named, if any.

    Returns:
        0 when none failed, 100 and the number that failed (200 for 100 and more), 130 after Ctrl-C.
    """
    source = _source(named)
    if arguments.multirun:
        from ddsp_match.cli.sweep_many import sweep_many

        return sweep_many(arguments, source, _name(source), overrides, output, _STOPPING)
    settings = config.build(overrides, config_dir=arguments.config_dir)
    folder = many_directory(_name(source), output)
    progress = ManyProgress(quiet=arguments.quiet)
    with Interrupt(_STOPPING) as interrupt:
        try:
            with progress:
                from ddsp_match.tasks.fit_many import fit_many as task

                result = task(
                    source,
                    settings,
                    folder,
                    force=arguments.force,
                    command=arguments.command,
                    on_begin=progress.on_begin,
                    on_progress=progress.on_progress,
                    stop=interrupt.wanted,
                )
        except KeyboardInterrupt:
            print(f"{PROGRAM}: interrupted; what was finished is kept, and the same command goes on", file=sys.stderr)
            return EXIT_INTERRUPTED
    print(_outcome(result, notes=arguments.quiet, reports=settings.files == "report"))
    if result.stopped:
        return EXIT_INTERRUPTED
    return exit_failed(result.counts.failed)


def _source(named: Sequence[Path]) -> Path | list[Path]:
    """Return the folder, the table or the files; refuse a file that is not there, which is a slip."""
    if len(named) == 1:
        return named[0]
    missing = [path for path in named if not path.exists()]
    if missing:
        names = ", ".join(map(str, named)) if len(named) <= SHOWN_FAILURES else f"{named[0]}, …"
        raise SoundError(
            f"{len(named)} sound files ({names}), of which {missing[0]} does not exist",
            where="fit",
            needed="files that are there",
            hint="check the spelling; a setting is written KEY=VALUE without spaces",
        )
    other = [path for path in named if path.is_dir() or path.suffix.lower() == ".csv"]
    if other:
        raise SoundError(
            f"{other[0]} beside other words",
            where="fit",
            needed="one folder, one CSV file, or sound files only",
            hint="one command each, with -o",
        )
    return list(named)


def _name(source: Path | list[Path]) -> str:
    """Return the name of a run: of the folder (of ``nsynth-test/audio`` the set), the table, or the files' folder."""
    if not isinstance(source, Path):
        return source[0].resolve().parent.name or "sounds"
    place = source.resolve()
    if not source.is_dir():
        return place.stem
    return (place.parent.name if place.name == "audio" else place.name) or "sounds"


def _outcome(result: ManyResult, *, notes: bool, reports: bool) -> str:
    counts = result.counts
    lines = [f"note: {note}" for note in result.notes] if notes else []
    if result.failures:
        lines += ["failed:", *(f"  {name}: {reason}" for name, reason in result.failures[:SHOWN_FAILURES])]
    if len(result.failures) > SHOWN_FAILURES:
        query = f"""sqlite3 {shlex.quote(str(result.folder / "index.sqlite"))} "SELECT name, reason FROM sounds"""
        lines.append(f"  and {len(result.failures) - SHOWN_FAILURES} more: {query} WHERE status = 'failed'\"")
    if result.stopped:
        lines.append(f"stopped with {sounds(counts.left)} left; the same command goes on with them")
    before = f" ({counts.skipped} of them before)" if counts.skipped else ""
    failed = f", {counts.failed} failed" if counts.failed else ""
    fitted = counts.skipped + counts.done
    lines.append(f"fitted {fitted} of {sounds(counts.total)}{before}{failed}: {result.folder}")
    if fitted and not result.stopped:
        folder = shlex.quote(str(result.folder))
        where = f"{folder}/sounds/NAME/report.html" if reports else "fit again with files=report and another -o"
        lines += [
            "next:",
            f"  A page to listen to them, the worst first  ddsp-match score {folder}",
            f"  A report of each sound                     {where}",
        ]
    return "\n".join(lines)
