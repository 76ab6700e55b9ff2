"""``ddsp-match edit``: a patch with other pitch, time, tone or level."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ddsp_match.cli.render import bare_name, length_and_form
from ddsp_match.core.errors import ConfigError, OutputError
from ddsp_match.core.files import check_files, fitted
from ddsp_match.edits.kinds import KINDS

SUFFIX = ".patch.safetensors"
_PREPOSITIONS = {"at_s": "at ", "start_s": "from ", "stop_s": "to ", "delay_s": "after "}


def edit(arguments: argparse.Namespace) -> int:
    """Run the verb; returns the exit code."""
    patch: Path = arguments.patch
    if arguments.list:
        return _list(patch)
    edits = list(arguments.edits or [])
    if not edits and arguments.output is None:
        raise ConfigError(
            "no edit", where="edit", needed="an edit such as --transpose 7", hint="--list, or edit --help"
        )
    out: Path = arguments.output or Path(fitted(bare_name(patch), f"-edited{SUFFIX}", Path()))
    files = places(out, wav=arguments.wav, force=arguments.force)
    transposed = [one for one in edits if one["edit"] == "transpose"]
    if arguments.formant and not transposed:
        found = f"--formant {arguments.formant} without --transpose"
        raise ConfigError(found, where="edit", needed="both", hint=f"--transpose 7 --formant {arguments.formant}")
    for one in transposed:
        one["formant"] = arguments.formant or "keep"

    from ddsp_match.patch import load_patch
    from ddsp_match.tasks.edit import edit as task
    from ddsp_match.tasks.edit import edits_of

    before = load_patch(patch)
    edits = [_curve_from(one["file"], before.seconds) if "file" in one else one for one in edits]
    edited = task(patch, edits, out=files[0], force=arguments.force)
    new = edits_of(edited)[len(edits_of(before)) :]
    lines = described(new) or ["nothing changed: the patch is the same, bit for bit"]
    for line in lines if not arguments.quiet else ():
        print(line)
    say_where(files, edited, quiet=arguments.quiet)
    return 0


def places(out: Path, *, wav: bool, force: bool) -> list[Path]:
    """The patch file to write, and the sound file if there shall be one; refused before any work is done.

    Raises:
        OutputError: One of them is a folder, or exists while `force` is not given, or the name is that of a sound.
    """
    if out.suffix != ".safetensors" and not out.is_dir():
        raise OutputError(
            "a name that is no patch's", where=out, needed=f"one in {SUFFIX}",
            hint=f"-o {out.with_suffix('').name}{SUFFIX}" + (" --wav" if out.suffix == ".wav" else ""),
        )  # fmt: skip
    files = [out, out.with_name(bare_name(out) + ".wav")] if wav else [out]
    check_files(*files, force=force)
    return files


def say_where(files: Sequence[Path], patch: Any, *, quiet: bool = False) -> None:
    """Play a patch if there is a sound file to write, and print what is where."""
    print(f"written: {files[0]} ({patch.seconds:.2f} s)")
    if len(files) == 1:
        if not quiet:
            print(f"play:    ddsp-match render {files[0]} -o {bare_name(files[0])}.wav")
        return
    from ddsp_match.tasks.render import render

    notes: list[str] = []
    audio = render(patch, out=files[1], force=True, on_note=notes.append)
    for note in notes:
        print(f"note: {note}")
    print(f"written: {files[1]} ({length_and_form(audio)})")


def described(edits: Sequence[Mapping[str, Any]]) -> list[str]:
    """Edits as a patch lists them, in words, one a line."""
    return [" ".join([str(one.get("edit", "?")).replace("_", " ") + ":", *_values(one)]).rstrip(":") for one in edits]


def _values(one: Mapping[str, Any]) -> list[str]:
    if one.get("edit") == "separate":
        return ["tone from noise"]
    if one.get("edit") == "morph":
        return [f"{one.get('amount')} of the way from " + " to ".join(str(of["sound"]) for of in one.get("of", []))]
    kind = KINDS.get(str(one.get("edit")))
    units = {parameter.name: parameter.unit for parameter in kind.parameters} if kind else {}
    words = []
    for name, value in one.items():
        if name in ("edit", "curve"):
            continue
        if isinstance(value, list):
            words += [f"{len(value)} points"] if name == "f0_hz" else []
        elif isinstance(value, str):
            words.append(f"({name} {value})")
        else:
            sign = "+" if "db" in name or name == "semitones" else ""
            unit = units.get(name, "")
            words.append(f"{_PREPOSITIONS.get(name, '')}{value:{sign}g}{' ' + unit if unit else ''}")
    return words


def _list(patch: Path) -> int:
    from ddsp_match.patch import load_patch
    from ddsp_match.tasks.edit import edits_of

    loaded = load_patch(patch)
    print(f"{patch}: {loaded.provenance.get('sound', 'a sound')}, {loaded.seconds:.2f} s")
    for number, line in enumerate(described(edits_of(loaded)), 1):
        print(f"  {number}. {line}")
    if not edits_of(loaded):
        print("  never edited")
    return 0


def _curve_from(file: Path, seconds: float) -> dict[str, Any]:
    from ddsp_match.tasks.edit import f0_curve

    return f0_curve(file, seconds)
