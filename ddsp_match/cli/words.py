"""From the words of a command line to a sound, overrides, and a place to write."""

from __future__ import annotations

import argparse
import contextlib
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

from ddsp_match import config
from ddsp_match.cli.streams import given
from ddsp_match.core.errors import ConfigError, SoundError, Taken
from ddsp_match.core.files import check_folder, claimed, fitted, is_free, name_of, printable
from ddsp_match.dsp.notes import hz_of
from ddsp_match.tasks.run_folder import is_run

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
            sounds.append(given(word))
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


@contextlib.contextmanager
def claimed_run(
    kind: str, output: Path | None, *, force: bool, sound: Path, other: Path | None = None
) -> Iterator[Path]:
    """Chooses where a run writes, and keeps it from every other run meanwhile.

    Args:
        kind: What is done, ``"-analysis"``: the run is ``outputs/SOUND-analysis``, or the first free of ``-2``,
            ``-3`` … after it.
        output: The folder that the user named, if any; taken as it is.
        force: Whether a run that exists may be replaced. A folder that holds no run, or holds the sound
            itself, is never replaced: what is in it could not be made again.
        sound: The sound to work on.
        other: A second one, if any.

    Raises:
        OutputError: The folder holds something that must not be lost, is a file, cannot be written, or another process
            is writing there.
    """
    sources = [sound] if other is None else [sound, other]
    for folder in [output] if output is not None else numbered(name_of(sound), kind):
        with contextlib.ExitStack() as claim:
            try:
                claim.enter_context(claimed(folder))
                check_folder(folder, force=force, replaceable=is_run, sources=sources)
            except Taken:
                if output is not None:
                    raise
                continue
            yield folder
            return


def numbered(stem: str, kind: str) -> Iterator[Path]:
    """Yield ``outputs/STEM`` with the kind of work behind it, then with ``-2``, ``-3`` and so on."""
    for number in itertools.count(1):
        yield OUTPUTS / fitted(stem, kind if number == 1 else f"{kind}-{number}", OUTPUTS)


def many_directory(name: str, output: Path | None) -> Path:
    """Choose where a run over many sounds writes; an earlier one is gone on with, if its settings are the same.

    Args:
        name: What the run is called: ``outputs/<name>``, or the first of ``-2``, ``-3`` … after it that is free or
            such a run.
        output: The folder that the user named, if any; taken as it is.
    """
    if output is not None:
        return output
    from ddsp_match.runs.store import is_run as is_many  # SQLite is not needed for one sound

    return next(folder for folder in numbered(printable(name), "") if is_free(folder) or is_many(folder))
