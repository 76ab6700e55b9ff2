"""The same sound on other grids: of frames and noise bands at another sample rate, of partials at other divisions."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.edits.tone import with_partials
from ddsp_match.edits.warp import warp


def at_timebase(controls: Controls, timebase: Timebase, target: Timebase, n_samples: int, n_bands: int) -> Controls:
    """Separated controls for another sample rate.

    Noise keeps its level in each Hz; bands above the old Nyquist frequency are silent.

    Args:
        controls: Separated controls.
        timebase: Theirs.
        target: The other one.
        n_samples: Length of the result, at the target's rate.
        n_bands: Noise bands of the result.
    """
    if (timebase, n_bands) == (target, controls.n_bands):
        return controls
    seconds = torch.arange(target.frames(n_samples), dtype=torch.float64) * target.hop / target.sample_rate
    positions = (seconds * timebase.frame_rate).clamp(max=controls.n_frames - 1)
    moved = warp(controls, timebase, positions)
    return replace(moved, noise=_bands(moved.noise, timebase, target, n_bands))


def at_divisions(controls: Controls, divisions: int) -> Controls:
    """The same partials counted with other divisions.

    Where the new divisions are a multiple of the old ones nothing is lost; else each partial's power goes to the
    nearest one there is.
    """
    if divisions == controls.divisions:
        return controls
    numbers = torch.arange(1, controls.n_partials + 1, dtype=torch.float64) * divisions / controls.divisions
    places = numbers.round().clamp(min=1).long() - 1
    shape = (controls.f0_hz.shape[0], int(places.max()) + 1, controls.n_frames)
    power = torch.zeros(shape).index_add(1, places, controls.partial_amplitudes.square())
    phases = controls.phases
    if phases is not None:
        exact = numbers == places + 1
        phases = torch.zeros(shape).index_copy(1, places[exact], phases[:, exact])
    bare = replace(controls, distribution=torch.zeros(shape), phases=phases, divisions=divisions)
    return with_partials(bare, power.sqrt())


def _bands(
    noise: Float[torch.Tensor, "batch bands frames"], timebase: Timebase, target: Timebase, n_bands: int
) -> Float[torch.Tensor, "batch new frames"]:
    """Magnitudes at the new bands' frequencies; a unit-variance noise has less power in each Hz at a higher rate."""
    if noise.shape[1] < 2 or n_bands < 2:
        return noise.new_zeros(noise.shape[0], n_bands, noise.shape[2])
    hz = torch.linspace(0, target.nyquist_hz, n_bands, dtype=torch.float64)
    place = hz / timebase.nyquist_hz * (noise.shape[1] - 1)
    low = place.floor().long().clamp(max=noise.shape[1] - 2)
    share = (place - low).clamp(0, 1).float().view(1, -1, 1)
    read = noise[:, low] * (1 - share) + noise[:, low + 1] * share
    heard = (hz <= timebase.nyquist_hz).view(1, -1, 1)
    return read * heard * (target.sample_rate / timebase.sample_rate) ** 0.5
