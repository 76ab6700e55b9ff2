"""Separated controls played along another clock, at another pitch: what most edits of pitch and time come down to.

The amplitudes are read where the map says; the phases are not read but run on, each partial at the frequency it has
there times the ratio, as in a phase vocoder (Flanagan and Golden 1966; Laroche and Dolson 1999), so that a jump in the
map is no click, and a partial off its place in the series stays as many cents off as it was.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import torch
from jaxtyping import Float

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.edits.envelope import Envelope
from ddsp_match.edits.onsets import attack_frames
from ddsp_match.edits.separate import hann, rotation, smooth
from ddsp_match.synth.harmonic_noise import complex_amplitudes

Formant = Literal["keep", "move"]

PLACE_S = 0.3  # a partial changes its place in the series no faster than that
MOST_GAIN = math.log(10 ** (24 / 20))  # of an envelope that falls off a cliff, and against one
TURN_S = 0.05
STRETCHED = 2 ** (40 / 1200) - 1  # no string is that stiff
PITCH_HARMONICS = 12  # the higher ones say little of the pitch that is heard


def warp(
    controls: Controls,
    timebase: Timebase,
    positions: Float[torch.Tensor, " out"],
    ratio: float | Float[torch.Tensor, " out"] = 1.0,
    *,
    other: Float[torch.Tensor, " out"] | None = None,
    weight: Float[torch.Tensor, " out"] | None = None,
    formant: Formant = "move",
) -> Controls:
    """Plays separated controls along a map.

    Args:
        controls: From `ddsp_match.edits.separate.separate`.
        timebase: Their frame grid, and that of the outcome.
        positions: For each frame of the outcome the frame to be heard, fractions allowed, in any order.
        ratio: What every frequency is multiplied with, at each frame of the outcome.
        other: A second map, whose amplitudes are mixed in.
        weight: How much of them, 0 to 1, at each frame of the outcome.
        formant: ``move`` takes the spectral envelope along with the pitch, ``keep`` leaves it, and the noise, where
            they are: a transposed harmonic gets the level that the envelope has at its new frequency.

    Returns:
        Controls with as many frames as `positions`. Partials that come to lie at or above Nyquist are silent.
    """
    where = positions.double()
    reader = _Reader(where, other, weight, controls.n_frames)
    ratio = torch.as_tensor(ratio, dtype=torch.float64).expand(len(where))
    c = complex_amplitudes(controls)
    base_hz = reader(controls.base_hz[:1].double())[0]
    turn = smooth(rotation(c, controls.base_hz[0], timebase, TURN_S), hann(TURN_S, timebase)).double()
    turn = reader(turn) * ratio
    size, noise = reader(c.abs()), reader(controls.noise)
    given = size
    keep = formant == "keep" and bool((ratio != 1).any())
    number = torch.arange(1, controls.n_partials + 1).view(-1, 1)
    if keep:
        old_hz = number * base_hz + turn / ratio * (timebase.frame_rate / (2 * math.pi))
        envelope = Envelope.of(controls, timebase).along(reader)
        # What lies below the fundamental goes along with it: where that falls, a faint octave below must not be left.
        old_hz = torch.maximum(old_hz, base_hz * controls.divisions)
        change = envelope.log_at(old_hz * ratio) - envelope.log_at(old_hz)
        # Fewer harmonics under the same envelope would have less power, beyond what `_loudness_kept` may add.
        weighed = size * (change.clamp(max=MOST_GAIN) + ratio.log() / 2).exp().float()
        detuned = turn / ratio * (timebase.frame_rate / (2 * math.pi)) / (number * base_hz)
        back = _heard_off(size, detuned, controls.divisions) / _heard_off(weighed, detuned, controls.divisions)
        size, ratio, turn = weighed, ratio * back, turn * back
    elif controls.n_bands and bool((ratio != 1).any()):
        noise = _moved(noise, ratio)
    attack = attack_frames(controls, timebase)  # where the phases are those that were found
    start, anchor = c[..., attack].angle().double(), int((where - attack).abs().argmin())
    run = torch.nn.functional.pad((turn[:, :-1] + turn[:, 1:]) / 2, (1, 0)).cumsum(1)
    phase = start.unsqueeze(2) + run - run[:, anchor : anchor + 1]
    fine = max(1, math.ceil(float(ratio.max()) - 1e-9))
    series = _Series(base_hz * ratio / fine, timebase)
    place, phase = series.placed(number * fine, turn, phase, size)
    partials = series.filled(place, torch.polar(size.double(), phase))
    if keep and float(ratio.min()) < 1:
        partials = _filled_up(partials, series, controls.divisions * fine, envelope, ratio, timebase)
    partials = partials * series.audible(len(partials[0]))
    if keep:
        partials = partials * _loudness_kept(given, partials)
    out = partials.abs().float()
    amplitude = out.sum(1)
    f0_hz = (reader(controls.f0_hz.double()) * ratio).float()
    return replace(
        controls,
        f0_hz=f0_hz,
        amplitude=amplitude,
        distribution=out / amplitude.unsqueeze(1).clamp(min=1e-12),
        noise=noise.float(),
        phases=partials.angle().float(),
        divisions=controls.divisions * fine,
    )


def _heard_off(size: torch.Tensor, detuned: torch.Tensor, divisions: int) -> float:
    """Return how far from f0 a sound is heard, as a ratio: by its harmonics, which may be stretched, as they are loud.

    Under a kept envelope other harmonics become the loud ones, and a stiff string would change its pitch with them.
    """
    harmonics = slice(divisions - 1, PITCH_HARMONICS * divisions, divisions)
    # What lies farther off is no harmonic but another tone that happens to be there.
    weight = size[:, harmonics].sum(0).double() * (detuned[harmonics].abs() < STRETCHED)
    return 1 + float((weight * detuned[harmonics]).sum() / weight.sum().clamp(min=1e-20))


def _loudness_kept(before: torch.Tensor, after: torch.Tensor) -> float:
    """The gain that keeps the power of the whole: two octaves up, little is left of a flute under its own envelope."""
    power = [float(x.abs().double().square().sum()) for x in (before, after)]
    return min(math.exp(MOST_GAIN), math.sqrt(power[0] / max(power[1], 1e-20)))


class _Reader:
    """Reads along the last axis at fractional places, two maps mixed."""

    def __init__(self, where: torch.Tensor, other: torch.Tensor | None, weight: torch.Tensor | None, n: int) -> None:
        self._maps = [self._taps(where, n)]
        self._weight = weight
        if other is not None and weight is not None:
            self._maps.append(self._taps(other.double(), n))

    @staticmethod
    def _taps(where: torch.Tensor, n: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        where = where.clamp(0, n - 1)
        low = where.floor().long()
        return low, (low + 1).clamp(max=n - 1), where - low

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        read = [x[..., low] + (x[..., high] - x[..., low]) * share.to(x.dtype) for low, high, share in self._maps]
        if len(read) == 1 or self._weight is None:
            return read[0]
        return read[0] + (read[1] - read[0]) * self._weight.to(x.dtype)


class _Series:
    """The series of frequencies that the partials of the outcome are counted in."""

    def __init__(self, base_hz: torch.Tensor, timebase: Timebase) -> None:
        self.base_hz, self.timebase = base_hz, timebase
        self.n = max(1, math.floor((timebase.nyquist_hz - 1e-3) / float(base_hz.min())))
        between = (base_hz[:-1] + base_hz[1:]) / 2 / timebase.frame_rate
        self.cycles = torch.nn.functional.pad(between, (1, 0)).cumsum(0)

    def placed(
        self, number: torch.Tensor, turn: torch.Tensor, phase: torch.Tensor, size: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The nearest place in the series of each partial, and its phase against that place."""
        step = 2 * math.pi * self.base_hz / self.timebase.frame_rate
        # Beyond that the turn from frame to frame would be too fast to interpolate.
        if float((turn.abs() * (size.sum(0) > 1e-6)).max()) < 0.6 * math.pi:
            return number.expand(turn.shape), phase
        weight = size.sum(0).double().square() + 1e-20
        window = hann(PLACE_S, self.timebase)
        slow = smooth(turn * weight, window) / smooth(weight, window)
        away = (slow / step).round().long()
        return number + away, phase - 2 * math.pi * away * self.cycles

    def filled(self, place: torch.Tensor, partials: torch.Tensor) -> torch.Tensor:
        """Partials on their places; what shares a place is added, what lies beyond Nyquist is dropped."""
        batch, _, frames = partials.shape
        out = torch.zeros(batch, self.n + 2, frames, dtype=partials.dtype)
        index = place.clamp(0, self.n + 1).unsqueeze(0).expand(batch, -1, -1)
        out.scatter_add_(1, index, partials)
        return out[:, 1 : self.n + 1]

    def audible(self, count: int) -> torch.Tensor:
        """Return whether each place lies below Nyquist, frame by frame."""
        return torch.arange(1, count + 1).view(-1, 1) * self.base_hz < self.timebase.nyquist_hz


