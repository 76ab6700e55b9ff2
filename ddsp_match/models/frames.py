"""Timbre frames: few numbers that say what a sound is, as breakpoints of levels in dB over time.

A frame is the level of every partial and of every noise band at one moment; between frames levels go linearly in dB.
Frames lie where the sound changes. That is the breakpoint envelope of additive resynthesis (Fitz and Haken 2002, "On the
use of time-frequency reassignment in additive sound modeling") and the wavetable of synthesizers in one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int

from ddsp_match.core.controls import Controls
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.settings import FitSettings
from ddsp_match.core.timebase import Timebase
from ddsp_match.dsp.erb import between_bands, erb_rate, noise_basis
from ddsp_match.dsp.knots import KnotSearch, hats, values_at
from ddsp_match.models.model import Model

DB = 20 / math.log(10)  # of a neper
NOISE_BANDS = 32
SILENT_DB = -200.0
# Partials below this number have a level of their own; above, where the ear no longer resolves them, those within half
# an ERB move together, each at its own distance. At equal numbers that lowered mel by 0.1 dB on eleven sounds.
RESOLVED, GROUPS_AN_ERB = 16, 2.0
RANGE_DB = 70.0  # what lies further below the loudest moment counts for nothing, and what lies nearer the more
NOISE_BELOW_DB = 15.0  # a noise band stands for several partials, and counts as one that much quieter
NOISE_WEIGHT = 0.5
CENTS_A_DB = 5.0  # an f0 that is off by so much counts as much as levels that are off by 1 dB
LONGEST_S = 2.0  # between two knots
# A number is spent where it lowers the sum of squared errors over partials, bands and frames by so many dB².
PRICE = 2.0
STEPS = 100
FASTER = 2.0  # learning rate of levels, over that of others: half of it ended 3 % higher after as many steps
BANDWIDTH_HZ = 20.0
SMOOTH_FRAMES = 7  # over which noise is averaged before it is split: one frame says little of it
CAPTURED_WIDTH = 2.2  # bandwidths of noise that an analysed partial holds
DOUBT = 4.0  # times the noise that lies there must be exceeded by what is no harmonic
USUAL_COUNT = 10.0  # what the partials and bands of a frame together count as, in the mean
DETUNED = 1.3  # times as much must partials with a detuning agree in phase to get one
ROUNDS = 6  # of the split into a common level and a timbre


@dataclass(frozen=True)
class Track:
    """Curves of straight lines that share their knots.

    Attributes:
        times: Frames of the knots, rising.
        values: Their values.
    """

    times: Int[torch.Tensor, " knots"]
    values: Float[torch.Tensor, "dims knots"]

    def curve(self, frames: int) -> Float[torch.Tensor, "dims frames"]:
        """The curves at every frame."""
        return self.values @ hats(self.times, frames)

    @property
    def numbers(self) -> int:
        """Numbers that it takes, a time for each knot included."""
        return self.values.numel() + len(self.times)

    def within(self, first: int, last: int) -> Track:
        """Cut out the knots that reach into some frames, their times counted from the first of these."""
        low = max(0, int((self.times <= first).sum()) - 1)
        high = min(len(self.times), int((self.times < last - 1).sum()) + 1)
        return Track(self.times[low:high] - first, self.values[:, low:high])


@dataclass(frozen=True)
class Voice:
    """One channel of a sound.

    Attributes:
        tone: Timbre: the level of each group of partials in dB, over the level of the tone.
        tone_level: Level that all partials share, in dB.
        offset_db: Distance of each partial from its group, in dB.
        phase: Phase of each partial in radians, on knots of its own; one knot is a phase at the start.
        noise: The level of each noise band in dB, over that of the noise.
        noise_level: Level that all noise bands share, in dB.
    """

    tone: Track
    tone_level: Track
    offset_db: Float[torch.Tensor, " partials"]
    phase: Track
    noise: Track
    noise_level: Track

    TRACKS = ("tone", "tone_level", "phase", "noise", "noise_level")

    @property
    def numbers(self) -> int:
        """Numbers that it takes; a time that is always the first frame is none."""
        return sum(getattr(self, name).numbers for name in self.TRACKS) + self.offset_db.numel()


@dataclass(frozen=True)
class Frames:
    """A sound as the compact model stores it.

    Attributes:
        n_frames: Length in frames.
        nyquist_hz: Half the sample rate.
        n_bands: Noise bands of the controls it stands for, even in Hz; 0 for no noise.
        divisions: Partials a harmonic.
        f0: f0 in cents over 1 Hz, for all channels.
        partials: The partials that sound, counted from 1.
        centres: Those among them that groups are centred on; a partial between two takes a share of each.
        voices: The channels.
    """

    n_frames: int
    nyquist_hz: float
    n_bands: int
    divisions: int
    f0: Track
    partials: Int[torch.Tensor, " partials"]
    centres: Int[torch.Tensor, " groups"]
    voices: tuple[Voice, ...]

    @property
    def numbers(self) -> int:
        """How many numbers it holds."""
        return self.f0.numbers + sum(voice.numbers for voice in self.voices)

    @property
    def f0_hz(self) -> Float[torch.Tensor, "1 frames"]:
        """f0 at every frame."""
        return 2 ** (self.f0.curve(self.n_frames) / 1200)

    @property
    def basis(self) -> Float[torch.Tensor, "partials groups"]:
        """The share of each group in each partial."""
        return between_bands(self.partials.double(), self.centres.double()).float()

    def controls(self) -> Controls:
        """The controls that it stands for, on the processor."""
        model = FramesModel([self])
        with torch.no_grad():
            return replace(model().detached(), f0_hz=self.f0_hz.expand(len(self.voices), -1).contiguous(),
                           divisions=self.divisions)  # fmt: skip

    @property
    def whole(self) -> bool:
        """Whether it is a sound rather than a part cut out of one."""
        return all(int(v.phase.times[0]) == 0 and int(v.phase.times[-1]) in (0, self.n_frames - 1) for v in self.voices)

    def within(self, first: int, last: int) -> Frames:
        """Cut out some frames, with the knots on either side."""
        voices = tuple(
            replace(voice, **{name: getattr(voice, name).within(first, last) for name in Voice.TRACKS})
            for voice in self.voices
        )
        return replace(self, n_frames=last - first, f0=self.f0.within(first, last), voices=voices)

    def updated(self, parts: Sequence[Frames], starts: Sequence[int], kept: Sequence[int]) -> Frames:
        """Take over the numbers of parts that were cut out.

        Args:
            parts: From `within`, in their order, their values changed since.
            starts: First frame of each.
            kept: The frame from which on each is taken, rising.
        """
        if len(parts) == 1:
            return replace(self, voices=parts[0].voices)
        voices = []
        for channel, voice in enumerate(self.voices):
            changed = {}
            for name in Voice.TRACKS:
                track: Track = getattr(voice, name)
                values = track.values.clone()
                for place, time in enumerate(track.times.tolist()):
                    part = max(0, sum(time >= first for first in kept) - 1)
                    own: Track = getattr(parts[part].voices[channel], name)
                    here = torch.nonzero(own.times == time - starts[part])
                    if len(here):
                        values[:, place] = own.values[:, int(here[0])]
                changed[name] = Track(track.times, values)
            voices.append(replace(voice, **changed))
        return replace(self, voices=tuple(voices))


@dataclass
class _Curve:
    """What becomes a track: values and weights, and the search for knots."""

    values: Float[torch.Tensor, "dims frames"]
    weights: Float[torch.Tensor, "dims frames"]
    scale: float = 1.0  # of the values, where they aren't in dB

    def search(self, longest: int) -> _Curve:
        self.knots = KnotSearch(self.values / self.scale, self.weights, longest)
        return self

    def track(self, price: float) -> Track:
        dims, frames = self.values.shape
        times = torch.from_numpy(self.knots.at(price * (dims + 1)))
        return Track(times, values_at(hats(times, frames), self.values, self.weights))


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
        bandwidth_hz: Width on either side in which the partials were analysed: they hold the noise that lies there,
            which is taken off. None: they hold none.
        phase_times: Frames at which the partials have a phase.
    """

    def __init__(
        self, controls: Controls, timebase: Timebase, bandwidth_hz: float | None, phase_times: Sequence[int]
    ) -> None:
        self.controls, self.nyquist_hz = controls, timebase.nyquist_hz
        longest = timebase.frame_at(LONGEST_S)
        k = torch.arange(1, controls.n_partials + 1)
        base_hz = controls.base_hz[0]
        audible = base_hz * k.unsqueeze(1) < timebase.nyquist_hz
        size = controls.partial_amplitudes
        if bandwidth_hz is not None and controls.n_bands:
            size = _without_noise(controls, timebase, bandwidth_hz)
        levels = DB * (size * audible).clamp(min=1e-8).log()
        noise = _noise_levels(controls, timebase, 1 if bandwidth_hz is None else SMOOTH_FRAMES)
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
        self.basis = between_bands(self.partials.double(), self.centres.double()).float()
        phases = None if controls.phases is None else controls.phases
        self.rows = []
        for row in range(len(levels)):
            offset, level, shape = _two_ways(levels[row, live], weights[row, live])
            groups, counts = _grouped(shape, weights[row, live], self.basis)
            band_offset, band_level, bands = _two_ways(noise[row], noise_weights[row])
            curves = {
                "tone": _Curve(groups, counts).search(longest),
                "tone_level": _Curve(level, weights[row, live].sum(0, keepdim=True)).search(longest),
                "noise": _Curve(bands + band_offset, noise_weights[row]).search(longest),
                "noise_level": _Curve(band_level, noise_weights[row].sum(0, keepdim=True)).search(longest),
            }
            if phases is None:
                phase = Track(torch.zeros(1, dtype=torch.int64), torch.zeros(len(live), 1))
            else:
                phase = _phases(size[row, live], phases[row, live], phase_times)
            self.rows.append((curves, offset[:, 0], phase))
        cents = 1200 * controls.f0_hz[:1].double().log2()
        heard = weights.sum((0, 1)).unsqueeze(0)
        self.f0 = _Curve(cents.float(), heard, CENTS_A_DB).search(longest)

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
        voices = []
        for curves, offset, phase in self.rows:
            tracks = {name: curve.track(price) for name, curve in curves.items()}
            voices.append(Voice(**tracks, offset_db=offset, phase=phase))
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
        level = ((levels - offset) * counts).sum(0, keepdim=True) / counts.sum(0, keepdim=True)
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


