"""``ddsp-match render``: a patch to a sound file."""

from __future__ import annotations

import argparse
from pathlib import Path

from ddsp_match.cli.parser import SUBTYPES
from ddsp_match.errors import OutputError


def render(arguments: argparse.Namespace) -> int:
    """Run the verb; returns the exit code."""
    patch: Path = arguments.patch
    out: Path = arguments.output or Path(
        patch.name.removesuffix(".safetensors").removesuffix(".patch") + ".wav"
    )
    if out.is_dir():
        raise OutputError(
            "a folder", where=out, needed="the name of a sound file", hint=f"-o {out / 'again.wav'}"
        )
    if out.exists() and not arguments.force:
        raise OutputError(
            "a file already there", where=out, needed="a new name", hint="another -o, or --force"
        )
    from ddsp_match.tasks.render import render as task

    audio = task(
        patch, out=out, stems=arguments.stems, subtype=SUBTYPES[arguments.subtype], force=arguments.force
    )
    channels = {1: "mono", 2: "stereo"}.get(audio.channels, f"{audio.channels} channels")
    print(f"written: {out} ({audio.seconds:.2f} s, {audio.sample_rate} Hz, {channels})")
    return 0
