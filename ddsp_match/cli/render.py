"""``ddsp-match render``: a patch to a sound file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ddsp_match.cli.values import BITS, SUBTYPES
from ddsp_match.core.files import check_files, fitted

if TYPE_CHECKING:
    from ddsp_match.core.audio import Audio


def render(arguments: argparse.Namespace) -> int:
    """Run the verb; returns the exit code."""
    patch: Path = arguments.patch
    if arguments.list_notes:
        from ddsp_match.cli.instrument import listed
        from ddsp_match.edits.instrument import Instrument

        print("\n".join(listed(Instrument.load(patch))))
        return 0
    key = {name: getattr(arguments, name) for name in ("midi", "velocity", "seconds")}
    key = {**key, "notes": arguments.note}
    key = {name: value for name, value in key.items() if value is not None}
    name = bare_name(patch) + ("-note" if key else "")
    out: Path = arguments.output or Path(fitted(name, ".wav", Path()))
    check_files(out, force=arguments.force)  # before torch is loaded
    notes: list[str] = []
    if key:
        from ddsp_match.tasks.instrument import play_note as task
    else:
        from ddsp_match.tasks.render import render as task

    audio = task(
        patch,
        **key,
        out=out,
        stems=arguments.stems,
        subtype=BITS[arguments.bits] if arguments.bits else SUBTYPES[arguments.subtype],
        force=arguments.force,
        dry=arguments.dry,
        effects_from=arguments.effects_from,
        sample_rate=arguments.rate,
        noise_seed=arguments.noise_seed,
        on_note=notes.append,
    )
    for note in notes:
        print(f"note: {note}")
    print(f"written: {out} ({length_and_form(audio)})")
    return 0


def bare_name(patch: Path) -> str:
    """Return the name of a patch file without its suffixes."""
    return patch.name.removesuffix(".safetensors").removesuffix(".patch")


def length_and_form(audio: Audio) -> str:
    """Say how long a sound is, at what rate, and whether it is stereo."""
    from ddsp_match.report.words import channels_in_words

    return f"{audio.seconds:.2f} s, {audio.sample_rate} Hz, {channels_in_words(audio.channels)}"
