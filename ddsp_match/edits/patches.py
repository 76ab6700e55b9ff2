"""Edit and morph patches: change the controls, keep length, pitch and phases right, and list the edits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

import ddsp_match
from ddsp_match.core.controls import Controls
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.timebase import Timebase
from ddsp_match.edits.kinds import LONGEST_S, EditKind
from ddsp_match.edits.morph import at_timebase, morph
from ddsp_match.edits.separate import SEPARATE
from ddsp_match.edits.stems import noise_in_partials, separated_controls
from ddsp_match.edits.time import trim
from ddsp_match.models.frame_plan import compacted
from ddsp_match.patch import Patch

REST = 0.1  # share of the sound that goes through that stays what it was at either end


def edits_of(patch: Patch) -> list[dict[str, Any]]:
    """Return the edits of a patch since it was fitted, in order."""
    return list(patch.provenance.get("edits", []))


def separated(patch: Patch) -> Patch:
    """Return the patch with tone and noise separated, itself where its partials play no noise."""
    if not noise_in_partials(patch):
        return patch
    return with_controls(patch, separated_controls(patch), patch.n_samples, {"edit": SEPARATE})


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
        frames=None if patch.frames is None else compacted(controls, patch.timebase, patch.frames),
    )


def phase_of(controls: Controls) -> str:
    """Return how a patch has to keep the phases of controls so that none is lost."""
    if controls.phases is None:
        return "zero"
    return "static" if bool((controls.phases == controls.phases[..., :1]).all()) else "tracked"


def apply(patch: Patch, kind: EditKind, values: dict[str, Any]) -> Patch:
    """Apply one edit with checked values, and list it.

    Raises:
        ConfigError: The values do not fit this sound.
    """
    if kind.changes_nothing(values, patch.seconds):
        return patch
    if kind.name == "trim" and values["start_s"] >= min(patch.seconds, values["stop_s"] or patch.seconds):
        raise ConfigError(
            f"{values['start_s']:g} to {values['stop_s'] or patch.seconds:g} s of {patch.seconds:.2f} s of sound",
            where="trim",
            needed="a beginning before the end, within the sound",
        )
    if kind.name == "freeze" and values["at_s"] > patch.seconds:
        moment = f"{values['at_s']:g} s of {patch.seconds:.2f} s of sound"
        raise ConfigError(moment, where="freeze", needed="a moment within the sound")
    if kind.name in ("fade_in", "fade_out") and values["seconds"] > patch.seconds:
        length, longest = values["seconds"], patch.seconds
        raise ConfigError(
            f"{length:g} s of {longest:.2f} s of sound",
            where=kind.name,
            needed="at most the sound's length",
            hint=f"{length:g}ms" if length / 1000 <= longest else f"{1000 * longest:.0f}ms",
        )
    seconds = patch.seconds if kind.seconds is None else kind.seconds(values, patch.seconds)
    if seconds > max(LONGEST_S, patch.seconds):
        excess, needed = f"{seconds:.4g} s of sound after it", f"at most {LONGEST_S:g} s"
        raise ConfigError(excess, where=kind.name, needed=needed, hint="an SFZ, whose loops hold for ever")
    if kind.separated:
        patch = separated(patch)
    controls = kind.apply(patch, values)
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


def between(a: Patch, b: Patch, amount: float) -> Patch:
    """Morph two patches: 0 is `a`, 1 is `b`."""
    if amount in (0, 1):
        return b if amount else a
    one, two, timebase = _on_one_grid(a, b)
    controls = morph(one, two, timebase, amount)
    n_samples = timebase.sample_at((1 - amount) * a.seconds + amount * b.seconds)
    nearer = a if amount < 0.5 else b
    return _patch(a, b, controls, timebase, n_samples, amount, {"amount": amount}, nearer.effects, nearer)


def morph_through(a: Patch, b: Patch, seconds: float | None) -> Patch:
    """Morph from one patch to another within one sound."""
    one, two, timebase = _on_one_grid(a, b)
    n_samples = timebase.sample_at(max(a.seconds, b.seconds) if seconds is None else seconds)
    way = torch.linspace(0, 1, max(2, timebase.frames(n_samples)), dtype=torch.float64)
    curve = ((way - REST) / (1 - 2 * REST)).clamp(0, 1)
    controls = morph(one, two, timebase, curve)
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
        frames=None if a.frames is None or b.frames is None else compacted(controls, timebase),
    )
