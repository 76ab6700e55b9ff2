"""``ddsp-match render``: a patch to a sound file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ddsp_match.cli.values import BITS, SUBTYPES
from ddsp_match.core.errors import OutputError

if TYPE_CHECKING:
    from ddsp_match.core.audio import Audio


def render(arguments: argparse.Namespace) -> int:
    """Run the verb; returns the exit code."""
    patch: Path = arguments.patch
    out: Path = arguments.output or Path(bare_name(patch) + ".wav")
    check_output(out, force=arguments.force)
    notes: list[str] = []
    from ddsp_match.tasks.render import render as task

    audio = task(
        patch,
        out=out,
        stems=arguments.stems,
        subtype=BITS[arguments.bits] if arguments.bits else SUBTYPES[arguments.subtype],
        force=arguments.force,
        dry=arguments.dry,
        effects_from=arguments.effects_from,
        sample_rate=arguments.rate,
        on_note=notes.append,
    )
    for note in notes:
        print(f"note: {note}")
    print(f"written: {out} ({length_and_form(audio)})")
    return 0


def bare_name(patch: Path) -> str:
    """Return the name of a patch file without its suffixes."""
    return patch.name.removesuffix(".safetensors").removesuffix(".patch")


def check_output(out: Path, *, force: bool) -> None:
    """Refuse to write over something, before the work is done.

    Raises:
        OutputError: The place is a folder, or a file while `force` is not given.
    """
    if out.is_dir():
        raise OutputError("a folder", where=out, needed="the name of a sound file", hint=f"-o {out / 'again.wav'}")
    if out.exists() and not force:
        raise OutputError("a file already there", where=out, needed="a new name", hint="another -o, or --force")


def length_and_form(audio: Audio) -> str:
    """Say how long a sound is, at what rate, and whether it is stereo."""
    from ddsp_match.report.words import channels_in_words

    return f"{audio.seconds:.2f} s, {audio.sample_rate} Hz, {channels_in_words(audio.channels)}"
