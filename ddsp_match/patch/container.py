"""The file around a patch: a safetensors container with one JSON object that says what is in it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch

from ddsp_match.core.errors import PatchError
from ddsp_match.core.files import new_file

FORMAT = "ddsp-match patch"
FORMAT_VERSION = 3
OLDEST_VERSION = 1  # had no effects; 2 had no timbre frames
SUFFIX = ".patch.safetensors"
SYNTH, EFFECTS, INSTRUMENT = "synth", "effects", "instrument"  # what a file is a patch of
NEEDED = "a patch file written by ddsp-match"


def write(path: str | Path, kind: str, header: dict[str, Any], tensors: dict[str, torch.Tensor]) -> int:
    """Writes a patch file whole or not at all.

    Args:
        path: The file; one that exists is replaced.
        kind: `SYNTH`, `EFFECTS` or `INSTRUMENT`.
        header: What is not a tensor, without format, version and kind.
        tensors: The numbers by name.

    Returns:
        The size of the file in bytes.

    Raises:
        OutputError: The place cannot be written to.
    """
    from safetensors.torch import save

    whole = {"format": FORMAT, "format_version": FORMAT_VERSION, "kind": kind, **header}
    content = save(
        {name: value.cpu().contiguous() for name, value in tensors.items()},
        metadata={"ddsp_match": json.dumps(whole)},
    )
    path = Path(path)
    with new_file(path) as part:
        part.write_bytes(content)
    return len(content)


def read(path: Path) -> tuple[str, dict[str, Any], dict[str, torch.Tensor]]:
    """Reads a patch file of any kind, without a look at what the numbers mean.

    Returns:
        Its kind, its header and its tensors.

    Raises:
        PatchError: The file is missing, is no patch, is damaged, or has a newer format version.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    if os.path.isdir(path):
        inside = sorted(path.glob(f"*{SUFFIX}"))
        hint = f"{inside[0]}" if inside else "the .patch.safetensors file of a run folder"
        raise PatchError("a folder", where=path, needed=NEEDED, hint=hint)
    if not os.path.lexists(path):
        raise PatchError("no such file", where=path, needed=NEEDED, hint="ls outputs/*/*.patch.safetensors")
    if os.path.exists(path) and not os.path.isfile(path):
        raise PatchError("a device or a pipe", where=path, needed=NEEDED, hint="copying it to a file first")
    try:
        # Not by its name: safetensors takes none that is not UTF-8, and a pipe cannot be mapped to memory.
        content = path.read_bytes()
        tensors = load(content)
    except OSError as error:
        said = (error.strerror or str(error)).lower()
        raise PatchError(said, where=path, needed=f"{NEEDED} that you may read") from error
    except (SafetensorError, ValueError) as error:
        raise PatchError(f"no readable safetensors ({error})", where=path, needed=NEEDED) from error
    try:
        length = int.from_bytes(content[:8], "little")
        header = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["ddsp_match"])
        if header["format"] != FORMAT:
            raise KeyError("format")
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise PatchError("a safetensors file of something else", where=path, needed=NEEDED) from error
    version = header.get("format_version")
    if version not in range(OLDEST_VERSION, FORMAT_VERSION + 1):
        raise PatchError(
            f"patch format {version}",
            where=path,
            needed=f"format {OLDEST_VERSION} to {FORMAT_VERSION}, which this version of ddsp-match reads",
            hint="the version of ddsp-match that wrote it, or fit the sound again",
        )
    kind = header.get("kind", SYNTH)
    if kind not in (SYNTH, EFFECTS, INSTRUMENT):
        raise PatchError(f"a patch of kind {kind!r}", where=path, needed=f"{SYNTH}, {EFFECTS} or {INSTRUMENT}")
    return kind, header, tensors


def damaged(path: Path, error: Exception) -> PatchError:
    """The refusal of a patch whose header and tensors do not fit together."""
    return PatchError(f"a damaged patch ({error})", where=path, needed=NEEDED, hint="fit the sound again")
