"""A held sound that repeats sample by sample: what a sampler can loop without a click.

Nothing is crossfaded in the samples. The controls run once around a loop of the sustain; then f0 is moved by some
hundredths of a cent up to a few cents (and the sampler told so) until the loop holds a whole number of its periods,
each partial's phase is turned evenly along the loop until it closes, and the noise is drawn from white noise that
repeats with the loop. So the second round equals the first, whatever the sound is made of.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.dsp.harmonics import read_waveforms, running_phase
from ddsp_match.dsp.noise import filtered_noise, fir_response, noise_fft_size, noise_spectra, white_noise
from ddsp_match.edits.loops import has_sustain
from ddsp_match.edits.time import fade, hold, trim
from ddsp_match.edits.warp import warp
from ddsp_match.synth.harmonic_noise import complex_amplitudes

CROSSFADE_S = 0.4  # of spectra and levels towards the loop's end, at most half the loop
FREEDOM = 0.06  # the loop may be that much shorter or longer than found, if it then holds whole periods
GUARD = 4  # frames that go on behind the loop, for samplers that read ahead


@dataclass(frozen=True)
class Held:
    """Controls that repeat.

    Attributes:
        controls: What is played.
        first: The frame from which on everything repeats.
        period: Frames after which it does.
        cents: By how much f0 was raised everywhere.
    """

    controls: Controls
    first: int
    period: int
    cents: float


def held(
    controls: Controls, timebase: Timebase, loop: tuple[int, int], shortest_s: float, settle_s: float = 0.0
) -> Held:
    """A sound up to its loop, and the loop.

    Args:
        controls: Separated controls.
        timebase: Frame grid.
        loop: First and last frame of the loop.
        shortest_s: The loop is gone through so often that it lasts at least that long: noise that repeats more often
            is heard as a rhythm.
        settle_s: The loop is played for that long before it is taken to repeat: until a room is filled.
    """
    once = _around(controls, timebase, loop, shortest_s)
    first, period = loop[0], once.n_frames - 1 - loop[0]
    cycles = _cycles(once.f0_hz[:, first:], timebase)
    ratio = (cycles.round().clamp(min=1) / cycles).unsqueeze(1)
    once = replace(once, f0_hz=(once.f0_hz * ratio).float())
    phases, turn = _closed(once, first, _cycles(once.base_hz[:, first:], timebase).remainder(1.0))
    # The filter of the noise reaches back into frames before the loop.
    ringing = max(0, once.n_bands - 1)
    start = math.ceil(ringing / timebase.hop) + 2 + math.ceil(settle_s * timebase.frame_rate / period) * period
    j = torch.arange(start + period + GUARD + 1)
    index = torch.cat([torch.arange(first), first + j % period])
    phases = phases[..., index]
    phases[..., first:] += turn * (j // period)
    played = replace(
        once,
        f0_hz=once.f0_hz[:, index],
        amplitude=once.amplitude[:, index],
        distribution=once.distribution[..., index],
        noise=once.noise[..., index],
        phases=phases,
    )
    return Held(played, first + start, period, float(1200 * torch.log2(ratio).mean()))


def play_held(sound: Held, timebase: Timebase, noise_seed: int) -> Float[torch.Tensor, "batch samples"]:
    """Plays it: from ``first * hop`` on each sample equals the one a period later."""
    controls, hop = sound.controls, timebase.hop
    n, length = timebase.samples(controls.n_frames), sound.period * hop
    partials = torch.arange(1, controls.n_partials + 1).view(1, -1, 1)
    audible = controls.base_hz.unsqueeze(1) * partials < timebase.nyquist_hz
    amplitudes = complex_amplitudes(controls) * audible
    phase = running_phase(controls.base_hz, hop, timebase.sample_rate, n)
    rows = [read_waveforms(phase[row], amplitudes[row : row + 1], hop) for row in range(len(phase))]
    played = torch.cat(rows)
    if controls.n_bands and bool((controls.noise > 0).any()):
        white = white_noise(len(phase), length, noise_seed)[:, torch.arange(n) % length]
        size = noise_fft_size(controls.n_bands, hop)
        response = fir_response(controls.n_bands, size)
        spectra = noise_spectra(white, controls.n_frames, hop, size)
        played = played + filtered_noise(spectra, controls.noise, response, hop, n)
    return played


def _around(controls: Controls, timebase: Timebase, loop: tuple[int, int], shortest_s: float) -> Controls:
    """The sound up to the loop's end, the loop gone through often enough; the last frame equals the loop's first."""
    first, last = loop
    found = last - first
    rounds = max(1, math.ceil(shortest_s * timebase.frame_rate / found))
    whole = rounds * found
    reach = int(FREEDOM * whole)
    fade = max(1, min(timebase.frame_at(CROSSFADE_S), found // 2, first))

    def places(frames: int) -> torch.Tensor:
        # The loop is played a little faster or slower, so that it takes this number of frames.
        return first + (torch.arange(frames + 1, dtype=torch.float64) * (whole / frames)) % found

    def missing(frames: int) -> float:
        at = places(frames)
        low = at.floor().long().clamp(0, controls.n_frames - 1)
        f0_hz = controls.f0_hz[:, low].double()
        cycles = _cycles(f0_hz, timebase)
        return float(((cycles - cycles.round()).abs() / cycles.clamp(min=1e-9)).max())

    lengths = range(max(2, whole - reach), whole + reach + 1)
    # Of those that are as good the one nearest to what was found.
    best = min(lengths, key=lambda frames: (round(missing(frames), 5), abs(frames - whole)))
    around = places(best)
    around[-1] = first
    before = torch.arange(first, dtype=torch.float64)
    positions = torch.cat([before, around])
    share = ((around - (last - fade)) / fade).clamp(0, 1)
    weight = torch.cat([torch.zeros(first, dtype=torch.float64), 0.5 - 0.5 * torch.cos(math.pi * share)])
    other = torch.cat([before, (around - found).clamp(min=0)])
    return warp(controls, timebase, positions, other=other, weight=weight)


def _cycles(f0_hz: Float[torch.Tensor, "batch frames"], timebase: Timebase) -> Float[torch.Tensor, " batch"]:
    """Periods from the first frame to the last, as the running phase counts them."""
    per_frame = f0_hz.double() * timebase.hop / timebase.sample_rate
    here, there = per_frame[:, :-1], per_frame[:, 1:]
    return (here + (there - here) * (timebase.hop - 1) / (2 * timebase.hop)).sum(1)


def _closed(
    once: Controls, first: int, rest: Float[torch.Tensor, " batch"]
) -> tuple[Float[torch.Tensor, "batch partials frames"], Float[torch.Tensor, "batch partials 1"]]:
    """Phases turned so that each partial ends the loop as it began it, and what a round adds to each of them.

    Args:
        once: Controls whose last frame is the first of the loop again.
        first: The first frame of the loop.
        rest: Of the running phase over the loop, in cycles, 0 to 1.
    """
    numbers = torch.arange(1, once.n_partials + 1, dtype=torch.float64).view(1, -1, 1)
    turn = -2 * math.pi * ((rest.view(-1, 1, 1) * numbers).remainder(1.0))
    phases = once.phases.double() if once.phases is not None else torch.zeros(once.distribution.shape).double()
    off = phases[..., -1:] - phases[..., first : first + 1] - turn
    off = torch.atan2(off.sin(), off.cos())
    frames = once.n_frames - 1 - first
    ramp = (torch.arange(frames + 1, dtype=torch.float64) / frames).view(1, 1, -1)
    phases[..., first:] -= off * ramp
    return phases.float(), turn.float()


def as_long(controls: Controls, timebase: Timebase, seconds: float) -> Controls:
    """A sound of that length: held, where it can be held, or cut."""
    if has_sustain(controls, timebase):
        return hold(controls, timebase, seconds)
    if seconds >= timebase.samples(controls.n_frames) / timebase.sample_rate:
        return controls
    return fade(trim(controls, timebase, 0.0, seconds), timebase, out_s=min(0.1, seconds / 2))
