"""Several patches in one file: what an instrument is made from, and which of their notes it takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ddsp_match.core.errors import ConfigError
from ddsp_match.patch import container, racks
from ddsp_match.patch.synth import Patch, decoded, load_patch

Chosen = Sequence[Sequence[int] | None]  # for each patch the numbers of its notes, counted from 1; None for all


def save_patches(path: str | Path, patches: Sequence[Patch], chosen: Chosen) -> int:
    """Writes an instrument's file whole or not at all.

    Args:
        path: The file; one that exists is replaced.
        patches: One or more.
        chosen: The notes that are taken of each.

    Returns:
        The size of the file in bytes.

    Raises:
        OutputError: The place cannot be written to.
    """
    parts = [patch.encoded() for patch in patches]
    header = {
        "patches": [said for said, _ in parts],
        "notes": [None if numbers is None else list(numbers) for numbers in chosen],
    }
    tensors = {f"{n}.{name}": value for n, (_, held) in enumerate(parts) for name, value in held.items()}
    return container.write(path, container.INSTRUMENT, header, tensors)


def load_patches(path: str | Path) -> tuple[list[Patch], Chosen]:
    """Reads the patches of an instrument's file, or the one of a patch file, of which all notes are taken.

    Raises:
        PatchError: The file is missing, is no patch, is damaged, has a newer format version, or holds effects alone.
    """
    path = Path(path)
    kind, header, tensors = container.read(path)
    if kind != container.INSTRUMENT:
        return [load_patch(path)], [None]
    try:
        patches = []
        for n, said in enumerate(header["patches"]):
            held = {name.removeprefix(f"{n}."): value for name, value in tensors.items() if name.startswith(f"{n}.")}
            patches.append(decoded(said, held))
        if not patches or len(header["notes"]) != len(patches):
            raise ValueError(f"{len(patches)} patches with the notes of {len(header['notes'])}")
    except (KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise container.damaged(path, error) from error
    except ConfigError as error:
        raise racks.unplayable(path, error) from error
    return patches, header["notes"]
