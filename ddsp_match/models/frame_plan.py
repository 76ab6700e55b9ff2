"""From controls to the timbre frames nearest to them, in closed form."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.dsp.erb import between_bands, erb_rate, noise_basis
from ddsp_match.dsp.knots import KnotSearch, values_at
from ddsp_match.models.frames import Frames, Track, Voice

DB = 20 / math.log(10)  # of a neper
NOISE_BANDS = 32
# Partials below this number have a level of their own; above, where the ear no longer resolves them, those within half
# an ERB move together, each at its own distance. At equal numbers that lowered mel by 0.1 dB on eleven sounds.
RESOLVED, GROUPS_AN_ERB = 16, 2.0
RANGE_DB = 70.0  # what lies further below the loudest moment counts for nothing, and what lies nearer the more
NOISE_BELOW_DB = 15.0  # a noise band stands for several partials, and counts as one that much quieter
NOISE_WEIGHT = 0.5
USUAL_COUNT = 10.0  # what the partials and bands of a frame together count as, in the mean
RADIANS_A_DB = 0.5  # a phase that is off by so much does, too
CENTS_A_DB = 5.0  # an f0 that is off by so much counts as much as levels that are off by 1 dB
LONGEST_S = 2.0  # between two knots
# A number is spent where it lowers the sum of squared errors over partials, bands and frames by so many dB².
PRICE = 2.0
EDIT_PRICE, EDIT_DB = PRICE / 8, 0.5  # of numbers that hold an edit, and what it may change by being held
ROUNDS = 6  # of the split into a common level and a timbre


def compacted(controls: Controls, timebase: Timebase, like: Frames | None = None) -> Frames:
    """The frames of controls that hold nothing but what frames can say: those that an edit or a morph made.

    Args:
        controls: What to store.
        timebase: Frame grid.
        like: Frames whose knots are kept where they serve, as the controls are an edit of them.
    """
    plan = Plan(controls.detached(), timebase)
    if like is not None and like.n_frames == controls.n_frames and len(like.voices) == len(controls.f0_hz):
        frames = plan.on_knots_of(like, EDIT_PRICE)
        if plan.error_db(frames) <= EDIT_DB:
            return frames
    return plan.at(EDIT_PRICE)


@dataclass
class _Curve:
    """What becomes a track: values and weights, and the search for knots."""

    values: Float[torch.Tensor, "dims frames"]
    weights: Float[torch.Tensor, "dims frames"]
    longest: int
    scale: float = 1.0  # of the values, where they aren't in dB

    def __post_init__(self) -> None:
        self.knots = KnotSearch(self.values / self.scale, self.weights, self.longest)

    def track(self, price: float) -> Track:
        return self.on(torch.from_numpy(self.knots.at(price * (len(self.values) + 1))))

    def on(self, times: Int[torch.Tensor, " knots"]) -> Track:
        return Track(times, values_at(times, self.values, self.weights))


class TooFew(ValueError):
    """A budget that even the fewest knots exceed; they come along."""

    def __init__(self, frames: Frames) -> None:
        super().__init__(f"{frames.numbers} numbers at least")
        self.frames = frames


class Plan:
    """Timbre frames of controls, in closed form, at any price for a number.

    Each channel is split into a level and a timbre, of its partials and of its noise, and each of the four gets knots
    of its own, as f0 does: where a number gains most, whichever curve it is of.

    Args:
        controls: What to store, on the processor. Partials may have a phase at every frame.
        timebase: Frame grid.
    """

    def __init__(self, controls: Controls, timebase: Timebase) -> None:
        self.controls, self.nyquist_hz = controls, timebase.nyquist_hz
        longest = timebase.frame_at(LONGEST_S)
        k = torch.arange(1, controls.n_partials + 1)
        base_hz = controls.base_hz[0]
        audible = base_hz * k.unsqueeze(1) < timebase.nyquist_hz
        size = controls.partial_amplitudes
        levels = DB * (size * audible).clamp(min=1e-8).log()
        noise = _noise_levels(controls, timebase)
        top = float(levels.amax())
        if controls.n_bands:
            top = max(top, float(noise.amax()) - NOISE_BELOW_DB + 5)
        weights = ((levels - top + RANGE_DB) / RANGE_DB).clamp(0, 1)
        noise_weights = NOISE_WEIGHT * ((noise - NOISE_BELOW_DB - top + RANGE_DB) / RANGE_DB).clamp(0, 1)
        # A sound of few partials is heard as closely as one of many.
        count = float(weights.sum((1, 2)).mean() + noise_weights.sum((1, 2)).mean()) / controls.n_frames
        scale = min(max(USUAL_COUNT / max(count, 1e-6), 0.25), 8.0)
        weights, noise_weights = scale * weights, scale * noise_weights
        self.partials = 1 + torch.nonzero((weights.amax((0, 2)) > 0) & audible.any(1))[:, 0]
        if not len(self.partials):
            self.partials = torch.ones(1, dtype=torch.int64)
        live = self.partials - 1
        hz = self.partials * float(base_hz.median())
        self.centres = _centres(self.partials, hz)
        basis = between_bands(self.partials.double(), self.centres.double()).float()
        self.rows = []
        for row in range(len(levels)):
            offset, level, shape = _two_ways(levels[row, live], weights[row, live])
            groups, counts = _grouped(shape, weights[row, live], basis)
            band_offset, band_level, bands = _two_ways(noise[row], noise_weights[row])
            curves = {
                "tone": _Curve(groups, counts, longest),
                "tone_level": _Curve(level, weights[row, live].sum(0, keepdim=True), longest),
                "noise": _Curve(bands + band_offset, noise_weights[row], longest),
                "noise_level": _Curve(band_level, noise_weights[row].sum(0, keepdim=True), longest),
            }
            if controls.phases is not None:
                turns = _turns(size[row, live], controls.phases[row, live])
                curves["phase"] = _Curve(turns, weights[row, live], longest, RADIANS_A_DB)
            self.rows.append((curves, offset[:, 0]))
        cents = 1200 * controls.f0_hz[:1].double().log2()
        self.f0 = _Curve(cents.float(), weights.sum((0, 1)).unsqueeze(0), longest, CENTS_A_DB)

    def within_budget(self, fits: Callable[[Frames], bool]) -> Frames:
        """The most frames that are small enough.

        Raises:
            TooFew: None are.
        """
        least = self.at(1e12)
        if not fits(least):
            raise TooFew(least)
        low, high = 1e-4, 1e7
        for _ in range(24):
            middle = math.sqrt(low * high)
            low, high = (low, middle) if fits(self.at(middle)) else (middle, high)
        return self.at(high)

    def at(self, price: float) -> Frames:
        """The frames of which each number takes away a squared error of at least the price, in dB²."""
        return self._frames([{name: c.track(price) for name, c in row[0].items()} for row in self.rows], price)

    def on_knots_of(self, frames: Frames, price: float) -> Frames:
        """The frames with the knots of others, f0 aside."""
        pairs = zip(self.rows, frames.voices, strict=True)
        return self._frames(
            [{name: c.on(getattr(voice, name).times) for name, c in row[0].items()} for row, voice in pairs], price
        )

    def error_db(self, frames: Frames) -> float:
        """The root mean square of what frames leave of the levels, in dB, each level weighed as it is heard."""
        total = count = 0.0
        for (curves, _), voice in zip(self.rows, frames.voices, strict=True):
            for shape, level in (("tone", "tone_level"), ("noise", "noise_level")):
                own = curves[shape].values + curves[level].values
                kept = getattr(voice, shape).curve(frames.n_frames) + getattr(voice, level).curve(frames.n_frames)
                weights = curves[shape].weights
                total += float((weights * (own - kept).square()).sum())
                count += float(weights.sum())
        return math.sqrt(total / max(count, 1e-9))

    def _frames(self, tracks: Sequence[dict[str, Track]], price: float) -> Frames:
        still = Track(torch.zeros(1, dtype=torch.int64), torch.zeros(len(self.partials), 1))
        voices = [
            Voice(**{"phase": still, **own}, offset_db=offset)
            for own, (_, offset) in zip(tracks, self.rows, strict=True)
        ]
        c = self.controls
        return Frames(
            c.n_frames, self.nyquist_hz, c.n_bands, c.divisions, self.f0.track(price), self.partials, self.centres,
            tuple(voices),
        )  # fmt: skip


def _two_ways(
    levels: Float[torch.Tensor, "dims frames"], weights: Float[torch.Tensor, "dims frames"]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Split levels into an offset for each row, a level for each frame, and the rest: the least squares."""
    counts = weights + 1e-4
    level = torch.zeros(1, levels.shape[1])
    offset = torch.zeros(len(levels), 1)
    for _ in range(ROUNDS):
        offset = ((levels - level) * counts).sum(1, keepdim=True) / counts.sum(1, keepdim=True)
        # Without noise there are no rows, and their level is 0.
        level = ((levels - offset) * counts).sum(0, keepdim=True) / counts.sum(0, keepdim=True).clamp(min=1e-4)
    return offset, level, levels - offset - level


