"""Separate tone from noise: slowly varying partials here, all the rest there.

A fit may let partials follow everything, breath, bow and knock included. Such numbers reproduce that sound, but no
other: transposed, the breath would become a second pitch. So before a sound is played at another pitch or speed, each
partial is taken as one slowly varying sinusoid near its place (the tonal part), and the residual becomes noise (Serra
and Smith 1990, "Spectral Modeling Synthesis", at the frame rate).
"""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Complex, Float

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.edits.onsets import same_note
from ddsp_match.synth.harmonic_noise import complex_amplitudes

SEPARATE = "separate"  # how this is listed among the edits of a patch
FREQUENCY_S, AMPLITUDE_S = 0.08, 0.06  # lengths of the Hann windows in which a partial is held to be one sinusoid
TOGETHER_HZ = 8.0  # neighbours closer than that in frequency are one sinusoid between two partials
# Times the power that noise of independent frames would leave in the average: below that nothing is tonal. Neighbouring
# frames of a fit agree, so noise leaves some three times as much, and between the harmonics there is little else.
DOUBT, DOUBT_BETWEEN = 4.0, 10.0
SIDEBAND_S = 0.1  # length of the Hann window in which the residuals of the partials are compared
SLACK = 2.0  # by chance noise is that much stronger in one partial than in its neighbours
CERTAIN = 1e3  # times the amplitude that noise would leave, and more is no more certain
DECISION_S = 0.25  # length of the Hann window over which that is decided: noise looks tonal by chance, but not for long


def from_partials(
    controls: Controls, partials: Complex[torch.Tensor, "batch partials frames"], **changes: torch.Tensor
) -> Controls:
    """Return the controls with these complex partials in place of their own."""
    size = partials.abs()
    amplitude = size.sum(1)
    shares = size / amplitude.unsqueeze(1).clamp(min=1e-12)
    phases = None if controls.phases is None else partials.angle()
    return replace(controls, amplitude=amplitude, distribution=shares, phases=phases, **changes)


def split_tonal(controls: Controls, timebase: Timebase) -> tuple[Controls, Controls]:
    """Split partials into tonal and residual, whose complex amplitudes add up to those of `controls`.

    Args:
        controls: Any controls.
        timebase: Their frame grid.

    Returns:
        The slowly varying sinusoids with silent noise bands, and the residual of each partial with the noise bands.
    """
    if controls.phases is None or not bool((controls.amplitude > 0).any()):
        return split_bands(controls)
    whole = complex_amplitudes(controls)
    doubt = torch.full((controls.n_partials, 1), DOUBT_BETWEEN)
    doubt[controls.divisions - 1 :: controls.divisions] = DOUBT
    together = [same_note(controls, timebase, seconds) for seconds in (AMPLITUDE_S, DECISION_S)]
    tonal = _tonal(whole, controls.base_hz[0], together, doubt, timebase)
    tonal = tonal + _sidebands(whole - tonal, controls.divisions, timebase)
    return (
        from_partials(controls, tonal, noise=torch.zeros_like(controls.noise)),
        from_partials(controls, whole - tonal),
    )


def split_bands(controls: Controls) -> tuple[Controls, Controls]:
    """Split all partials from the noise bands."""
    nothing = torch.zeros_like(controls.amplitude)
    return replace(controls, noise=torch.zeros_like(controls.noise)), replace(controls, amplitude=nothing)


def separate(controls: Controls, timebase: Timebase) -> Controls:
    """Turn all but slowly varying partials into noise: the form that can be played at another pitch and speed.

    Args:
        controls: Any controls.
        timebase: Their frame grid.

    Returns:
        Controls on the same frames that sound alike, but do not follow the same waveform.
    """
    tonal, residual = split_tonal(controls, timebase)
    if controls.n_bands == 0:
        return tonal
    added = residual_power(residual, timebase)
    return replace(tonal, noise=(controls.noise.square() + added).sqrt())


def residual_power(residual: Controls, timebase: Timebase) -> Float[torch.Tensor, "batch bands frames"]:
    """Return the squared noise magnitudes that are as strong as the partials of a residual, in every band."""
    c = complex_amplitudes(residual)
    # Between two frames the partial is interpolated: its mean power there depends on how far they agree.
    a, b = c[..., :-1], c[..., 1:]
    between = (a.abs().square() + b.abs().square() + (a * b.conj()).real) / 6
    power = torch.nn.functional.pad(between, (1, 0)) + torch.nn.functional.pad(between, (0, 1))
    power[..., 1:-1] /= 2
    base_hz = residual.base_hz.unsqueeze(1)
    density = torch.nn.functional.pad(power / base_hz, (0, 0, 1, 1))  # nothing at 0 Hz, nothing past the last
    bands_hz = torch.linspace(0, timebase.nyquist_hz, residual.n_bands).view(1, -1, 1)
    place = (bands_hz / base_hz).clamp(max=density.shape[1] - 1.001)
    low = place.long()
    share = place - low
    here = density.gather(1, low) * (1 - share) + density.gather(1, low + 1) * share
    return here * timebase.nyquist_hz


