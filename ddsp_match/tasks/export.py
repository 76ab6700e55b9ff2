"""A patch for other programs: an instrument, a wavetable, notes, tables, a room, a page.

Every kind is one function ``export_KIND(patch, out, **options) -> list[Path]`` in its own file, imported when asked
for. It writes what it has to `out`, and beside it under the other suffixes of its `Kind`, and returns what it wrote.
`export` gives it a scratch folder and moves what came out to its place at the end, so that none of them has to care
about files that exist or a disk that fills up. One that takes ``on_note`` or ``on_progress`` is given them.
"""

from __future__ import annotations

import importlib
import inspect
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddsp_match.core.callbacks import OnNote
from ddsp_match.core.errors import ConfigError, OutputError
from ddsp_match.core.files import check_files, check_folder, claimed, fitted, new_file, new_folder, printable, refusal
from ddsp_match.patch import Patch, load_patch
from ddsp_match.tasks.run_folder import is_run

# How many steps are done, and of how many.
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Kind:
    """Something a patch can be exported as.

    Attributes:
        words: What it is, for lists and help.
        home: Module and function, imported when first needed.
        suffixes: Of its files: the first is that of `out`; one that ends in a slash is a folder of files.
        options: The names of its keyword arguments.
        marks: Of a folder: patterns of what it holds at its top; one with anything else is not replaced.
        needs_pitch: Whether a patch that does not follow a pitch is refused.
    """

    words: str
    home: tuple[str, str]
    suffixes: tuple[str, ...]
    options: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    needs_pitch: bool = False

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of files."""
        return self.suffixes[0].endswith("/")


def _kind(
    words: str, home: str, function: str, *suffixes: str, options: str = "", marks: str = "", needs_pitch: bool = False
) -> Kind:
    place = (f"ddsp_match.exports.{home}", function)
    return Kind(words, place, suffixes, tuple(options.split()), tuple(marks.split()), needs_pitch)


KINDS: dict[str, Kind] = {
    "sfz": _kind(
        "a sampled instrument over the keyboard: NAME.sfz and WAVs with loops",
        "sfz",
        "export_sfz",
        "-sfz/",
        options="keys velocities seconds loop release_s sample_rate bits dry",
        marks="*.sfz samples",
    ),
    "wavetable": _kind(
        "single periods for wavetable synthesizers, one WAV",
        "wavetable",
        "export_wavetable",
        ".wavetable.wav",
        options="frames frame_size keep_levels bits",
        needs_pitch=True,
    ),
    "wt": _kind(
        "single periods in the format of Surge XT",
        "wavetable",
        "export_wavetable",
        ".wt",
        options="frames frame_size keep_levels bits",
        needs_pitch=True,
    ),
    "midi": _kind(
        "notes, pitch bends and expression as a MIDI file",
        "midi",
        "export_midi",
        ".mid",
        options="tempo bend_range",
        needs_pitch=True,
    ),
    "csv": _kind(
        "f0, levels and every partial over time as tables",
        "tables",
        "export_csv",
        ".csv",
        ".partials.csv",
        options="every",
    ),
    "json": _kind("everything in the patch, as text for other programs", "tables", "export_json", ".json"),
    "ir": _kind("the impulse response of the patch's room or effects, a WAV", "ir", "export_ir", ".ir.wav"),
    "html": _kind("a page with the instrument in it, to be played in a browser", "html", "export_html", ".html"),
}


def export(
    patch: Patch | str | Path,
    to: str,
    out: str | Path | None = None,
    *,
    force: bool = False,
    on_note: OnNote | None = None,
    on_progress: OnProgress | None = None,
    **options: Any,
) -> list[Path]:
    """Writes a patch in the form that another program reads.

    Args:
        patch: A patch, or the path of a patch file.
        to: One of `KINDS`.
        out: The file, or for sfz the folder, to write; by default one in the current folder, named as the patch.
        force: Replace what exists.
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
    for name in options:
        if name not in kind.options:
            has = ", ".join(kind.options) or "no options"
            raise ConfigError(f"the option {name}", where=f"export to {to}", needed=f"one of: {has}")
    out = Path(out) if out is not None else Path(fitted(name_of(patch), kind.suffixes[0].rstrip("/"), Path()))
    files = places(kind, out)
    with claimed(*files):
        check_place(kind, out, force=force)
        loaded = patch if isinstance(patch, Patch) else load_patch(patch)
        function = getattr(importlib.import_module(kind.home[0]), kind.home[1])
        takes = inspect.signature(function).parameters
        told = {"on_note": on_note, "on_progress": on_progress}
        given = options | {name: value for name, value in told.items() if name in takes and value is not None}
        if kind.is_folder:
            with new_folder(out) as scratch:
                # The folder's own name is that of the instrument.
                made = function(loaded, scratch, name=_bare(printable(out.absolute().name), kind), **given)
            return [out / path.relative_to(scratch) for path in made]
        try:
            with tempfile.TemporaryDirectory(dir=out.absolute().parent, prefix=".") as scratch:
                made = function(loaded, Path(scratch) / out.name, **given)
                for path in made:
                    with new_file(out.with_name(path.name)) as part:
                        path.replace(part)
        except OSError as error:
            raise refusal(out, error) from error
        return [out.with_name(path.name) for path in made]


def kind_of(name: str) -> Kind:
    """The kind of that name.

    Raises:
        ConfigError: There is none.
    """
    if name not in KINDS:
        raise ConfigError(f"{name!r}", where="export to", needed="one of: " + ", ".join(KINDS))
    return KINDS[name]


def name_of(patch: Patch | str | Path) -> str:
    """What a patch is called: its file without suffixes, or the sound it was made from."""
    if isinstance(patch, Patch):
        return Path(str(patch.provenance.get("sound") or "sound")).stem
    return Path(patch).name.removesuffix(".safetensors").removesuffix(".patch")


def check_place(kind: Kind, out: Path, *, force: bool) -> None:
    """Refuses, before any work is done, a place that could not be written to in the end.

    Raises:
        OutputError: It exists and `force` is not given, or is somebody's folder, or has another kind's suffix.
    """
    if kind.is_folder:
        check_folder(out, force=force, replaceable=lambda folder: is_run(folder) or _is_export(folder, kind))
        return
    check_files(out, force=True)
    needed = f".{kind.suffixes[0].rpartition('.')[2]}"
    if out.suffix.lower() != needed:
        raise OutputError(f"the suffix {out.suffix!r}", where=out, needed=needed, hint=f"{out.with_suffix(needed)}")
    check_files(*places(kind, out), force=force)


def places(kind: Kind, out: Path) -> list[Path]:
    """What an export writes: the file or folder itself, and files beside it."""
    return [out, *(out.with_name(_bare(out.name, kind) + suffix) for suffix in kind.suffixes[1:])]


def _is_export(folder: Path, kind: Kind) -> bool:
    return all(any(path.match(mark) for mark in kind.marks) for path in folder.iterdir())


def _bare(name: str, kind: Kind) -> str:
    """The name without the kind's suffix: what its other files are named after."""
    first = kind.suffixes[0].removesuffix("/")
    return name.removesuffix(first) if name.endswith(first) and name != first else Path(name).stem
