"""Edits of the spectrum alone: tilt, odd against even, harmonics against noise. Nothing here moves in time or pitch."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.synth.harmonic_noise import complex_amplitudes

LOWEST_HZ = 30.0  # where a tilt ends towards 0 Hz, or it would raise a rumble without bound
BAND_HZ = 62.5  # between noise bands, unless told otherwise
OCTAVE_DB = 6.0206  # of amplitude, in an octave over which it doubles


def brightness(controls: Controls, db_per_octave: float, timebase: Timebase | None = None) -> Controls:
    """Tilts the spectrum of partials and noise about a pivot that leaves the power of the whole as it was.

    A tilt is a filter: it is the same in every frame, so that minus three undoes plus three.

    Args:
        controls: Any.
        db_per_octave: Above 0 brighter, below 0 darker.
        timebase: Tells how high the noise bands reach; without it they are taken to lie 62.5 Hz apart, as those of a
            fit do.
    """
    if db_per_octave == 0:
        return controls
    nyquist_hz = timebase.nyquist_hz if timebase is not None else BAND_HZ * max(controls.n_bands - 1, 1)
    numbers = torch.arange(1, controls.n_partials + 1).view(1, -1, 1)
    partials_hz = controls.base_hz.unsqueeze(1) * numbers
    bands_hz = torch.linspace(0, nyquist_hz, controls.n_bands).view(1, -1, 1)
    exponent = db_per_octave / OCTAVE_DB

    def tilt(frequency_hz: torch.Tensor) -> torch.Tensor:
        return (frequency_hz.clamp(min=LOWEST_HZ) / 1000.0) ** exponent

    audible = (partials_hz < nyquist_hz) if timebase is not None or controls.n_bands > 1 else partials_hz > 0
    partials = controls.partial_amplitudes * audible * tilt(partials_hz)
    noise = controls.noise * tilt(bands_hz)
    before = power(controls.partial_amplitudes * audible, controls.noise)
    gain = (before / power(partials, noise).clamp(min=1e-30)).sqrt()
    return with_partials(replace(controls, noise=noise * gain), partials * gain)


def odd_even(controls: Controls, db: float) -> Controls:
    """Raises the even harmonics by `db` against the odd ones, the power of all partials kept.

    Partials between harmonics go with the nearer one, those halfway with both by half; what lies below the first
    goes with it.
    """
    if db == 0:
        return controls
    numbers = torch.arange(1, controls.n_partials + 1, dtype=torch.float64) / controls.divisions
    from_even = torch.minimum(numbers.remainder(2), 2 - numbers.remainder(2))  # 0 at even numbers, 1 at odd ones
    evenness = (1 + torch.sign(0.5 - from_even)) / 2
    evenness[numbers <= 0.5] = 0
    gain = (10 ** (db * evenness / 20)).float().view(1, -1, 1)
    partials = controls.partial_amplitudes * gain
    kept = (power(controls.partial_amplitudes) / power(partials).clamp(min=1e-30)).sqrt()
    return with_partials(controls, partials * kept)


def levels(tonal: Controls, noisy: Controls, harmonic_db: float = 0.0, noise_db: float = 0.0) -> Controls:
    """Sum the tonal and the noisy part of a sound with other levels, also where both are in the partials."""
    harmonic, noise = 10 ** (harmonic_db / 20), 10 ** (noise_db / 20)
    bands = tonal.noise * harmonic + noisy.noise * noise
    if not bool((noisy.amplitude * noisy.distribution.amax(1) > 0).any()):
        return replace(tonal, amplitude=tonal.amplitude * harmonic, noise=bands)
    mixed = complex_amplitudes(tonal) * harmonic + complex_amplitudes(noisy) * noise
    return replace(with_partials(tonal, mixed.abs()), noise=bands, phases=mixed.angle())


def power(
    partials: Float[torch.Tensor, "batch partials frames"],
    noise: Float[torch.Tensor, "batch bands frames"] | None = None,
) -> Float[torch.Tensor, ""]:
    """Mean power over the frames, of all channels together.

    Args:
        partials: Linear amplitudes.
        noise: Magnitudes of the bands; the first and the last are half as wide as the others.
    """
    total = partials.double().square().sum((0, 1)).mean() / 2
    if noise is not None and noise.shape[1] > 1:
        weight = torch.ones(noise.shape[1], dtype=torch.float64)
        weight[0] = weight[-1] = 0.5
        mean = (noise.double().square() * weight.view(1, -1, 1)).sum((0, 1)) / (noise.shape[1] - 1)
        total = total + mean.mean()
    return total.float()


def with_partials(controls: Controls, partials: Float[torch.Tensor, "batch partials frames"]) -> Controls:
    """The controls with other amplitudes of the partials."""
    amplitude = partials.sum(1)
    return replace(controls, amplitude=amplitude, distribution=partials / amplitude.clamp(min=1e-20).unsqueeze(1))
