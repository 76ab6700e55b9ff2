"""Edit a patch, and list the edits in it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ddsp_match.analysis.f0_file import read_f0_file
from ddsp_match.core.controls import Controls
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.files import check_files, claimed, new_file
from ddsp_match.core.timebase import Timebase
from ddsp_match.edits.kinds import EDITS, LONGEST_S, EditKind, kind_of, registry
from ddsp_match.edits.separate import separate
from ddsp_match.edits.time import trim
from ddsp_match.patch import Patch, load_patch

__all__ = ["EDITS", "Edit", "EditKind", "edit", "edits_of", "f0_curve", "registry"]

SEPARATE = "separate"  # how the separation of tone and noise is listed


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
        edited = given = patch if isinstance(patch, Patch) else load_patch(patch)
        for kind, values in steps:
            edited = _applied(edited, kind, values)
        for place in places:
            if edited is given and not isinstance(patch, Patch):
                copied(Path(patch), place)
            else:
                edited.save(place)
    return edited


def edits_of(patch: Patch) -> list[dict[str, Any]]:
    """Return the edits of a patch since it was fitted, in order."""
    return list(patch.provenance.get("edits", []))


def separated(patch: Patch) -> Patch:
    """Return the patch with tone and noise separated, itself where that was done before."""
    if any(one.get("edit") in (SEPARATE, "morph") for one in edits_of(patch)):
        return patch
    controls = separate(patch.controls, patch.timebase)
    return with_controls(patch, controls, patch.n_samples, {"edit": SEPARATE})


def with_controls(patch: Patch, controls: Controls, n_samples: int, listed: dict[str, Any]) -> Patch:
    """The patch with other controls, and what was done to them at the end of its list.

    Args:
        patch: Where all else comes from.
        controls: What it plays now.
        n_samples: How long it should be; moved to what so many frames can hold.
        listed: The entry: ``{"edit": NAME, VALUE: …}``.
    """
    return Patch.of(
        controls,
        patch.timebase,
        fitting(n_samples, controls.n_frames, patch.timebase),
        noise_seed=patch.noise_seed,
        phase=phase_of(controls),
        offset=patch.offset,
        provenance={**patch.provenance, "edits": [*edits_of(patch), listed]},
        effects=patch.effects,
        pitched=patch.pitch_hz is not None,
        pitch_hz=patch.pitch_with(controls),
        grid=patch.grid,
    )


def phase_of(controls: Controls) -> str:
    """Return how a patch has to keep the phases of controls so that none is lost."""
    if controls.phases is None:
        return "zero"
    return "static" if bool((controls.phases == controls.phases[..., :1]).all()) else "tracked"


def _applied(patch: Patch, kind: EditKind, values: dict[str, Any]) -> Patch:
    if kind.changes_nothing(values, patch.seconds):
        return patch
    if kind.name == "trim" and values["start_s"] >= min(patch.seconds, values["stop_s"] or patch.seconds):
        raise ConfigError(
            f"{values['start_s']:g} to {values['stop_s'] or patch.seconds:g} s of {patch.seconds:.2f} s of sound",
            where="trim",
            needed="a beginning before the end, within the sound",
        )
    if kind.name == "freeze" and values["at_s"] > patch.seconds:
        found = f"{values['at_s']:g} s of {patch.seconds:.2f} s of sound"
        raise ConfigError(found, where="freeze", needed="a moment within the sound")
    if kind.name in ("fade_in", "fade_out") and values["seconds"] > patch.seconds:
        found, longest = values["seconds"], patch.seconds
        raise ConfigError(
            f"{found:g} s of {longest:.2f} s of sound",
            where=kind.name,
            needed="at most the sound's length",
            hint=f"{found:g}ms" if found / 1000 <= longest else f"{1000 * longest:.0f}ms",
        )
    seconds = patch.seconds if kind.seconds is None else kind.seconds(values, patch.seconds)
    if seconds > max(LONGEST_S, patch.seconds):
        found, needed = f"{seconds:.4g} s of sound after it", f"at most {LONGEST_S:g} s"
        raise ConfigError(found, where=kind.name, needed=needed, hint="an SFZ, whose loops hold for ever")
    if kind.separated:
        patch = separated(patch)
    controls = kind.apply(patch.controls, patch.timebase, values)
    if controls is patch.controls:
        return patch
    lowest_hz, nyquist_hz = float(controls.f0_hz.min()), patch.timebase.nyquist_hz
    if kind.group == "pitch" and lowest_hz >= nyquist_hz:
        raise ConfigError(
            f"an f0 of {lowest_hz:.0f} Hz or more, which leaves no harmonic to hear",
            where=kind.name,
            needed=f"less than {nyquist_hz:g} Hz, half the patch's sample rate",
        )
    n_samples = patch.n_samples
    if kind.seconds is not None:
        n_samples = patch.timebase.sample_at(seconds)
        # The last frame of a sound may lie a little beyond its end; stretched, it would lie far beyond.
        last_s = (patch.timebase.frames(n_samples) - 1) / patch.timebase.frame_rate
        controls = trim(controls, patch.timebase, stop_s=last_s)
    said = {name: _short(value) for name, value in values.items() if value is not None}
    return with_controls(patch, controls, n_samples, {"edit": kind.name, **said})


def _short(value: Any) -> Any:
    """A value as a patch lists it: curves take up to a thousand points there."""
    if isinstance(value, list) and len(value) > 1000:
        return value[:: -(-len(value) // 1000)]
    return value


def fitting(n_samples: int, n_frames: int, timebase: Timebase) -> int:
    """The number of samples nearest to one wanted that so many frames cover exactly."""
    most = timebase.samples(n_frames) + 1
    return max(most - timebase.hop + 1, min(n_samples, most), 1)


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