def _grouped(
    shape: Float[torch.Tensor, "partials frames"],
    weights: Float[torch.Tensor, "partials frames"],
    basis: Float[torch.Tensor, "partials groups"],
) -> tuple[Float[torch.Tensor, "groups frames"], Float[torch.Tensor, "groups frames"]]:
    """The mean course of each group of partials, and how much it counts."""
    counts = basis.T @ weights
    return basis.T @ (weights * shape) / counts.clamp(min=1e-6), counts


def _centres(partials: Int[torch.Tensor, " partials"], hz: Float[torch.Tensor, " partials"]) -> torch.Tensor:
    """The partials that groups are centred on: the lowest each, then two an ERB, and the last."""
    rates = (GROUPS_AN_ERB * erb_rate(hz)).tolist()
    chosen = [0]
    for place in range(1, len(rates)):
        if place < RESOLVED or rates[place] - rates[chosen[-1]] >= 1:
            chosen.append(place)
    if chosen[-1] != len(rates) - 1:
        chosen.append(len(rates) - 1)
    return partials[chosen]


def _turns(
    size: Float[torch.Tensor, "partials frames"], phases: Float[torch.Tensor, "partials frames"]
) -> Float[torch.Tensor, "partials frames"]:
    """Unwrap phases, which say nothing where a partial is silent and little in one frame."""
    whole = torch.polar(size * size, phases)
    parts = [torch.nn.functional.avg_pool1d(x, 5, 1, 2, count_include_pad=False) for x in (whole.real, whole.imag)]
    whole = torch.complex(*parts)
    steps = (whole[:, 1:] * whole[:, :-1].conj()).angle()
    return torch.cat([whole[:, :1].angle(), steps], 1).cumsum(1)


def _noise_levels(controls: Controls, timebase: Timebase) -> Float[torch.Tensor, "channels erb frames"]:
    """The mean power of the noise in each ERB band, in dB."""
    if not controls.n_bands:
        return torch.zeros(len(controls.f0_hz), 0, controls.n_frames)
    basis = noise_basis(controls.n_bands, NOISE_BANDS, timebase.nyquist_hz)
    power = (basis / basis.sum(0).clamp(min=1e-9)).T @ controls.noise.square()
    return 0.5 * DB * power.clamp(min=1e-16).log()
