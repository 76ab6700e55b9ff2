"""``ddsp-match morph``: mix two patches."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ddsp_match.cli.edit import SUFFIX, described, places, say_where
from ddsp_match.cli.render import bare_name
from ddsp_match.cli.words import OUTPUTS
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.files import fitted

STEPS = 5


def morph(arguments: argparse.Namespace) -> int:
    """Run the verb; returns the exit code."""
    a, b = arguments.a, arguments.b
    name = f"{bare_name(a)}-to-{bare_name(b)}"
    if arguments.amount is not None:
        if arguments.seconds is not None:
            raise ConfigError(
                "--seconds with --amount", where="morph", needed="one of the two",
                hint="--seconds for the sound that goes all the way, without --amount",
            )  # fmt: skip
        files = places(arguments.output or Path(fitted(name, SUFFIX, Path())), wav=arguments.wav, force=arguments.force)
        from ddsp_match.tasks.edit import edits_of
        from ddsp_match.tasks.morph import morph as task

        patch = task(a, b, arguments.amount, out=files[0], force=arguments.force)
        for line in described(edits_of(patch)) if not arguments.quiet else ():
            print(line)
        say_where(files, patch, quiet=arguments.quiet)
        return 0
    folder = arguments.output or OUTPUTS / fitted(name, "", OUTPUTS)
    from ddsp_match.tasks.morph import morphs

    written = morphs(
        a,
        b,
        STEPS if arguments.steps is None else arguments.steps,
        out=folder,
        force=arguments.force,
        seconds=arguments.seconds,
        on_note=lambda note: print(f"note: {note}"),
        on_progress=_progress if sys.stderr.isatty() and not arguments.quiet else None,
    )
    print(f"written: {folder}/ {written[0].name} to {written[-2].name}, each with its WAV")
    print(f"listen:  {folder / 'through.wav'}, which goes all the way")
    return 0


def _progress(done: int, total: int) -> None:
    end = "\n" if done == total else ""
    print(f"\rmorph {done}/{total}", end=end, file=sys.stderr, flush=True)
