"""The folder of one sound: written whole or not at all, with the entry that the index can be rebuilt from."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from ddsp_match.core.errors import MatchError, OutputError, SoundError
from ddsp_match.core.files import refusal, sync_folder, sync_tree
from ddsp_match.core.files.refusal import NAME, free_space
from ddsp_match.runs.store.as_json import entry_of, entry_text
from ddsp_match.runs.store.entry import Entry

SOUNDS, ENTRY_NAME = "sounds", "entry.json"
_PART, _OLD = ".part", ".old"
_TRIES = 5  # another writer may put the same sound in place between two of our steps, after a restart


def write_sound(folder: Path, entry: Entry, write: Callable[[Path], None]) -> None:
    """Write a finished sound's folder: everything in it, then on the disk, then under its name in one step.

    A process that is killed leaves the folder whole or a scratch folder whose name begins with a dot, which the next
    run removes. A folder of that name is replaced.

    Args:
        folder: The run folder.
        entry: What goes into ``entry.json``. Its `folder` and `files` are filled in, and size and modification time of
            the source, by which a later run sees that the sound has changed.
        write: Puts the files into the scratch folder that it is given.

    Raises:
        OutputError: The disk is full or cannot be written to: every other sound would meet the same.
        SoundError: The disk cannot hold this name.
    """
    target = folder / SOUNDS / entry.name
    scratch = _beside(target, _PART)
    try:
        _make_parents(target.parent)
        scratch.mkdir()
        write(scratch)
        entry.folder = f"{SOUNDS}/{entry.name}"
        entry.files = sorted([*(path.name for path in scratch.iterdir()), ENTRY_NAME])
        entry.facts = {**source_facts(Path(entry.source)), **entry.facts}
        (scratch / ENTRY_NAME).write_text(entry_text(entry), encoding="utf-8")
        sync_tree(scratch)
        _put(scratch, target)
        sync_folder(target.parent)
    except OSError as error:
        raise _refused(target, error) from error
    except OutputError as error:  # raised by `write`, which knows only the scratch folder
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.errno is not None:
            raise _refused(target, cause) from error
        found = f"{error.found}, with {free_space(folder)} free on the disk"  # encoders do not say that it is full
        raise OutputError(found, where=target, needed=error.needed, hint=error.hint, cures=error.cures) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def read_entry(folder: Path, name: str) -> Entry | None:
    """Return the entry in the folder of a finished sound; None where there is none.

    Args:
        folder: The run folder.
        name: The sound's name.
    """
    try:
        found = json.loads((folder / SOUNDS / name / ENTRY_NAME).read_text(encoding="utf-8"))
        entry = entry_of(found)
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    return entry if entry.name == name else None


def source_facts(path: Path) -> dict[str, int]:
    """Size and modification time of a sound file; nothing of one that is not there."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return {}
    return {"source_size": found.st_size, "source_mtime_ns": found.st_mtime_ns}


def unchanged(entry: Entry, now: dict[str, int]) -> bool:
    """Say whether a sound is still the one that was fitted, as far as `source_facts` tell; one that is gone is."""
    return all(entry.facts.get(key, value) == value for key, value in now.items())


def folders(run: Path, known: set[str]) -> Iterator[str]:
    """Yield the names of a run's sound folders, without looking into those of `known`; remove half-written ones.

    Args:
        run: The run folder.
        known: Names in the index.
    """
    yield from _folders(run / SOUNDS, "", known)


def _folders(place: Path, prefix: str, known: set[str]) -> Iterator[str]:
    try:
        inside = list(os.scandir(place))
    except FileNotFoundError:
        return
    for found in inside:
        if found.name.startswith("."):
            if found.name.endswith((_PART, _OLD)):
                shutil.rmtree(found.path, ignore_errors=True)
        elif found.is_dir(follow_symlinks=False):
            name = prefix + found.name
            if name in known or os.path.isfile(os.path.join(found.path, ENTRY_NAME)):
                yield name
            else:
                yield from _folders(Path(found.path), f"{name}/", known)


def _refused(target: Path, error: OSError) -> MatchError:
    """Return the refusal of a disk, which every sound would meet, or of this sound's name, which it cannot hold."""
    if error.errno in NAME:
        message = (error.strerror or str(error)).lower()
        return SoundError(f"a name that cannot be written ({message})", where=target, hint="a shorter, plainer name")
    return refusal(target, error)


def _beside(target: Path, suffix: str) -> Path:
    """A name beside the folder that no other process takes, on whichever machine it runs."""
    return target.parent / f".{os.getpid()}-{secrets.token_hex(4)}{suffix}"


def _make_parents(parent: Path) -> None:
    """Make a folder and those above it, each of them on the disk in the one above."""
    if parent.is_dir():
        return
    if parent.parent != parent:
        _make_parents(parent.parent)
    parent.mkdir(exist_ok=True)
    sync_folder(parent.parent)


def _put(scratch: Path, target: Path) -> None:
    """Rename; a folder in the way goes first, and comes back if that fails."""
    for _ in range(_TRIES):
        old = _beside(target, _OLD)
        try:
            target.rename(old)
        except FileNotFoundError:
            old = None
        try:
            scratch.rename(target)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                if old is not None and not target.exists():
                    old.rename(target)
                raise
        finally:
            if old is not None:
                shutil.rmtree(old, ignore_errors=True)
    raise MatchError("another process that writes the same sound", where=target, needed="one run a folder")
