"""Describe controls frame by frame: loudness, the centre of the spectrum."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.dsp.loudness_weighting import a_weighting_power

FLOOR_DB = -120.0


@dataclass(frozen=True)
class Curves:
    """One number a frame; of several channels the mean power.

    Attributes:
        f0_hz: Fundamental frequency of the first channel that sounds most.
        loudness_db: A-weighted level. Full scale is 0 dB, so a full-scale sine at 1 kHz has -3 dB.
        centroid_hz: Centre of gravity of the power spectrum, in Hz.
        pitched: Share of the power that belongs to the harmonics of f0, 0 to 1.
    """

    f0_hz: Float[torch.Tensor, " frames"]
    loudness_db: Float[torch.Tensor, " frames"]
    centroid_hz: Float[torch.Tensor, " frames"]
    pitched: Float[torch.Tensor, " frames"]


def decibels(power: Float[torch.Tensor, "*shape"]) -> Float[torch.Tensor, "*shape"]:
    """Power in dB relative to a mean square of 1, never below `FLOOR_DB`."""
    return 10 * torch.log10(power.clamp_min(10 ** (FLOOR_DB / 10)))


def partial_hz(controls: Controls) -> Float[torch.Tensor, "batch partials frames"]:
    """The frequency of each partial, in Hz."""
    k = torch.arange(1, controls.n_partials + 1, dtype=controls.f0_hz.dtype).view(1, -1, 1)
    return controls.base_hz.unsqueeze(1) * k


def partial_power(controls: Controls, timebase: Timebase) -> Float[torch.Tensor, "batch partials frames"]:
    """Mean square of each partial as it is played: nothing at or above Nyquist."""
    return controls.partial_amplitudes.square() / 2 * (partial_hz(controls) < timebase.nyquist_hz)


def band_power(controls: Controls) -> Float[torch.Tensor, "batch bands frames"]:
    """Mean square of the noise around each band; the first and the last are half as wide."""
    bands = controls.n_bands
    width = torch.full((bands, 1), 1 / max(bands - 1, 1))
    if bands > 1:
        width[[0, -1]] /= 2
    return controls.noise.square() * width


def curves(controls: Controls, timebase: Timebase) -> Curves:
    """Reads the curves off controls."""
    partials, bands = partial_power(controls, timebase), band_power(controls)
    hz = partial_hz(controls)
    band_hz = torch.linspace(0, timebase.nyquist_hz, max(controls.n_bands, 1))[: controls.n_bands].view(1, -1, 1)
    total = partials.sum(1) + bands.sum(1)
    loud = (partials * a_weighting_power(hz)).sum(1) + (bands * a_weighting_power(band_hz)).sum(1)
    centre = ((partials * hz).sum(1) + (bands * band_hz).sum(1)).mean(0) / total.mean(0).clamp_min(1e-12)
    harmonics = partials[:, controls.divisions - 1 :: controls.divisions].sum(1)
    return Curves(
        f0_hz=controls.f0_hz[int(total.sum(1).argmax())],
        loudness_db=decibels(loud.mean(0)),
        centroid_hz=centre,
        pitched=_share(harmonics.mean(0), total.mean(0), controls.divisions, timebase),
    )


def _share(harmonics: torch.Tensor, total: torch.Tensor, divisions: int, timebase: Timebase) -> torch.Tensor:
    """The share of harmonics over some 50 ms, less what noise would give them by chance."""
    width = 2 * timebase.frame_at(0.025) + 1
    window = torch.ones(1, 1, width)

    def around(x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.conv1d(x.view(1, 1, -1), window, padding=width // 2).flatten()

    share = around(harmonics) / around(total).clamp_min(1e-20)
    chance = 1 / divisions if divisions > 1 else 0.0
    return ((share - chance) / (1 - chance)).clamp(0, 1)


def midi_of(f0_hz: Float[torch.Tensor, "*shape"]) -> Float[torch.Tensor, "*shape"]:
    """f0 as a fractional MIDI key: 69 is 440 Hz, 1 is a semitone."""
    return 69 + 12 * torch.log2(f0_hz.double() / 440)