def _filled_up(
    partials: torch.Tensor, series: _Series, divisions: int, envelope: Envelope, ratio: torch.Tensor, timebase: Timebase
) -> torch.Tensor:
    """The harmonics that a lower pitch has room for above the highest one that was there, as loud as the envelope."""
    count = partials.shape[1] // divisions
    if count == 0:
        return partials
    number = torch.arange(1, count + 1).view(-1, 1) * divisions
    hz = number * series.base_hz
    missing = (hz >= timebase.nyquist_hz * ratio) & (hz < timebase.nyquist_hz)
    level = envelope.level_at(hz) * missing * ratio.sqrt()
    out = partials.clone()
    where = number.flatten() - 1
    share = partials.abs().square().sum((1, 2)).sqrt()
    share = (share / share.square().mean().sqrt().clamp(min=1e-20)).view(-1, 1, 1)
    silent = out[:, where].abs() < 1e-9
    out[:, where] += torch.where(silent, level.unsqueeze(0) * share, torch.zeros_like(level)).to(out.dtype)
    return out


def _moved(noise: torch.Tensor, ratio: torch.Tensor) -> torch.Tensor:
    """Noise bands taken along with the pitch, as strong as they were; silent where there was nothing to take."""
    n = noise.shape[1]
    place = torch.arange(n).view(-1, 1) / ratio
    low = place.floor().long().clamp(max=n - 1)
    high = (low + 1).clamp(max=n - 1)
    index = low.unsqueeze(0).expand(len(noise), -1, -1), high.unsqueeze(0).expand(len(noise), -1, -1)
    below, above = noise.gather(1, index[0]), noise.gather(1, index[1])
    there = (place <= n - 1) / ratio.sqrt()
    return (below + (above - below) * (place - low).float()) * there.float()
