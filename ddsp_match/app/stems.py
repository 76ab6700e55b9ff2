"""The sounds of a patch, whole and in parts, and its curves over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from ddsp_match.core.audio import Audio
from ddsp_match.core.features import Features
from ddsp_match.core.timebase import Timebase
from ddsp_match.edits.onsets import level_db
from ddsp_match.edits.stems import stems_of
from ddsp_match.patch import Patch
from ddsp_match.patch.playing import mix_of, through

SILENT_DB = -60.0  # below the loudest frame: no pitch is shown there


def stems(patch: Patch) -> dict[str, Audio]:
    """The match, and without effects the dry sound and its stems, which add up to it."""
    dry = mix_of(patch)
    parts = stems_of(patch, dry)
    sounds = {"dry": dry, "harmonic": parts.harmonic, "noise": parts.noise}
    stems = {name: Audio(sound.numpy(), patch.timebase.sample_rate) for name, sound in sounds.items()}
    stems["match"] = stems["dry"] if patch.effects is None else through(patch.effects, stems["dry"])
    return stems


def shares(sounds: Mapping[str, Audio]) -> dict[str, float | None]:
    """Return the share of each stem in the energy of both, as they are played here; None where both are silent."""
    energy = {name: float(np.square(sounds[name].samples, dtype=np.float64).sum()) for name in ("harmonic", "noise")}
    whole = sum(energy.values())
    return {f"{name}_share": part / whole if whole > 0 else None for name, part in energy.items()}


def of_patch(patch: Patch) -> dict[str, Any]:
    """f0 and level over time, as a page draws them; no f0 where partials lie on a steady grid."""
    controls = patch.controls
    level = level_db(controls)
    sounds = (level > level.max() + SILENT_DB) & (controls.amplitude.amax(0) > 0) & patch.follows_pitch
    return _over_time(controls.f0_hz[0], sounds, level, None, patch.pitch_hz, patch.timebase)


def of_features(features: Features, timebase: Timebase) -> dict[str, Any]:
    """The same of what was heard in a sound."""
    loudness = features.loudness_db.mean(0)
    periodicity = features.periodicity[0]
    return _over_time(features.f0_hz[0], features.voiced[0], loudness, periodicity, features.pitch_hz, timebase)


def _over_time(
    f0_hz: torch.Tensor,
    voiced: torch.Tensor,
    loudness_db: torch.Tensor,
    periodicity: torch.Tensor | None,
    pitch_hz: float | None,
    timebase: Timebase,
) -> dict[str, Any]:
    shown = [round(f0, 3) if voice else None for f0, voice in zip(f0_hz.tolist(), voiced.tolist(), strict=True)]
    table: dict[str, Any] = {
        "times_s": [round(time_s, 5) for time_s in timebase.times(len(shown))],
        "f0_hz": shown,
        "loudness_db": [round(value, 2) for value in loudness_db.tolist()],
        "pitch_hz": pitch_hz,
    }
    if periodicity is not None:
        table["periodicity"] = [round(value, 4) for value in periodicity.tolist()]
    return table