def _phases(size: torch.Tensor, phases: torch.Tensor, times: Sequence[int]) -> Track:
    """The phase that the energy around each time agrees on, and how it turns in between."""
    whole = torch.polar(size * size, phases)
    if len(times) == 1 and size.shape[1] > 1:
        frames = size.shape[1]
        middle = torch.arange(frames) - (frames - 1) / 2
        turn = (whole[:, 1:] * whole[:, :-1].conj()).sum(1, keepdim=True).angle()
        turning = (whole * torch.polar(torch.ones_like(size), -turn * middle)).sum(1, keepdim=True)
        standing = whole.sum(1, keepdim=True)
        if float(turning.abs().sum()) > DETUNED * float(standing.abs().sum()):
            ends = torch.tensor([-(frames - 1) / 2, (frames - 1) / 2])
            return Track(torch.tensor([0, frames - 1]), turning.angle() + turn * ends)
    edges = [0, *((a + b) // 2 for a, b in zip(times[:-1], times[1:], strict=True)), size.shape[1]]
    sums = [whole[:, a:b].sum(1) for a, b in zip(edges[:-1], edges[1:], strict=True)]
    values = torch.stack([part.angle() for part in sums], 1)
    turns = torch.round(values.diff(dim=1) / (2 * math.pi)).cumsum(1) * 2 * math.pi
    values[:, 1:] -= turns
    return Track(torch.tensor(list(times)), values)


def _noise_levels(controls: Controls, timebase: Timebase, smooth: int) -> Float[torch.Tensor, "channels erb frames"]:
    """The mean power of the noise in each ERB band and over so many frames, in dB."""
    if not controls.n_bands:
        return torch.zeros(len(controls.f0_hz), 0, controls.n_frames)
    basis = noise_basis(controls.n_bands, NOISE_BANDS, timebase.nyquist_hz)
    power = (basis / basis.sum(0).clamp(min=1e-9)).T @ controls.noise.square()
    if smooth > 1:
        # The shape of a spectrum shows over several frames; its level, over all bands, in each.
        mean = torch.nn.functional.avg_pool1d(power, smooth, 1, smooth // 2, count_include_pad=False).clamp(min=1e-16)
        counts = (10 * (mean / mean.amax()).log10() + RANGE_DB).clamp(min=1e-3)
        power = mean * ((power / mean * counts).sum(1, keepdim=True) / counts.sum(1, keepdim=True))
    return 0.5 * DB * power.clamp(min=1e-16).log()


def _without_noise(controls: Controls, timebase: Timebase, bandwidth_hz: float) -> torch.Tensor:
    """The amplitudes of partials less what the noise around them adds in the mean."""
    k = torch.arange(1, controls.n_partials + 1).view(1, -1, 1)
    place = controls.base_hz.unsqueeze(1) * k / timebase.nyquist_hz * (controls.n_bands - 1)
    gain = controls.noise.gather(1, place.round().long().clamp(max=controls.n_bands - 1))
    width_hz = torch.minimum(torch.tensor(bandwidth_hz), controls.base_hz / 3).unsqueeze(1)
    captured = 4 * CAPTURED_WIDTH * width_hz * gain.square() / timebase.sample_rate
    between = (k % controls.divisions) != 0
    captured = torch.where(between, DOUBT * captured, captured)
    return (controls.partial_amplitudes.square() - captured).clamp(min=1e-16).sqrt()


def _stacked(values: Sequence[torch.Tensor], *shape: int) -> torch.Tensor:
    """Stack tensors of two axes, grown to one shape with zeros behind."""
    out = values[0].new_zeros(len(values), *shape)
    for row, value in zip(out, values, strict=True):
        row[: value.shape[0], : value.shape[1]] = value
    return out


class FramesModel(Model):
    """Timbre frames as free numbers.

    Args:
        frames: What to start from; the rows are the channels of all of them.
        n_partials: Partials of the controls; by default as many as the highest needs.
        n_frames: Frames of the controls; by default as many as the longest has.
        device: Where to compute.
        constants: Whether what does not move (offsets and phases) is free as well; not where parts of one sound, which
            share it, are fitted one by one.
    """

    fresh_noise = True

    def __init__(
        self,
        frames: Sequence[Frames],
        n_partials: int | None = None,
        n_frames: int | None = None,
        device: torch.device | None = None,
        *,
        constants: bool = True,
    ) -> None:
        super().__init__()
        self.frames, self.constants = list(frames), constants
        n_partials = n_partials or max(int(one.partials[-1]) for one in frames)
        n_frames = n_frames or max(one.n_frames for one in frames)
        pairs = [(one, voice) for one in frames for voice in one.voices]
        self.n_bands = frames[0].n_bands
        self.divisions = 1
        bases, masks, offsets, f0 = [], [], [], []
        k = torch.arange(1, n_partials + 1).unsqueeze(1)
        for one, voice in pairs:
            live = one.partials - 1
            basis = torch.zeros(n_partials, len(one.centres))
            basis[live] = one.basis
            offset = torch.zeros(n_partials, 1)
            offset[live, 0] = voice.offset_db / DB
            base_hz = one.f0_hz / one.divisions
            base_hz = torch.cat([base_hz, base_hz[:, -1:].expand(1, n_frames - one.n_frames)], 1)
            mask = torch.zeros(n_partials, n_frames)
            mask[live, : one.n_frames] = 1
            bases.append(basis)
            masks.append(mask * (base_hz * k < one.nyquist_hz))
            offsets.append(offset)
            f0.append(base_hz[0])
        groups = max(basis.shape[1] for basis in bases)
        self.register_buffer("f0_hz", torch.stack(f0).float().to(device))
        self.register_buffer("basis", _stacked(bases, n_partials, groups).to(device))
        self.register_buffer("audible", torch.stack(masks).to(device))
        noise = noise_basis(max(self.n_bands, 2), NOISE_BANDS, frames[0].nyquist_hz)
        self.register_buffer("noise_basis", noise.to(device))
        self.offset = torch.nn.Parameter(torch.stack(offsets).to(device))
        for name in Voice.TRACKS:
            tracks: list[Track] = [getattr(voice, name) for _, voice in pairs]
            knots = max(len(track.times) for track in tracks)
            values = [track.values / DB for track in tracks]
            if name == "phase":
                values = []
                for (one, _), track in zip(pairs, tracks, strict=True):
                    spread = torch.zeros(n_partials, track.values.shape[1])
                    spread[one.partials - 1] = track.values
                    values.append(spread)
            dims = max(value.shape[0] for value in values)
            shares = [hats(track.times, one.n_frames) for (one, _), track in zip(pairs, tracks, strict=True)]
            self.register_buffer(f"{name}_hats", _stacked(shares, knots, n_frames).to(device))
            self.register_parameter(f"{name}_values", torch.nn.Parameter(_stacked(values, dims, knots).to(device)))

    @staticmethod
    def required(settings: FitSettings) -> FitSettings:
        """As of `Model`: harmonics of f0, analysed narrowly, and a loss that is fair to noise."""
        init = settings.init
        optimizer, loss = settings.optimizer, settings.loss
        close = init.kind == "analysis" and not settings.effects
        if optimizer.steps is None and close:
            optimizer = replace(optimizer, steps=STEPS)
        if loss.steady is None:
            loss = replace(loss, steady=1.0)
        return replace(
            settings,
            synth=replace(settings.synth, phase="tracked", divisions=settings.synth.divisions or 1, grid="f0"),
            init=replace(init, bandwidth_hz=min(init.bandwidth_hz, BANDWIDTH_HZ)),
            optimizer=optimizer,
            loss=loss,
        )

    @classmethod
    def compacted(
        cls, settings: FitSettings, controls: Controls, timebase: Timebase, phase_times: Sequence[int]
    ) -> Frames:
        """As of `Model`.

        Raises:
            ConfigError: The budget is too small for the sound.
        """
        from ddsp_match.models.packed_frames import packed

        model = settings.model
        fits, given = None, ""
        seconds = max(controls.n_frames - 1, 1) / timebase.frame_rate
        if model.numbers is not None:
            most, given = model.numbers * seconds, "model.numbers"
            fits = lambda frames: frames.numbers <= most  # noqa: E731
        elif model.rate_kbps is not None:
            most, given = model.rate_kbps * 125 * seconds, "model.rate_kbps"
            fits = lambda frames: len(packed(frames)) <= most  # noqa: E731
        width = settings.init.bandwidth_hz if settings.init.kind == "analysis" else None
        plan = Plan(controls.detached(), timebase, width, phase_times)
        try:
            return plan.within_budget(fits) if fits else plan.at(PRICE)
        except TooFew as error:
            least = error.frames
            per_second = least.numbers / seconds if model.numbers else len(packed(least)) / 125 / seconds
            raise ConfigError(
                f"{model.numbers or model.rate_kbps:g}",
                where=given,
                needed=f"at least {math.ceil(10 * per_second) / 10:g} for this sound of {seconds:.2f} s",
                hint=f"{given}={math.ceil(1.5 * per_second)}",
            ) from error

    @classmethod
    def of(
        cls,
        settings: FitSettings,
        start: Controls,
        nyquist_hz: float,
        n_partials: Int[torch.Tensor, " batch"],
        stored: Sequence[Frames],
    ) -> FramesModel:
        """As of `Model`."""
        whole = all(one.whole for one in stored)
        return cls(stored, start.n_partials, start.n_frames, start.f0_hz.device, constants=whole)

    def _curve(self, name: str) -> torch.Tensor:
        return getattr(self, f"{name}_values") @ getattr(self, f"{name}_hats")

    def forward(self) -> Controls:
        """As of `Model`."""
        levels = self.basis @ self._curve("tone") + self._curve("tone_level") + self.offset
        size = levels.exp() * self.audible
        amplitude = size.sum(1)
        distribution = size / amplitude.unsqueeze(1).clamp(min=1e-9)
        if self.n_bands:
            noise = (self.noise_basis @ (self._curve("noise") + self._curve("noise_level"))).exp()
        else:
            noise = size.new_zeros(len(size), 0, size.shape[2])
        return Controls(self.f0_hz, amplitude, distribution, noise, self._curve("phase"), self.divisions)

    def groups(self, lr: float, lr_phase: float, *, harmonics: bool = True) -> list[dict]:
        """As of `Model`."""
        levels = [self.noise_values, self.noise_level_values] if self.n_bands else []
        if harmonics:
            levels += [self.tone_values, self.tone_level_values]
            if self.constants:
                levels.append(self.offset)
        groups: list[dict] = [{"params": levels, "lr": FASTER * lr}]
        if harmonics and self.constants and lr_phase > 0:
            groups.append({"params": [self.phase_values], "lr": lr_phase})
        return groups

    def stored(self) -> list[Frames]:
        """The frames with their present numbers."""
        updated, row = [], 0
        for one in self.frames:
            voices = []
            for voice in one.voices:
                changed: dict = {"offset_db": DB * self.offset.detach()[row, one.partials - 1, 0].cpu()}
                for name in Voice.TRACKS:
                    track: Track = getattr(voice, name)
                    values = getattr(self, f"{name}_values").detach()[row].cpu()
                    if name == "phase":
                        values = values[one.partials - 1, : track.values.shape[1]]
                    else:
                        values = DB * values[: track.values.shape[0], : track.values.shape[1]]
                    changed[name] = Track(track.times, values)
                voices.append(replace(voice, **changed))
                row += 1
            updated.append(replace(one, voices=tuple(voices)))
        return updated
