"""What sings and what rustles: the slowly varying partials of a sound, apart from all the rest.

A fit may let partials follow everything, breath and bow and knock included. Such numbers play the very sound again, but
not another one: transposed, the breath would become a second pitch. So before a sound is played at another pitch or
speed, each partial is taken as one slowly varying sinusoid near its place, and what is left of it becomes noise
(Serra and Smith 1990, "Spectral Modeling Synthesis", at the frame rate).
"""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Complex, Float

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.edits.onsets import same_note
from ddsp_match.edits.smoothing import hann, smooth, windowed

FREQUENCY_S, AMPLITUDE_S = 0.08, 0.06  # lengths of the Hann windows in which a partial is held to be one sinusoid
TOGETHER_HZ = 8.0  # neighbours closer than that in frequency are one sinusoid between two partials
# Times the power that noise of independent frames would leave in the average: below that nothing sings. Neighbouring
# frames of a fit agree, so noise leaves some three times as much, and between the harmonics there is little else.
DOUBT, DOUBT_BETWEEN = 4.0, 10.0
SIDEBAND_S = 0.1  # length of the Hann window in which what is left of the partials is compared
SLACK = 2.0  # by chance noise is that much stronger in one partial than in its neighbours
CERTAIN = 1e3  # times the amplitude that noise would leave, and more is no more certain
DECISION_S = 0.25  # length of the Hann window over which that is judged: noise sings by chance, but not for long


def complex_partials(controls: Controls) -> Complex[torch.Tensor, "batch partials frames"]:
    """Amplitude and phase of every partial as one complex number."""
    phases = torch.zeros_like(controls.distribution) if controls.phases is None else controls.phases
    return torch.polar(controls.partial_amplitudes, phases)


def from_partials(
    controls: Controls, partials: Complex[torch.Tensor, "batch partials frames"], **changes: torch.Tensor
) -> Controls:
    """Controls with these complex partials in place of their own."""
    size = partials.abs()
    amplitude = size.sum(1)
    shares = size / amplitude.unsqueeze(1).clamp(min=1e-12)
    phases = None if controls.phases is None else partials.angle()
    return replace(controls, amplitude=amplitude, distribution=shares, phases=phases, **changes)


def split(controls: Controls, timebase: Timebase) -> tuple[Controls, Controls]:
    """The tonal and the rough part: complex partials that add up to those of `controls`.

    Args:
        controls: Any controls.
        timebase: Their frame grid.

    Returns:
        The slowly varying sinusoids with silent noise bands, and what is left of each partial with the noise.
    """
    if controls.phases is None or not bool((controls.amplitude > 0).any()):
        nothing = torch.zeros_like(controls.amplitude)
        return replace(controls, noise=torch.zeros_like(controls.noise)), replace(controls, amplitude=nothing)
    whole = complex_partials(controls)
    doubt = torch.full((controls.n_partials, 1), DOUBT_BETWEEN)
    doubt[controls.divisions - 1 :: controls.divisions] = DOUBT
    together = [same_note(controls, timebase, seconds) for seconds in (AMPLITUDE_S, DECISION_S)]
    tonal = _sung(whole, controls.base_hz[0], together, doubt, timebase)
    tonal = tonal + _sidebands(whole - tonal, controls.divisions, timebase)
    return (
        from_partials(controls, tonal, noise=torch.zeros_like(controls.noise)),
        from_partials(controls, whole - tonal),
    )


def separate(controls: Controls, timebase: Timebase) -> Controls:
    """Slowly varying partials, and all the rest as noise: the form that can be played at another pitch and speed.

    Args:
        controls: Any controls.
        timebase: Their frame grid.

    Returns:
        Controls on the same frames that sound alike, but do not follow the same waveform.
    """
    tonal, rough = split(controls, timebase)
    if controls.n_bands == 0:
        return tonal
    added = rough_power(rough, timebase)
    return replace(tonal, noise=(controls.noise.square() + added).sqrt())


def rough_power(rough: Controls, timebase: Timebase) -> Float[torch.Tensor, "batch bands frames"]:
    """The squared noise magnitudes that are as strong as the partials of a rough part, in every band."""
    c = complex_partials(rough)
    # Between two frames the partial is interpolated: its mean power there depends on how far they agree.
    a, b = c[..., :-1], c[..., 1:]
    between = (a.abs().square() + b.abs().square() + (a * b.conj()).real) / 6
    power = torch.nn.functional.pad(between, (1, 0)) + torch.nn.functional.pad(between, (0, 1))
    power[..., 1:-1] /= 2
    base_hz = rough.base_hz.unsqueeze(1)
    density = torch.nn.functional.pad(power / base_hz, (0, 0, 1, 1))  # nothing at 0 Hz, nothing past the last
    bands_hz = torch.linspace(0, timebase.nyquist_hz, rough.n_bands).view(1, -1, 1)
    place = (bands_hz / base_hz).clamp(max=density.shape[1] - 1.001)
    low = place.long()
    share = place - low
    here = density.gather(1, low) * (1 - share) + density.gather(1, low + 1) * share
    return here * timebase.nyquist_hz


def rotation(
    c: Complex[torch.Tensor, "batch partials frames"], base_hz: Float[torch.Tensor, " frames"], timebase: Timebase,
    seconds: float = FREQUENCY_S,
) -> Float[torch.Tensor, "partials frames"]:
    """How fast each partial turns against its place in the series, in radians a frame, the same in all channels."""
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
    rough: Complex[torch.Tensor, "batch partials frames"], divisions: int, timebase: Timebase
) -> Complex[torch.Tensor, "batch partials frames"]:
    """What of a rough part lies about the harmonics alone: a vibrato too quick to be followed, and no noise.

    Noise is as strong halfway between the harmonics as it is at them; what is stronger there belongs to them.
    """
    if divisions < 2:
        return torch.zeros_like(rough)
    power = smooth(rough.abs().square().sum(0), hann(SIDEBAND_S, timebase))
    half, n = divisions // 2, len(power)
    nearest = (torch.arange(1, n + 1) + half) // divisions * divisions  # the harmonic that a partial lies about
    below, above = nearest - half, nearest + half
    above = torch.where(above > n, below, above)
    floor = (power[below.clamp(min=1) - 1] + power[above - 1]) / 2
    floor = torch.where((nearest > 0).unsqueeze(1), floor, power)  # nothing is known of what lies below the first
    return rough * (1 - (SLACK * floor / power.clamp(min=1e-20)).clamp(max=1).sqrt())


def _sung(
    c: Complex[torch.Tensor, "batch partials frames"],
    base_hz: Float[torch.Tensor, " frames"],
    together: list[Float[torch.Tensor, "taps frames"]],
    doubt: Float[torch.Tensor, "partials 1"],
    timebase: Timebase,
) -> Complex[torch.Tensor, "batch partials frames"]:
    """Each partial as one sinusoid whose amplitude and frequency change slowly, as far as it is one."""
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
