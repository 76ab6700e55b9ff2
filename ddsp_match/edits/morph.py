"""Mix two sounds, on one grid of frames, noise bands and partials."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.edits.loops import has_sustain, sustain
from ddsp_match.edits.onsets import attack_frames, level_db, sounding
from ddsp_match.edits.tone import with_partials
from ddsp_match.edits.warp import warp

FLOOR = 1e-5  # of a sound's loudest partial or band: what is silent counts as so loud where levels are mixed in dB
MOST_DIVISIONS = 12  # beyond it partials between the harmonics go with the nearest harmonic


def morph(a: Controls, b: Controls, timebase: Timebase, amount: float | Float[torch.Tensor, " frames"]) -> Controls:
    """Mixes two sounds: harmonic by harmonic in dB, noise band by band in dB, f0 in cents.

    Onset is laid on onset, attack on attack, release on release and end on end, of what sounds and not of the files;
    when each of them comes lies between, and so does the length.

    Args:
        a: Separated controls.
        b: Separated controls with as many noise bands.
        timebase: Of both.
        amount: 0 is `a`, 1 is `b`; a curve says so for each frame, and as many frames come out as it has.
    """
    if isinstance(amount, torch.Tensor) and amount.ndim:
        weight = amount.double()
    else:
        share = float(amount)
        if share in (0.0, 1.0):
            return b if share else a
        frames = 1 + round((1 - share) * (a.n_frames - 1) + share * (b.n_frames - 1))
        weight = torch.full((frames,), share, dtype=torch.float64)
    divisions = math.lcm(a.divisions, b.divisions)
    divisions = divisions if divisions <= MOST_DIVISIONS else 1
    maps = _aligned(a, b, timebase, weight)
    batch = max(len(a.f0_hz), len(b.f0_hz))
    one, two = (
        _spread(at_divisions(warp(c, timebase, positions), divisions), batch)
        for c, positions in zip((a, b), maps, strict=True)
    )
    partials = max(one.n_partials, two.n_partials)
    w = weight.float()
    mixed = _in_db(_filled(one.partial_amplitudes, partials), _filled(two.partial_amplitudes, partials), w)
    noise = _in_db(one.noise, two.noise, w) if one.n_bands else one.noise
    f0_hz = torch.exp(torch.lerp(one.f0_hz.double().log(), two.f0_hz.double().log(), weight)).float()
    phases = None
    if one.phases is not None or two.phases is not None:
        phases = _phases(_filled(_phases_of(one), partials), _filled(_phases_of(two), partials), w)
    blank = torch.zeros_like(f0_hz)
    return with_partials(Controls(f0_hz, blank, torch.zeros_like(mixed), noise, phases, divisions), mixed)


def _aligned(a: Controls, b: Controls, timebase: Timebase, weight: torch.Tensor) -> list[torch.Tensor]:
    """Return where to read each sound so that their landmarks fall together."""
    last, share = len(weight) - 1, float(weight.mean())
    landmarks = [_landmarks(c, timebase) for c in (a, b)]
    common = (1 - share) * landmarks[0] + share * landmarks[1]
    longer = last - common[-1]
    # Another length is made up for between attack and release, if there is room enough.
    if 2 * longer > common[2] - common[3]:
        common[3:] += longer
    else:
        common *= last / common[-1]
    frames = np.arange(last + 1)
    return [torch.from_numpy(np.interp(frames, common, own)) for own in landmarks]


def _landmarks(controls: Controls, timebase: Timebase) -> Float[np.ndarray, " 6"]:
    """Beginning of all, onset, end of the attack, beginning of the release, last frame that is heard, end of all.

    What dies away by itself is never released: its decay is to last as long as the other's sustain.
    """
    onset, ending = sounding(level_db(controls))
    attack = attack_frames(controls, timebase)
    release = sustain(controls, timebase)[1] if has_sustain(controls, timebase) else ending
    marks = [0, onset, attack, release, ending, controls.n_frames - 1]
    return np.maximum.accumulate(np.minimum(marks, [*[ending] * 5, marks[-1]]).astype(float))


def _in_db(one: torch.Tensor, two: torch.Tensor, weight: Float[torch.Tensor, " frames"]) -> torch.Tensor:
    """Mixes amplitudes along a straight line in dB; what is silent in both stays silent."""
    floors = [max(float(x.max()) * FLOOR, 1e-9) for x in (one, two)]
    logs = [x.clamp(min=floor).log() for x, floor in zip((one, two), floors, strict=True)]
    sounds = (one > floors[0]) | (two > floors[1])
    return torch.exp(logs[0] + (logs[1] - logs[0]) * weight) * sounds


def _phases(one: torch.Tensor, two: torch.Tensor, weight: Float[torch.Tensor, " frames"]) -> torch.Tensor:
    """Phases that begin between both and turn as fast as lies between both."""
    wrapped = [torch.remainder(x.double().diff(dim=-1) + math.pi, 2 * math.pi) - math.pi for x in (one, two)]
    turn = wrapped[0] + (wrapped[1] - wrapped[0]) * weight[1:]
    apart = torch.remainder((two - one)[..., :1].double() + math.pi, 2 * math.pi) - math.pi
    start = one[..., :1].double() + weight[0] * apart
    phases = torch.cat([start, start + turn.cumsum(-1)], -1)
    return torch.atan2(phases.sin(), phases.cos()).float()


def _phases_of(controls: Controls) -> torch.Tensor:
    return torch.zeros_like(controls.distribution) if controls.phases is None else controls.phases


def _filled(x: torch.Tensor, partials: int) -> torch.Tensor:
    """With silent partials on top, up to a number."""
    return torch.nn.functional.pad(x, (0, 0, 0, partials - x.shape[1]))


def _spread(controls: Controls, channels: int) -> Controls:
    """One channel as both of a stereo sound."""
    if len(controls.f0_hz) == channels:
        return controls
    values = [
        None if value is None else value[:1].expand(channels, *value.shape[1:]).contiguous()
        for value in (controls.f0_hz, controls.amplitude, controls.distribution, controls.noise, controls.phases)
    ]
    f0_hz, amplitude, distribution, noise, phases = values
    assert f0_hz is not None and amplitude is not None and distribution is not None and noise is not None
    return Controls(f0_hz, amplitude, distribution, noise, phases, controls.divisions)


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
    audible = (hz <= timebase.nyquist_hz).view(1, -1, 1)
    return read * audible * (target.sample_rate / timebase.sample_rate) ** 0.5
