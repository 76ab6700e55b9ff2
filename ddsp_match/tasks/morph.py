"""Morph: what lies between two patches, as a patch, as a row of patches, or as a sound that goes all the way."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import ddsp_match
from ddsp_match.core.callbacks import OnNote
from ddsp_match.core.controls import Controls
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.files import check_files, claimed, new_folder
from ddsp_match.core.timebase import Timebase
from ddsp_match.edits import morph as mixing
from ddsp_match.edits.kinds import LONGEST_S
from ddsp_match.edits.morph import at_timebase
from ddsp_match.patch import SUFFIX, Patch, load_patch
from ddsp_match.tasks.edit import copied, edits_of, fitting, phase_of, separated
from ddsp_match.tasks.render import render
from ddsp_match.tasks.run_folder import claims_out

Source = Patch | str | Path
THROUGH = "through"
REST = 0.1  # share of the sound that goes through that stays what it was at either end


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
        found = _between(_loaded(a), _loaded(b), amount)
        end = a if amount == 0 else b if amount == 1 else None
        for place in places:
            if isinstance(end, str | Path):
                copied(Path(end), place)
            else:
                found.save(place)
    return found


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
                patch = _through(one, two, seconds)
            else:
                patch = _between(one, two, place / (steps - 1))
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


def _between(a: Patch, b: Patch, amount: float) -> Patch:
    if amount in (0, 1):
        return b if amount else a
    one, two, timebase = _on_one_grid(a, b)
    controls = mixing.morph(one, two, timebase, amount)
    n_samples = timebase.sample_at((1 - amount) * a.seconds + amount * b.seconds)
    nearer = a if amount < 0.5 else b
    return _patch(a, b, controls, timebase, n_samples, amount, {"amount": amount}, nearer.effects, nearer)


def _through(a: Patch, b: Patch, seconds: float | None) -> Patch:
    one, two, timebase = _on_one_grid(a, b)
    n_samples = timebase.sample_at(max(a.seconds, b.seconds) if seconds is None else seconds)
    way = torch.linspace(0, 1, max(2, timebase.frames(n_samples)), dtype=torch.float64)
    curve = ((way - REST) / (1 - 2 * REST)).clamp(0, 1)
    controls = mixing.morph(one, two, timebase, curve)
    # One room throughout: a jump from one to the other halfway would be heard.
    effects = a.effects if b.effects is not None else None
    return _patch(a, b, controls, timebase, n_samples, 0.5, {"amount": "0 to 1"}, effects, a)


def _on_one_grid(a: Patch, b: Patch) -> tuple[Controls, Controls, Timebase]:
    """Return both with tone and noise separated, at the higher of both sample rates."""
    timebase = max((a.timebase, b.timebase), key=lambda one: one.sample_rate)
    bands = max(patch.controls.n_bands for patch in (a, b) if patch.timebase == timebase)
    pair = []
    for patch in (separated(a), separated(b)):
        n_samples = round(patch.n_samples * timebase.sample_rate / patch.timebase.sample_rate)
        pair.append(at_timebase(patch.controls, patch.timebase, timebase, n_samples, bands))
    return pair[0], pair[1], timebase


def _patch(
    a: Patch,
    b: Patch,
    controls: Controls,
    timebase: Timebase,
    n_samples: int,
    share: float,
    said: dict[str, Any],
    effects: Any,
    nearer: Patch,
) -> Patch:
    channels = len(controls.f0_hz)
    offsets = [[*patch.offset, *patch.offset][:channels] for patch in (a, b)]
    sounds = [str(patch.provenance.get("sound", "a sound")) for patch in (a, b)]
    of = [{"sound": sound, "edits": edits_of(patch)} for sound, patch in zip(sounds, (a, b), strict=True)]
    return Patch.of(
        controls,
        timebase,
        fitting(n_samples, controls.n_frames, timebase),
        noise_seed=a.noise_seed,
        phase=phase_of(controls),
        offset=[(1 - share) * x + share * y for x, y in zip(*offsets, strict=True)],
        provenance={
            "sound": f"{Path(sounds[0]).stem}-to-{Path(sounds[1]).name}",
            "ddsp_match": ddsp_match.__version__,
            "edits": [{"edit": "morph", "of": of, **said}],
        },
        effects=effects,
        pitched=nearer.pitch_hz is not None,
        pitch_hz=nearer.pitch_with(controls),
        grid=nearer.grid,
    )
