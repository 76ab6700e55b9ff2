"""``ddsp-match export``: a patch for other programs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ddsp_match.core.errors import ConfigError

_GENERAL = ("patch", "to", "output", "force", "quiet", "verb", "words", "command")
_FLAGS = {"loop": "--no-loop", "release_s": "--release", "sample_rate": "--rate"}
_HINTS = {
    "sfz": "open it in sfizz, Sforzando or any sampler that reads SFZ",
    "wavetable": "drop it on an oscillator of Vital, Serum or Bitwig",
    "wt": "drop it on a wavetable oscillator of Surge XT",
    "midi": "open it in a sequencer",
    "ir": "load it in a convolution reverb",
    "html": "open it in a browser and play",
}


def export(arguments: argparse.Namespace) -> int:
    """Run the verb; returns the exit code."""
    from ddsp_match.tasks.export import KINDS, kind_of
    from ddsp_match.tasks.export import export as task

    options = {name: value for name, value in vars(arguments).items() if name not in _GENERAL}
    for name in options:
        if name not in kind_of(arguments.to).options:
            owners = " or ".join(f"--to {other}" for other, kind in KINDS.items() if name in kind.options)
            flag = _FLAGS.get(name, "--" + name.replace("_", "-"))
            raise ConfigError(f"{flag} with --to {arguments.to}", where="export", needed=f"{flag} only with {owners}")
    notes: list[str] = []
    live = not arguments.quiet and sys.stderr.isatty()
    made = task(
        arguments.patch,
        arguments.to,
        arguments.output,
        force=arguments.force,
        on_note=notes.append,
        on_progress=_progress if live else None,
        **options,
    )
    for note in dict.fromkeys(notes):
        print(f"note: {note}")
    size = sum(path.stat().st_size for path in made)
    print(f"written: {made[0]} ({_what(made, size)})")
    if arguments.to in _HINTS and not arguments.quiet:
        print(f"hint: {_HINTS[arguments.to]}")
    return 0


def _what(made: list[Path], size: int) -> str:
    others = f"and {len(made) - 1} more, " if len(made) > 2 else f"and {made[1].name}, " if len(made) == 2 else ""
    return f"{others}{size / 1e6:.1f} MB" if size >= 1e5 else f"{others}{size / 1e3:.1f} kB"


def _progress(done: int, total: int) -> None:
    end = "\n" if done == total else ""
    print(f"\r{done} of {total} samples", end=end, file=sys.stderr, flush=True)