def rotation(
    c: Complex[torch.Tensor, "batch partials frames"],
    base_hz: Float[torch.Tensor, " frames"],
    timebase: Timebase,
    seconds: float = FREQUENCY_S,
) -> Float[torch.Tensor, "partials frames"]:
    """Measure how fast each partial turns against its place in the series, in radians a frame, all channels alike."""
    step = (c[..., 1:] * c[..., :-1].conj()).sum(0)
    step = torch.cat([step, step[:, -1:]], 1)
    step = smooth(step, hann(seconds, timebase))
    # A sinusoid between two places shows in both, and must turn as one wherever the places go. Angles are compared, not
    # phasors: a hundred times a second, two partials a hundred Hz apart would look like one.
    width = 2 * torch.pi * base_hz / timebase.frame_rate
    apart = torch.polar(torch.ones_like(width), width)
    near = 2 * torch.pi * TOGETHER_HZ / timebase.frame_rate
    pooled, angle = step.clone(), step.angle()
    if len(step) > 1:
        one = (angle[:-1] - angle[1:] - width).abs() < near
        pooled[1:] += torch.where(one, step[:-1] * apart.conj(), 0)
        pooled[:-1] += torch.where(one, step[1:] * apart, 0)
    return pooled.angle()


def _sidebands(
    residual: Complex[torch.Tensor, "batch partials frames"], divisions: int, timebase: Timebase
) -> Complex[torch.Tensor, "batch partials frames"]:
    """Return the part of the residual near the harmonics: a vibrato too quick to be followed, and no noise.

    Noise is as strong halfway between the harmonics as it is at them; what is stronger there belongs to them.
    """
    if divisions < 2:
        return torch.zeros_like(residual)
    power = smooth(residual.abs().square().sum(0), hann(SIDEBAND_S, timebase))
    half, n = divisions // 2, len(power)
    nearest = (torch.arange(1, n + 1) + half) // divisions * divisions  # the harmonic that a partial lies about
    below, above = nearest - half, nearest + half
    above = torch.where(above > n, below, above)
    floor = (power[below.clamp(min=1) - 1] + power[above - 1]) / 2
    floor = torch.where((nearest > 0).unsqueeze(1), floor, power)  # nothing is known of what lies below the first
    return residual * (1 - (SLACK * floor / power.clamp(min=1e-20)).clamp(max=1).sqrt())


def _tonal(
    c: Complex[torch.Tensor, "batch partials frames"],
    base_hz: Float[torch.Tensor, " frames"],
    together: list[Float[torch.Tensor, "taps frames"]],
    doubt: Float[torch.Tensor, "partials 1"],
    timebase: Timebase,
) -> Complex[torch.Tensor, "batch partials frames"]:
    """Estimate each partial as one sinusoid whose amplitude and frequency change slowly, as far as it is one."""
    turn = rotation(c, base_hz, timebase)
    angle = torch.nn.functional.pad(turn[:, :-1], (1, 0)).double().cumsum(1).float()
    back = torch.polar(torch.ones_like(angle), -angle)
    still = c * back
    window, longer = (
        hann(seconds, timebase).view(-1, 1) * same
        for seconds, same in zip((AMPLITUDE_S, DECISION_S), together, strict=True)
    )
    window = window / window.sum(0)
    mean = windowed(still, window)
    spread = (windowed(still.abs().square(), window) - mean.abs().square()).clamp(min=0)
    by_chance = window.square().sum(0) * spread
    # Of the ratio, not of the powers, so that a loud knock does not speak for the quiet note after it.
    certain = (mean.abs() / by_chance.sqrt().clamp(min=1e-10)).clamp(max=CERTAIN)
    certain = (windowed(certain, longer) / longer.sum(0)).square()
    gain = (1 - doubt / certain.clamp(min=1e-6)).clamp(min=0)
    return mean * gain * back.conj()


def hann(seconds: float, timebase: Timebase) -> Float[torch.Tensor, " taps"]:
    """Return a Hann window of odd length without its zeros, summing to one."""
    half = max(1, round(seconds * timebase.frame_rate / 2))
    window = torch.hann_window(2 * half + 1, periodic=False)
    window = window[1:-1] if half > 1 else torch.ones(1)
    return window / window.sum()


def smooth(x: torch.Tensor, window: Float[torch.Tensor, " taps"]) -> torch.Tensor:
    """Return the weighted mean along the last axis; at the ends over the frames there are."""
    weights = window.view(-1, 1).expand(-1, x.shape[-1])
    return windowed(x, weights) / windowed(torch.ones(x.shape[-1]), weights)


def windowed(x: torch.Tensor, window: Float[torch.Tensor, "taps frames"]) -> torch.Tensor:
    """Sum neighbours along the last axis, each frame with weights of its own."""
    taps, half, n = len(window), len(window) // 2, x.shape[-1]
    out = torch.zeros_like(x)
    for tap in range(taps):
        shift = tap - half
        a, b = max(0, -shift), min(n, n - shift)
        if a < b:
            out[..., a:b] += x[..., a + shift : b + shift] * window[tap, a:b]
    return out
