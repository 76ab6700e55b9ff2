"""``ddsp-match process``: a sound through the effects of patches."""

from __future__ import annotations

import argparse
from pathlib import Path

from ddsp_match.cli.render import bare_name, length_and_form
from ddsp_match.cli.values import SUBTYPES
from ddsp_match.core.files import check_files, fitted


def process(arguments: argparse.Namespace) -> int:
    """Run the verb; returns the exit code."""
    sound: Path = arguments.sound
    out: Path = arguments.output or Path(fitted(f"{sound.stem}-{bare_name(arguments.patches[-1])}", ".wav", Path()))
    check_files(out, force=arguments.force)
    notes: list[str] = []
    from ddsp_match.tasks.process import process as task

    audio = task(
        sound,
        arguments.patches,
        out=out,
        block=arguments.block,
        subtype=SUBTYPES.get(arguments.subtype),
        force=arguments.force,
        on_note=notes.append,
    )
    for note in notes:
        print(f"note: {note}")
    print(f"written: {out} ({length_and_form(audio)})")
    return 0
