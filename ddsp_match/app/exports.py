"""Exports as downloads: every kind of the command line's ``export``."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddsp_match.app.responses import Refusal
from ddsp_match.exports.kinds import KINDS, ExportKind

if TYPE_CHECKING:
    from ddsp_match.patch import Patch


def kinds() -> list[dict[str, Any]]:
    """Every kind of export, with its options, as a page shows them."""
    return [
        {
            "name": kind.name,
            "words": kind.words,
            "suffix": ".zip" if _is_zip(kind) else kind.suffixes[0],
            "needs_pitch": kind.needs_pitch,
            "options": [option.as_data() for option in kind.options],
        }
        for kind in KINDS.values()
    ]


def options_of(to: str, query: Mapping[str, str]) -> dict[str, Any]:
    """The options in a request.

    Raises:
        Refusal: There is no such kind.
        ConfigError: It has no such option, or not with that value.
    """
    if to not in KINDS:
        raise Refusal(404, "no export of that kind", f"one of {', '.join(KINDS)}")
    return KINDS[to].checked({name: _value(text) for name, text in query.items()})


def write(patch: Patch, to: str, name: str, options: Mapping[str, Any], folder: Path) -> Path:
    """Exports a patch to a folder of its own; one file, or a ZIP of several.

    Args:
        patch: The patch.
        to: One of the kinds.
        name: What the files are called.
        options: Of that kind.
        folder: Empty, or not there yet.
    """
    from ddsp_match.tasks.export import export

    folder.mkdir(parents=True, exist_ok=True)
    kind = KINDS[to]
    inner = folder / "files"
    inner.mkdir()
    made = export(patch, to, inner / f"{name}{kind.suffixes[0].removesuffix('/')}", **options)
    if not _is_zip(kind):
        return made[0]
    whole = folder / f"{name}-{to}.zip"
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in made:
            archive.write(path, path.relative_to(inner).as_posix())
    return whole


def _is_zip(kind: ExportKind) -> bool:
    return kind.is_folder or len(kind.suffixes) > 1


def _value(text: str) -> bool | int | float | str:
    """Read what a page writes into an address: a switch, a number, or what is left as it is."""
    if text in ("true", "false"):
        return text == "true"
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number
