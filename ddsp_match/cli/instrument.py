"""``ddsp-match instrument``: several fits become one instrument; and its notes, listed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ddsp_match.cli.edit import SUFFIX, places
from ddsp_match.cli.render import bare_name
from ddsp_match.core.files import fitted

if TYPE_CHECKING:
    from ddsp_match.edits.instrument import Instrument


def instrument(arguments: argparse.Namespace) -> int:
    """Run the verb; returns the exit code."""
    name = f"{bare_name(arguments.patches[0])}-instrument"
    (out,) = places(arguments.output or Path(fitted(name, SUFFIX, Path())), wav=False, force=arguments.force)
    from ddsp_match.tasks.instrument import instrument as task

    made = task(*arguments.patches, notes=arguments.note, out=out, force=arguments.force)
    if not arguments.quiet:
        print("\n".join(listed(made)))
    count = len(made.tones)
    print(f"written: {out} ({count} note{'s' * (count > 1)}, {out.stat().st_size / 1e3:.1f} kB)")
    if not arguments.quiet:
        print(f"play:    ddsp-match render {out} --midi {made.tones[0].key()} -o {bare_name(out)}.wav")
    return 0


def listed(made: Instrument) -> list[str]:
    """The notes of an instrument, one a line: number, note, level, where it lies, how it is held."""
    from ddsp_match.report.words import note_rows

    owners = [patch for patch, numbers in zip(made.patches, made.chosen, strict=True) for _ in numbers]
    lines = []
    for (number, pitch, level, where, held), patch in zip(note_rows(made), owners, strict=True):
        beside = f"  {patch.provenance.get('sound', '')}" if len(made.patches) > 1 else ""
        lines.append(f"{number:>3}  {pitch:<14} {level:>9}  {where:<16}  {held}{beside}")
    return lines
