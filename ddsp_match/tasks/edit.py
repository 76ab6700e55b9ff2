"""Edit a patch, and list the edits in it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ddsp_match.analysis.f0_file import read_f0_file
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.files import check_files, claimed, new_file
from ddsp_match.edits.kinds import EDITS, EditKind, kind_of, registry
from ddsp_match.edits.patches import SEPARATE, apply, edits_of
from ddsp_match.patch import Patch, load_patch

__all__ = ["EDITS", "Edit", "EditKind", "edit", "edits_of", "f0_curve", "registry"]


@dataclass(frozen=True)
class Edit:
    """One edit to be applied.

    Attributes:
        name: Of its kind, one of `registry`.
        values: Its parameters; those that are missing have their defaults.
    """

    name: str
    values: Mapping[str, Any] = field(default_factory=dict)


def edit(
    patch: Patch | str | Path,
    edits: Sequence[Edit | Mapping[str, Any]],
    *,
    out: str | Path | None = None,
    force: bool = False,
) -> Patch:
    """Applies edits in the order given.

    Each is listed in ``provenance["edits"]`` with all its values. Before the first one that needs it, tone and
    noise are separated, and that is listed too. Edits that change nothing are left out; where none remains, the patch,
    and the file, is the one that was given.

    Args:
        patch: A patch, or the path of a patch file.
        edits: `Edit` objects, or the same as ``{"edit": NAME, VALUE: …}``, as patches list them.
        out: Patch file to write.
        force: Replace a file that exists.

    Returns:
        The edited patch.

    Raises:
        PatchError: The file is no patch that can be read.
        ConfigError: An edit or a value that does not exist, or is out of range.
        OutputError: `out` exists already, or cannot be written.

    Example:
        >>> higher = ddsp_match.edit("sound.patch.safetensors", [{"edit": "transpose", "semitones": 7}])
    """
    wanted = [one if isinstance(one, Edit) else _from_mapping(one) for one in edits]
    steps = [(kind_of(one.name), kind_of(one.name).checked(one.values)) for one in wanted if one.name != SEPARATE]
    places = [] if out is None else [Path(out)]
    with claimed(*places):
        check_files(*places, force=force)
        edited = original = patch if isinstance(patch, Patch) else load_patch(patch)
        for kind, values in steps:
            edited = apply(edited, kind, values)
        for place in places:
            if edited is original and not isinstance(patch, Patch):
                copied(Path(patch), place)
            else:
                edited.save(place)
    return edited


def _from_mapping(one: Mapping[str, Any]) -> Edit:
    values = dict(one)
    name = values.pop("edit", None) or values.pop("name", None)
    if not isinstance(name, str):
        raise ConfigError("an edit without a name", where="edit", needed='{"edit": "transpose", "semitones": 7}')
    if set(values) == {"values"} and isinstance(values["values"], Mapping):
        values = dict(values["values"])
    return Edit(name, values)


def copied(patch: Path, out: Path) -> None:
    """Copies a patch file, whole or not at all.

    Raises:
        OutputError: The place cannot be written to.
    """
    if out.exists() and out.samefile(patch):
        return
    with new_file(out) as part:
        shutil.copyfile(patch, part)


def f0_curve(file: str | Path, seconds: float) -> dict[str, Any]:
    """The edit that gives a sound of so many seconds the f0 of a CSV file: lines of time in s, f0 in Hz.

    Raises:
        PitchError: The file is missing, is not such a table, or does not cover the sound.
    """
    times_s, f0_hz = read_f0_file(file, seconds)
    return {"edit": "f0_curve", "times_s": times_s.tolist(), "f0_hz": f0_hz.tolist()}
