"""Morph: what lies between two patches, as a patch, as a row of patches, or as a sound that goes all the way."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from ddsp_match.core.callbacks import OnNote
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.files import check_files, claimed, new_folder
from ddsp_match.edits.kinds import LONGEST_S
from ddsp_match.edits.patches import between, morph_through
from ddsp_match.patch import SUFFIX, Patch, load_patch
from ddsp_match.tasks.edit import copied
from ddsp_match.tasks.render import render
from ddsp_match.tasks.run_folder import claims_out

Source = Patch | str | Path
THROUGH = "through"


def morph(a: Source, b: Source, amount: float = 0.5, *, out: str | Path | None = None, force: bool = False) -> Patch:
    """One sound between two.

    Args:
        a: A patch, or the path of a patch file.
        b: Another one; it may have another sample rate, length, f0, or number of channels.
        amount: 0 is `a` as it is, 1 is `b`.
        out: Patch file to write.
        force: Replace a file that exists.

    Returns:
        The patch between, at the higher of both sample rates, with the effects of the nearer one. It has a pitch if the
        nearer one has: that one's, moved as f0 is.

    Raises:
        PatchError: A file is no patch that can be read.
        ConfigError: The amount lies outside 0 to 1.
        OutputError: `out` exists already, or cannot be written.
    """
    if not 0 <= amount <= 1:
        raise ConfigError(f"{amount:g}", where="amount", needed="0 (the first sound) to 1 (the second)")
    places = [] if out is None else [Path(out)]
    with claimed(*places):
        check_files(*places, force=force)
        morph = between(_loaded(a), _loaded(b), amount)
        end = a if amount == 0 else b if amount == 1 else None
        for place in places:
            if isinstance(end, str | Path):
                copied(Path(end), place)
            else:
                morph.save(place)
    return morph


@claims_out
def morphs(
    a: Source,
    b: Source,
    steps: int = 5,
    *,
    out: str | Path,
    force: bool = False,
    seconds: float | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    on_note: OnNote | None = None,
) -> list[Path]:
    """A row of sounds from one to another, and one sound that goes all the way.

    Args:
        a: A patch, or the path of a patch file.
        b: Another one.
        steps: How many patches, `a` and `b` among them: these are copied as they are.
        out: Folder to write, as a whole or not at all: ``01`` to the last, and ``through``, each as patch and WAV.
        force: Replace such a folder that exists.
        seconds: Length of the sound that goes all the way; by default that of the longer one.
        on_progress: Called with the sounds written and their total.
        on_note: Told what a user should know of the files: samples above full scale.

    Returns:
        The patch files, in order, that of the sound that goes all the way last.

    Raises:
        PatchError: A file is no patch that can be read.
        ConfigError: Fewer than two steps, or too many seconds.
        OutputError: The folder has something in it, or cannot be written.
    """
    if steps < 2:
        raise ConfigError(f"{steps}", where="steps", needed="2 or more: both ends are among them")
    if seconds is not None and not 0 < seconds <= LONGEST_S:
        raise ConfigError(f"{seconds:g} s", where="seconds", needed=f"more than 0, at most {LONGEST_S:g} s")
    folder = Path(out)
    one, two = _loaded(a), _loaded(b)
    digits = max(2, len(str(steps)))
    names = [f"{number:0{digits}d}" for number in range(1, steps + 1)] + [THROUGH]
    with new_folder(folder) as scratch:
        for place, name in enumerate(names):
            file = scratch / f"{name}{SUFFIX}"
            end = {0: a, steps - 1: b}.get(place)
            if name == THROUGH:
                patch = morph_through(one, two, seconds)
            else:
                patch = between(one, two, place / (steps - 1))
            if isinstance(end, str | Path):
                shutil.copyfile(end, file)
            else:
                patch.save(file)
            render(patch, out=scratch / f"{name}.wav", on_note=on_note)
            if on_progress is not None:
                on_progress(place + 1, len(names))
    return [folder / f"{name}{SUFFIX}" for name in names]


def _loaded(source: Source) -> Patch:
    return source if isinstance(source, Patch) else load_patch(source)
