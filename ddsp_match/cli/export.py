"""``ddsp-match export``: a patch for other programs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ddsp_match.cli.parser_export import flag_of
from ddsp_match.core.errors import ConfigError
from ddsp_match.exports.kinds import KINDS

_GENERAL = ("patch", "to", "output", "force", "quiet", "note", "verb", "words", "command")


def export(arguments: argparse.Namespace) -> int:
    """Run the verb; returns the exit code."""
    options = options_of(arguments)
    from ddsp_match.tasks.export import export as task

    notes: list[str] = []
    live = not arguments.quiet and sys.stderr.isatty()
    made = task(
        arguments.patch,
        arguments.to,
        arguments.output,
        force=arguments.force,
        notes=arguments.note,
        on_note=notes.append,
        on_progress=_progress if live else None,
        **options,
    )
    for note in dict.fromkeys(notes):
        print(f"note: {note}")
    size = sum(path.stat().st_size for path in made)
    print(f"written: {made[0]} ({_what(made, size)})")
    hint = KINDS[arguments.to].use
    if hint and not arguments.quiet:
        print(f"hint: {hint}")
    return 0


def options_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options on a command line.

    Raises:
        ConfigError: One of them belongs to another kind of export.
    """
    options = {name: value for name, value in vars(arguments).items() if name not in _GENERAL}
    for name in options:
        owners = {kind.name: option for kind in KINDS.values() for option in kind.options if option.name == name}
        if arguments.to not in owners:
            flag = flag_of(next(iter(owners.values())))
            needed = f"{flag} only with {' or '.join(f'--to {owner}' for owner in owners)}"
            raise ConfigError(f"{flag} with --to {arguments.to}", where="export", needed=needed)
    return options


def _what(made: list[Path], size: int) -> str:
    others = f"and {len(made) - 1} more, " if len(made) > 2 else f"and {made[1].name}, " if len(made) == 2 else ""
    return f"{others}{size / 1e6:.1f} MB" if size >= 1e5 else f"{others}{size / 1e3:.1f} kB"


def _progress(done: int, total: int) -> None:
    end = "\n" if done == total else ""
    print(f"\r{done} of {total} samples", end=end, file=sys.stderr, flush=True)
