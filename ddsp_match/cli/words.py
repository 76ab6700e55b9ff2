"""From the words of a command line to a sound, overrides, and a place to write."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ddsp_match import config
from ddsp_match.dsp.notes import hz_of
from ddsp_match.errors import ConfigError, OutputError, SoundError
from ddsp_match.tasks.run_folder import MARKS

OUTPUTS = Path("outputs")


def split(words: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Tell sounds from overrides.

    A word like ``key=value`` is an override unless a file of that name exists; ``./key=value`` is a file in
    any case.

    Raises:
        SoundError: An empty word.
    """
    sounds, overrides = [], []
    for word in words:
        if not word:
            raise SoundError(
                "an empty word", where="command line", needed="a sound", hint="a look at the shell's variables"
            )
        if config.is_override(word) and not Path(word).is_file():
            overrides.append(word)
        else:
            sounds.append(Path(word))
    return sounds, overrides


def one_sound(sounds: Sequence[Path], verb: str) -> Path:
    """Return the sound, of which there must be one.

    Raises:
        SoundError: None, or several.
    """
    if len(sounds) == 1:
        return sounds[0]
    if not sounds:
        raise SoundError("no sound file", where=verb, needed="one", hint=f"ddsp-match {verb} sound.wav")
    names = ", ".join(str(sound) for sound in sounds)
    raise SoundError(
        f"{len(sounds)} sound files ({names})",
        where=verb,
        needed="one",
        hint="a loop over the files; a setting is written KEY=VALUE without spaces",
    )


def two_sounds(sounds: Sequence[Path], verb: str) -> tuple[Path, Path]:
    """Return the dry and the wet sound, of which there must be one each.

    Raises:
        SoundError: Fewer or more.
    """
    if len(sounds) == 2:
        return sounds[0], sounds[1]
    names = f" ({', '.join(str(sound) for sound in sounds)})" if sounds else ""
    raise SoundError(
        f"{len(sounds)} sound file{'' if len(sounds) == 1 else 's'}{names}",
        where=verb,
        needed="two, first the dry one, then the wet one",
        hint=f"ddsp-match {verb} dry.wav wet.wav effects=[clip]; a setting is written KEY=VALUE without spaces",
    )


def flag_overrides(arguments: argparse.Namespace, overrides: Sequence[str]) -> list[str]:
    """Return the overrides, and after them what ``--f0``, ``--midi``, ``--f0-csv``, ``--budget`` stand for.

    Raises:
        ConfigError: A flag and an override say the same thing twice.
    """
    said = {word.lstrip("+~").partition("=")[0]: word for word in overrides}
    added = _flags_as_overrides(arguments)
    for word in added:
        key = word.partition("=")[0]
        if key in said:
            raise ConfigError(
                f"{said[key]} beside a flag that means {word}", where="command line", needed="one of the two"
            )
    return [*overrides, *added]


def _flags_as_overrides(arguments: argparse.Namespace) -> list[str]:
    overrides: list[str] = []
    hz, midi, f0_csv = (getattr(arguments, name, None) for name in ("f0", "midi", "f0_csv"))
    if midi is not None:
        hz = hz_of(midi)
    if hz is not None:
        overrides += ["f0=constant", f"f0.hz={hz!r}"]
    if f0_csv is not None:
        overrides += ["f0=csv", f"f0.path={config.quoted(f0_csv)}"]
    if getattr(arguments, "budget", None) is not None:
        overrides.append(f"{arguments.budget_key}={arguments.budget!r}")
    return overrides


def tail(notes: Sequence[str], stopped: str, folder: Path) -> list[str]:
    """Return how a run's outcome ends: remarks, why it stopped, what was written."""
    return [
        *(f"note: {note}" for note in notes),
        f"stopped: {stopped}",
        f"written: {folder}/" + ", ".join(sorted(path.name for path in folder.iterdir())),
        f"report:  {folder / 'report.html'}",
    ]


def is_free(folder: Path) -> bool:
    """Say whether a folder can be written to without losing anything: not there yet, or empty."""
    return not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))


def run_directory(name: str, output: Path | None, *, force: bool, sound: Path, other: Path | None = None) -> Path:
    """Choose where a run writes.

    Args:
        name: What the run is called: ``outputs/<name>``, or the first free of ``-2``, ``-3`` … after it.
        output: The folder that the user named, if any; taken as it is.
        force: Whether a run that exists may be replaced. A folder that holds no run, or holds the sound
            itself, is never replaced: what is in it could not be made again.
        sound: The sound to work on.
        other: A second one, if any.

    Raises:
        OutputError: The folder holds something that must not be lost, or is a file.
    """
    sounds = [sound] if other is None else [sound, other]
    if output is None:
        folder, number = OUTPUTS / name, 1
        while not (is_free(folder) or (force and _replaceable(folder, sounds))):
            number += 1
            folder = OUTPUTS / f"{name}-{number}"
        return folder
    if output.exists() and not output.is_dir():
        raise OutputError("a file", where=output, needed="a folder", hint="another name with -o")
    if is_free(output):
        return output
    if not force:
        raise OutputError(
            "files already there", where=output, needed="a new or empty folder", hint="another -o, or --force"
        )
    if not _replaceable(output, sounds):
        raise OutputError(
            "files that no run of ddsp-match has written",
            where=output,
            needed="a new or empty folder, or an earlier run to replace with --force",
            hint="another -o",
        )
    return output


def many_directory(name: str, output: Path | None) -> Path:
    """Choose where a run over many sounds writes; an earlier one is gone on with, if its settings are the same.

    Args:
        name: What the run is called: ``outputs/<name>``, or the first of ``-2``, ``-3`` … after it that is free or
            such a run.
        output: The folder that the user named, if any; taken as it is.
    """
    if output is not None:
        return output
    from ddsp_match.store import is_run  # SQLite is not needed for one sound

    folder, number = OUTPUTS / name, 1
    while not (is_free(folder) or is_run(folder)):
        number += 1
        folder = OUTPUTS / f"{name}-{number}"
    return folder


def _replaceable(folder: Path, sounds: Sequence[Path]) -> bool:
    holds_a_run = any((folder / name).is_file() for name in MARKS)
    return holds_a_run and not any(sound.resolve().is_relative_to(folder.resolve()) for sound in sounds)
