"""A patch for other programs: an instrument, a wavetable, notes, tables, a room, a page."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ddsp_match.core.callbacks import OnNote
from ddsp_match.core.errors import ConfigError, OutputError
from ddsp_match.core.files import check_files, check_folder, claimed, fitted, new_file, new_folder, printable, refusal
from ddsp_match.edits.instrument import Instrument
from ddsp_match.exports.kinds import KINDS, ExportKind, kind_of
from ddsp_match.patch import Patch, load_patch, load_patches
from ddsp_match.tasks.run_folder import is_run

# How many steps are done, and of how many.
OnProgress = Callable[[int, int], None]


def export(
    patch: Patch | Instrument | str | Path,
    to: str,
    out: str | Path | None = None,
    *,
    force: bool = False,
    notes: Sequence[int] | None = None,
    on_note: OnNote | None = None,
    on_progress: OnProgress | None = None,
    **options: Any,
) -> list[Path]:
    """Writes a patch in the form that another program reads.

    Args:
        patch: A patch, or the path of a patch file; for sfz and html an instrument as well.
        to: A kind of export, one of `ddsp_match.exports.kinds.KINDS`.
        out: The file, or for sfz the folder, to write; by default one in the current folder, named as the patch.
        force: Replace what exists.
        notes: For sfz and html the notes of the phrase, or of the instrument, to play keys from, counted from 1.
        on_note: Told what a user should know.
        on_progress: Told how many steps of a long export are done, and of how many.
        options: Those of the kind.

    Returns:
        What was written, the main file first.

    Raises:
        ConfigError: There is no such kind, or it has no such option, or the patch has nothing to export so.
        PatchError: The patch cannot be read.
        OutputError: A file exists already, or cannot be written.
    """
    kind = kind_of(to)
    options = kind.checked(options)
    if notes is not None and not kind.plays_instruments:
        able = " or ".join(name for name, other in KINDS.items() if other.plays_instruments)
        raise ConfigError(f"notes to play with {to}", where="export", needed=f"{able}, which have keys")
    out = Path(out) if out is not None else Path(fitted(name_of(patch), kind.suffixes[0].rstrip("/"), Path()))
    callbacks = {"on_note": on_note, "on_progress": on_progress}
    with claimed(*kind.files(out)):
        check_place(kind, out, force=force)
        loaded = patch if isinstance(patch, Patch | Instrument) else _loaded(kind, patch)
        if notes is not None:
            loaded = (Instrument.of([loaded]) if isinstance(loaded, Patch) else loaded).choosing(notes)
        if kind.is_folder:
            with new_folder(out) as scratch:
                # The folder's own name is that of the instrument.
                name = kind.bare(printable(out.absolute().name))
                made = kind.write(loaded, scratch, callbacks, name=name, **options)
            return [out / path.relative_to(scratch) for path in made]
        try:
            with tempfile.TemporaryDirectory(dir=out.absolute().parent, prefix=".") as scratch:
                made = kind.write(loaded, Path(scratch) / out.name, callbacks, **options)
                for path in made:
                    with new_file(out.with_name(path.name)) as part:
                        path.replace(part)
        except OSError as error:
            raise refusal(out, error) from error
        return [out.with_name(path.name) for path in made]


def _loaded(kind: ExportKind, path: str | Path) -> Patch | Instrument:
    if not kind.plays_instruments:
        return load_patch(path)
    patches, chosen = load_patches(path)
    return patches[0] if [*chosen] == [None] else Instrument.of(patches, chosen)


def name_of(patch: Patch | Instrument | str | Path) -> str:
    """Name a patch: by its file without suffixes, or by the sound it was made from."""
    if isinstance(patch, Instrument):
        return name_of(patch.patches[0])
    if isinstance(patch, Patch):
        return Path(str(patch.provenance.get("sound") or "sound")).stem
    return Path(patch).name.removesuffix(".safetensors").removesuffix(".patch")


def check_place(kind: ExportKind, out: Path, *, force: bool) -> None:
    """Refuse, before any work is done, a place that could not be written to in the end.

    Raises:
        OutputError: It exists and `force` is not given, or is a folder with other files, or has another kind's suffix.
    """
    if kind.is_folder:
        check_folder(out, force=force, replaceable=lambda folder: is_run(folder) or kind.wrote(folder))
        return
    check_files(out, force=True)
    needed = f".{kind.suffixes[0].rpartition('.')[2]}"
    if out.suffix.lower() != needed:
        raise OutputError(f"the suffix {out.suffix!r}", where=out, needed=needed, hint=f"{out.with_suffix(needed)}")
    check_files(*kind.files(out), force=force)
