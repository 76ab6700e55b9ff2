"""Places claimed before any work is done: free, writable, and reserved until it is done."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ddsp_match.core.errors import FORCE, OUT, OutputError, Taken
from ddsp_match.core.files.lock import Lock
from ddsp_match.core.files.names import beside
from ddsp_match.core.files.refusal import refusal

_owners: dict[Path, int] = {}  # claims of this process by the thread that holds them
_adrift: list[Path] = []


@contextlib.contextmanager
def claimed(*places: Path) -> Iterator[None]:
    """Keeps places to write from every other process and thread, and sees that something can be written there.

    The folders above are made; those that are still empty in the end go again. What the thread holds already it may
    claim once more.

    Args:
        places: Files or folders, whether or not they exist.

    Raises:
        OutputError: Another one holds one of them, or nothing can be written there.
    """
    with contextlib.ExitStack() as stack:
        for place in places:
            stack.enter_context(_claimed(place))
        yield


def check_folder(
    folder: Path,
    *,
    force: bool,
    replaceable: Callable[[Path], bool] = lambda _: False,
    sources: Sequence[Path] = (),
) -> None:
    """Refuses a folder that holds something which must not be lost.

    Args:
        folder: To be written.
        force: Whether what `replaceable` says yes to may be replaced.
        replaceable: Says that a folder was written by us, and can be made again.
        sources: What the work is done on: a folder that holds one of these is never replaced.

    Raises:
        OutputError: It is a file, or is not empty.
    """
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise Taken("a file of that name", where=folder, needed="a folder to write to", cures=[OUT])
    if is_free(folder):
        return
    ours = replaceable(folder) and not any(
        settled(source).is_relative_to(settled(folder)) for source in sources
    )
    if not force:
        raise Taken(
            "a folder with files in it",
            where=folder,
            needed="a new or empty folder, so that nothing is overwritten",
            cures=[FORCE, OUT] if ours else [OUT],
        )
    if not ours:
        needed = "a new folder, or an earlier run of the same kind"
        raise Taken("files that no run of ddsp-match has written", where=folder, needed=needed, cures=[OUT])


def check_files(*files: Path, force: bool) -> None:
    """Refuses files that exist.

    Raises:
        OutputError: One does, and `force` is not given, or it is a folder or a device.
    """
    for path in files:
        if os.path.isdir(path):
            raise OutputError("a folder", where=path, needed="the name of a file", cures=[OUT])
        if os.path.exists(path) and not os.path.isfile(path):
            raise OutputError("a device or a pipe", where=path, needed="the name of a file", cures=[OUT])
        if os.path.lexists(path) and not force:
            raise Taken("a file of that name", where=path, needed="a new name", cures=[FORCE, OUT])


def is_free(folder: Path) -> bool:
    """True if a folder can be written to without losing anything: not there yet, or empty."""
    if not os.path.lexists(folder):
        return True
    try:
        return all(is_ours(path, folder) for path in folder.iterdir())
    except NotADirectoryError:
        return False
    except OSError as error:
        raise refusal(folder, error) from error


def is_ours(path: Path, folder: Path) -> bool:
    """True if a file in a folder belongs to a claim of that folder."""
    folder = settled(folder)  # "." has no name
    return path.name in {beside(folder / folder.name, suffix).name for suffix in ("lock", "part", "old")}


def settled(path: Path) -> Path:
    """The path that a name stands for in the end: absolute, and through all links.

    Raises:
        OutputError: The working folder is gone.
    """
    if _adrift and not path.is_absolute():
        needed = "an absolute path, or a working folder that exists"
        raise OutputError("a working folder that has been removed", where=path, needed=needed, cures=[OUT])
    return Path(os.path.realpath(path))


def anchor(target: Path) -> Path:
    """The place of a lock and an unfinished folder: the folder above, or the folder itself where that cannot be.

    A mounted disk cannot be renamed, and what lies in a folder that is for reading only neither.
    """
    inside = os.path.isdir(target) and (
        os.path.ismount(target) or not os.access(target.parent, os.W_OK | os.X_OK)
    )
    return target if inside else target.parent


def run_adrift(shelter: Path) -> None:
    """Goes on in another folder where the working folder has been removed; relative paths are refused from then on."""
    os.chdir(shelter)
    _adrift.append(shelter)


@contextlib.contextmanager
def _claimed(place: Path) -> Iterator[None]:
    target = settled(place)
    if _owners.get(target) == threading.get_ident():
        yield
        return
    made: list[Path] = []
    try:
        made = [folder for folder in target.parents if not os.path.lexists(folder)]
        target.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            os.lstat(target)  # a name that is too long
        inside = anchor(target) == target
        lock = Lock(beside(target / target.name if inside else target, "lock"), place)
    except OSError as error:
        _unmade(made)
        raise refusal(place, error) from error
    except OutputError:
        _unmade(made)
        raise
    _owners[target] = threading.get_ident()
    try:
        old = beside(target, "old")
        if os.path.lexists(old) and not os.path.lexists(target):  # `new_folder` was killed between its two renames
            old.replace(target)
        yield
    finally:
        del _owners[target]
        lock.release(remove=True)
        _unmade(made)


def _unmade(folders: Sequence[Path]) -> None:
    """Takes away folders that are empty, the innermost first."""
    with contextlib.suppress(OSError):  # no longer empty
        for folder in folders:
            folder.rmdir()
