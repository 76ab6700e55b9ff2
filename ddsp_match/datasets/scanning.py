"""The sound files below a folder, by their names alone: no file is opened."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ddsp_match.core.audio import ffmpeg
from ddsp_match.core.audio.headers import suffixes
from ddsp_match.core.errors import SoundError

READABLE = "WAV, FLAC, OGG, MP3, AIFF or CAF files"
_NAMED = 5  # of a list in a note


@dataclass
class FolderContents:
    """The contents of a folder and those below it.

    Attributes:
        sounds: Paths relative to the folder, with ``/``, sorted.
        others: How many files are no sounds, by suffix or in words.
        runs: Folders that ddsp-match wrote, which are left out.
        twice: Pairs of names of one and the same file, the second of which is left out.
    """

    sounds: list[str] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    runs: list[str] = field(default_factory=list)
    twice: list[tuple[str, str]] = field(default_factory=list)

    def notes(self) -> list[str]:
        """Remarks for the user."""
        notes = []
        if self.others:
            number = self.others.total()
            one = number == 1
            kinds = suffix_list(self.others)
            notes.append(f"{number} file{' is no sound' if one else 's are no sounds'} ({kinds}), left out")
        if self.runs:
            notes.append(f"what ddsp-match wrote itself is left out: {shortened(self.runs)}")
        return notes + twice_notes(self.twice)


def scan(folder: Path) -> FolderContents:
    """List the sounds below a folder; hidden files, and runs of ours, are left out.

    Args:
        folder: The folder; links in it are followed, each place once.

    Raises:
        SoundError: It holds no sounds, or cannot be listed.
    """
    contents = FolderContents()
    if written_by_us(os.listdir(folder) if os.access(folder, os.R_OK) else []):
        raise SoundError(
            "a run of ddsp-match", where=folder, needed="a folder of sounds", hint="the folder that was fitted"
        )
    links: list[tuple[str, str]] = []
    _scan(str(folder), "", {os.path.realpath(folder)}, contents, links)
    _drop_links(folder, links, contents)
    contents.sounds.sort()
    contents.runs.sort()
    if not contents.sounds:
        if not contents.others:
            what, hint = "no files" if not contents.runs else "nothing but runs of ddsp-match", "another folder"
        else:
            number = contents.others.total()
            what = f"{number} file{'' if number == 1 else 's'}, none of them a sound ({suffix_list(contents.others)})"
            foreign = sorted(set(contents.others) & ffmpeg.SUFFIXES)
            hint = f"installing ffmpeg, with which {', '.join(foreign)} are read" if foreign else "another folder"
        raise SoundError(what, where=folder, needed=READABLE, hint=hint)
    return contents


def written_by_us(names: Sequence[str]) -> bool:
    """Say whether a folder that holds these names was written by ddsp-match."""
    present = set(names)
    if "index.sqlite" in present or "sweep.csv" in present or {"features.csv", "features.png"} <= present:
        return True
    return "config.yaml" in present and any(name.endswith(".patch.safetensors") for name in present)


def suffix_list(others: Counter[str]) -> str:
    """Suffixes, the most frequent first."""
    names = [name for name, _ in others.most_common(_NAMED)]
    return ", ".join(names) + (", …" if len(others) > _NAMED else "")


def shortened(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def twice_notes(twice: Sequence[tuple[str, str]]) -> list[str]:
    """Return remarks on files that were named twice."""
    if not twice:
        return []
    pairs = [f"{second} (is {first})" for first, second in twice]
    return [f"{len(twice)} named twice and taken once: {shortened(pairs)}"]


def _scan(place: str, prefix: str, visited: set[str], contents: FolderContents, links: list[tuple[str, str]]) -> None:
    try:
        with os.scandir(place) as listing:
            inside = [entry for entry in listing if not entry.name.startswith(".")]
    except OSError as error:
        if not prefix:
            message = (error.strerror or str(error)).lower()
            raise SoundError(message, where=place, needed="a folder you may read") from error
        contents.others["folders that cannot be read"] += 1
        return
    if prefix and written_by_us([entry.name for entry in inside]):
        contents.runs.append(prefix.rstrip("/"))
        return
    readable = suffixes()
    for entry in inside:
        name, linked = prefix + entry.name, entry.is_symlink()
        if entry.is_dir():
            real = os.path.realpath(entry.path) if linked else os.path.join(os.path.realpath(place), entry.name)
            if real not in visited:
                visited.add(real)
                _scan(entry.path, f"{name}/", visited, contents, links)
        elif not entry.is_file():
            contents.others["pipes, devices or links to nothing"] += 1
        elif os.path.splitext(entry.name)[1].lower() not in readable:
            contents.others[os.path.splitext(entry.name)[1].lower() or "without suffix"] += 1
        elif linked:
            links.append((name, os.path.realpath(entry.path)))
        else:
            contents.sounds.append(name)


def _drop_links(folder: Path, links: list[tuple[str, str]], contents: FolderContents) -> None:
    """Take links to sounds elsewhere; leave out those to sounds that are here already."""
    if not links:
        return
    folders: dict[str, str] = {}
    known: dict[str, str] = {}
    for name in contents.sounds:
        head, tail = os.path.split(name)
        if head not in folders:
            folders[head] = os.path.realpath(folder / head)
        known[os.path.join(folders[head], tail)] = name
    for name, real in sorted(links):
        if real in known:
            contents.twice.append((known[real], name))
        else:
            known[real] = name
            contents.sounds.append(name)
