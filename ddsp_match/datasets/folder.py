"""A folder of sounds, or sound files that were named one by one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ddsp_match.core.errors import SoundError
from ddsp_match.datasets.item import Item, Listing
from ddsp_match.datasets.naming import safe, unique
from ddsp_match.datasets.scanning import FolderContents, scan, shortened, twice_notes


def folder_listing(source: Path, limit: int | None = None) -> Listing:
    """List every sound file below a folder, named by its path without suffix; its family is the folder it lies in.

    Args:
        source: The folder.
        limit: Most sounds; None: all.

    Raises:
        SoundError: It holds no sounds.
    """
    return listing_of(source, scan(source), limit)


def listing_of(source: Path, contents: FolderContents, limit: int | None) -> Listing:
    """Make the listing from the contents of the folder."""
    root = source.resolve()
    stems, suffixes = zip(*(os.path.splitext(name) for name in contents.sounds), strict=True)
    names = unique([safe(stem) for stem in stems], suffixes)
    rows = list(zip(names, contents.sounds, strict=True))[:limit]
    items = [Item(name, root / relative, os.path.dirname(relative)) for name, relative in rows]
    return Listing(items, contents.notes())


def files_listing(paths: Sequence[Path], limit: int | None = None) -> Listing:
    """Sound files that were named one by one; names and families count from the folder that holds them all.

    Args:
        paths: The files; those that are not there fail later, each with its reason. Pipes and devices are left out.
        limit: Most sounds; None: all.

    Raises:
        SoundError: None of them is a file.
    """
    first: dict[str, Path] = {}
    twice, odd = [], []
    for path in paths:
        if path.exists() and not path.is_file():
            odd.append(str(path))
            continue
        real = os.path.realpath(path)
        if real in first:
            twice.append((str(first[real]), str(path)))
        else:
            first[real] = path
    if not first:
        raise SoundError(f"{len(odd)} pipes or devices", where="sounds", needed="sound files")
    kept = [Path(os.path.abspath(path)) for path in first.values()]
    root = common_folder(kept)
    relative = [path.relative_to(root) for path in kept]
    names = unique([safe(path.with_suffix("").as_posix()) for path in relative], [path.suffix for path in relative])
    rows = list(zip(names, relative, strict=True))[:limit]
    items = [Item(name, root / path, "" if path.parent == Path() else path.parent.as_posix()) for name, path in rows]
    left_out = [f"{len(odd)} left out, a pipe or a device: {shortened(odd)}"] if odd else []
    return Listing(items, [*left_out, *twice_notes(twice)])


def common_folder(paths: Sequence[Path]) -> Path:
    """The folder that all these files, absolute, lie in or below.

    Raises:
        ValueError: There is none (two drives).
    """
    return Path(os.path.commonpath([path.parent for path in paths]))
