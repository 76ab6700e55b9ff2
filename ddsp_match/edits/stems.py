"""The stems of a patch: its tonal and its noisy part, one definition for every file, page, share and edit."""

from __future__ import annotations

import torch
from jaxtyping import Float

from ddsp_match.core.controls import Controls
from ddsp_match.edits.curves import band_power, decibels, partial_power
from ddsp_match.edits.separate import SEPARATE, separate, split_bands, split_tonal
from ddsp_match.patch import Patch
from ddsp_match.patch.playing import mix_of
from ddsp_match.synth.harmonic_noise import Stems, play


def noise_in_partials(patch: Patch) -> bool:
    """Return whether partials may play noise, too: those of a fit to the waveform that nothing has separated since."""
    edits = patch.provenance.get("edits", [])
    separated = any(one.get("edit") in (SEPARATE, "morph") for one in edits)
    return patch.provenance.get("model", "exact") == "exact" and not separated


def parts_of(patch: Patch) -> tuple[Controls, Controls]:
    """Return the controls of the tonal and of the noisy part of a patch, which add up to those of the patch.

    The tonal part is the slowly varying partials. The noisy part is the noise bands and, where partials may play
    noise, what of them does not vary slowly: breath, bow and knock.
    """
    if noise_in_partials(patch):
        return split_tonal(patch.controls, patch.timebase)
    return split_bands(patch.controls)


def separated_controls(patch: Patch) -> Controls:
    """Return the controls of a patch with all noise in the noise bands: what can be played at any pitch and speed."""
    return separate(patch.controls, patch.timebase) if noise_in_partials(patch) else patch.controls


def stems_of(patch: Patch, mix: Float[torch.Tensor, "channels samples"] | None = None) -> Stems:
    """Play both parts of a patch, without its effects; the DC offset belongs to the harmonic stem.

    They add up to the sound, and each is what an edit leaves that silences the other.

    Args:
        patch: What to play.
        mix: What `mix_of` plays of it, where that is known.
    """
    mix = mix_of(patch) if mix is None else mix
    noise = play(parts_of(patch)[1], patch.timebase, patch.n_samples, patch.noise_seed).mix
    return Stems(mix - noise, noise)


def stem_levels_db(patch: Patch) -> tuple[Float[torch.Tensor, " frames"], Float[torch.Tensor, " frames"]]:
    """Return the level (root mean square) of the harmonic and of the noise stem in each frame, in dB.

    Of several channels the mean power. Full scale is 0 dB, so a full-scale sine has -3 dB.
    """
    powers = (partial_power(part, patch.timebase).sum(1) + band_power(part).sum(1) for part in parts_of(patch))
    harmonic, noise = (decibels(power.mean(0)) for power in powers)
    return harmonic, noise
