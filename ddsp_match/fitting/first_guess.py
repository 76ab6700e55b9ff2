"""The first guess of one sound: f0 refined, the grid of its partials chosen, amplitudes and noise in closed form."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Complex, Float

from ddsp_match.analysis.harmonic_fit import ITERATIONS, bounded_cents, fit_harmonics, refined_f0, smoothness
from ddsp_match.analysis.noise_fit import noise_between, noise_magnitudes, steadied, valley_magnitudes, without_noise
from ddsp_match.core.controls import Controls
from ddsp_match.core.settings import FitSettings
from ddsp_match.core.timebase import Timebase
from ddsp_match.dsp.harmonics import running_phase
from ddsp_match.models.exact import random_controls
from ddsp_match.models.registry import model_kind
from ddsp_match.patch.synth import GridKind
from ddsp_match.synth.harmonic_noise import HarmonicNoiseSynth, noise_bands_for

MARGIN_S = 0.2  # on either side of a segment; fitted but thrown away, so that no seam has an edge
SHORT = 1.5  # segments; up to this length a sound is not cut
POLISH_CENTS = 10.0
REFINE_HARMONICS, REFINE_ROUNDS, REFINE_BANDWIDTH_HZ = 40, 2, 12.0
# Without tracked phases a wide partial would only take noise for its own.
NARROW_HZ = 20.0
WIDE_ITERATIONS = 30  # of conjugate gradients; 100 came no nearer on eight clips, 14 left a tenth more
# Amplitudes are kept as smooth as closeness allows, for smooth ones can be edited: less where more is left than this.
ENOUGH_DB = 30.0
LOOSENED = (1.0, 1 / 16, 0.0)  # shares of the smoothing, tried in turn
FREE = (0.0,)  # on a steady grid nothing moves with f0 anyway
GAIN_DB = 6.0  # what a steady grid must leave less than f0's own to take its place
JUMP_CENTS, JUMP_FRAMES = 40.0, 3  # from frame to frame, faster than any vibrato; frames on either side
# Partials that are no harmonics: as near as they may lie, and what they must leave less than harmonics alone do, or,
# in a sound without a pitch, than nothing does.
FINE_HZ, FINER_DB, LINES_DB = 50.0, 3.0, 3.0
LINE, AROUND = 8.0, 10  # times the lower quartile of the energies of so many on either side
MOST_PARTIALS = 4  # times as many as a steady grid has: an f0 that dives for a moment must not cost a gigabyte


@dataclass(frozen=True)
class Target:
    """One sound on its way to controls.

    Attributes:
        samples: The sound.
        f0_hz: Fundamental in Hz, positive everywhere, the same in all channels.
        pitched: Whether there is any pitch.
    """

    samples: Float[torch.Tensor, "channels samples"]
    f0_hz: Float[torch.Tensor, "channels frames"]
    pitched: bool = True


@dataclass(frozen=True)
class Segment:
    """Frames that are fitted together, and those of them that are kept."""

    first: int
    last: int
    keep_first: int
    keep_last: int

    @property
    def kept(self) -> slice:
        """The kept frames, counted from the segment's own first."""
        return slice(self.keep_first - self.first, self.keep_last - self.first)


@dataclass(frozen=True)
class Grid:
    """What the partials of a sound are multiples of.

    Attributes:
        f0_hz: The f0 that is played: the one that was heard, or a steady one.
        divisions: Partials a harmonic of it.
        n_partials: How many there are.
        phase: Running phase of f0 over the divisions, in cycles, at each sample.
        kind: Whether f0 is the pitch that is heard, or a steady frequency that says nothing of it.
    """

    f0_hz: Float[torch.Tensor, "channels frames"]
    divisions: int
    n_partials: int
    phase: Float[torch.Tensor, "1 samples"]
    kind: GridKind = "f0"

    @property
    def base_hz(self) -> Float[torch.Tensor, "channels frames"]:
        """The distance of the partials in Hz."""
        return self.f0_hz / self.divisions


class FirstGuess:
    """Finds where the descent starts, for one sound.

    Args:
        target: The sound, without a constant part.
        timebase: Frame grid.
        settings: Of the fit.
        wide: Whether partials may follow all that the frame rate carries; not where an effect that is yet to be
            fitted may explain some of it.
    """

    def __init__(self, target: Target, timebase: Timebase, settings: FitSettings, *, wide: bool = True) -> None:
        self.target, self.timebase, self.settings = target, timebase, settings
        self.channels, self.n_samples = target.samples.shape
        self.segments = split(timebase, self.n_samples, settings.segment_s)
        synth, init = settings.synth, settings.init
        tracked = synth.phase == "tracked"
        self.bandwidth_hz = init.bandwidth_hz if tracked and wide else min(init.bandwidth_hz, NARROW_HZ)
        self.fresh = model_kind(settings).fresh_noise
        self.wide = self.bandwidth_hz >= timebase.frame_rate / 2
        # Where nothing has a pitch there still are partials to follow, if they may lie anywhere.
        self.tonal = target.pitched or (self._may_be_steady() and init.kind == "analysis")
        bands = synth.noise_bands or noise_bands_for(timebase.sample_rate)
        self.n_bands = bands if synth.noise or not self.tonal else 0

    def run(self, stop: Callable[[], bool] | None = None) -> tuple[Grid, list[Controls]]:
        """The grid, and controls for each segment."""
        f0_hz = self.target.f0_hz
        if self.target.pitched and self.settings.f0.refine:
            f0_hz = self._refined(stop)
        grid = self._grid(f0_hz)
        if self.settings.init.kind == "random":
            return grid, [self._by_chance(grid, segment) for segment in self.segments]
        partials, left_db = self._partials(grid, self.target.pitched)
        if self.fresh:
            return self._noise_apart(grid, partials, left_db)
        steady = self.settings.synth.grid == "steady" or not self.target.pitched
        if self._may_be_steady() and (steady or left_db > -ENOUGH_DB):
            other = self._steady_grid()
            theirs, others_db = self._partials(other, True, FREE)
            if steady or others_db < left_db - GAIN_DB:
                grid, partials = other, theirs
        return grid, [self._controls(grid, *pair) for pair in zip(self.segments, partials, strict=True)]

    def span(self, segment: Segment) -> tuple[int, int]:
        """First sample of a segment, and one past its last."""
        return self.timebase.centre(segment.first), min(self.n_samples, self.timebase.centre(segment.last - 1) + 1)

    def _synth(self, grid: Grid, segment: Segment) -> HarmonicNoiseSynth:
        """The synthesizer of a segment's harmonics."""
        a, b = self.span(segment)
        base_hz = grid.base_hz[:, segment.first : segment.last]
        return HarmonicNoiseSynth(base_hz, self.timebase, b - a, grid.n_partials, phase=grid.phase[:, a:b])

    def _may_be_steady(self) -> bool:
        synth = self.settings.synth
        free = synth.divisions is None and synth.n_harmonics is None
        return self.wide and synth.grid != "f0" and free

    def _grid(self, f0_hz: torch.Tensor) -> Grid:
        divisions = self._divisions(f0_hz)
        kind: GridKind = "f0" if self.target.pitched else "steady"
        return Grid(f0_hz, divisions, self._partial_count(f0_hz, divisions), self._phase(f0_hz / divisions), kind)

    def _steady_grid(self) -> Grid:
        f0_hz = torch.full_like(self.target.f0_hz, self.timebase.steady_hz)
        return Grid(f0_hz, 1, self._partial_count(f0_hz, 1), self._phase(f0_hz), "steady")

    def _lines(self, grid: Grid, partials: Sequence[torch.Tensor]) -> Bool[torch.Tensor, "1 partials 1"]:
        """The partials that stand out among those around them, as noise hardly ever does, and the harmonics."""
        energy = torch.stack([part.abs().square().sum((0, 2)) for part in partials]).sum(0)
        reach = min(AROUND, (len(energy) - 1) // 2)
        around = torch.nn.functional.pad(energy.view(1, 1, -1), (reach, reach), mode="reflect").view(-1)
        lines = energy > LINE * around.unfold(0, 2 * reach + 1, 1).quantile(0.25, 1)
        if self.target.pitched:
            lines[grid.divisions - 1 :: grid.divisions] = True
        return lines.view(1, -1, 1)

    def _noise_apart(self, grid: Grid, partials: list[torch.Tensor], left_db: float) -> tuple[Grid, list[Controls]]:
        """Keep the noise out of the partials, by an analysis of what lies between the harmonics.

        What stands out there is a partial that is no harmonic; the rest says how strong the noise is, without any tone.
        """
        finer = self._finer(grid)
        every, _ = self._partials(finer, True)
        lines = self._lines(finer, every)
        if left_db > -ENOUGH_DB and grid.divisions == 1:
            theirs, others_db = self._partials(finer, True, live=lines)
            if others_db < left_db - (FINER_DB if self.target.pitched else LINES_DB):
                grid, partials, self.tonal = finer, theirs, True
        controls = []
        for segment, own, fine in zip(self.segments, partials, every, strict=True):
            f0_hz = grid.f0_hz[:, segment.first : segment.last]
            base_hz = finer.base_hz[:, segment.first : segment.last]
            noise = own.real.new_zeros(self.channels, 0, f0_hz.shape[1])
            if self.n_bands and self.tonal:
                noise = noise_between(fine, ~lines, base_hz, self.bandwidth_hz, self.timebase, self.n_bands)
            elif self.n_bands:
                a, b = self.span(segment)
                noise = noise_magnitudes(self.target.samples[:, a:b], self.timebase, f0_hz.shape[1], self.n_bands)
            if self.n_bands:
                noise = steadied(noise)
                base_hz = grid.base_hz[:, segment.first : segment.last]
                own = without_noise(own, noise, base_hz, grid.divisions, self.bandwidth_hz, self.timebase)
            controls.append(_controls(f0_hz, own, noise, "tracked", self.timebase.nyquist_hz, grid.divisions))
        return grid, controls

    def _finer(self, grid: Grid) -> Grid:
        """A grid with partials between the harmonics, or on no harmonics at all where there is no pitch."""
        f0_hz, divisions = grid.f0_hz, 1
        if self.target.pitched:
            divisions = max(2, math.ceil(float(f0_hz.quantile(0.9)) / FINE_HZ))
        else:
            f0_hz = torch.full_like(f0_hz, FINE_HZ)
        count = max(1, int((self.timebase.nyquist_hz - 1e-3) * divisions / float(f0_hz.min())))
        count = min(count, math.ceil(MOST_PARTIALS * self.timebase.nyquist_hz / FINE_HZ))
        return Grid(f0_hz, divisions, count, self._phase(f0_hz / divisions), grid.kind)

    def _phase(self, base_hz: torch.Tensor) -> Float[torch.Tensor, "1 samples"]:
        """The phase that all channels share."""
        return running_phase(base_hz[:1], self.timebase.hop, self.timebase.sample_rate, self.n_samples)

    def _divisions(self, f0_hz: torch.Tensor) -> int:
        synth = self.settings.synth
        if not self.target.pitched or synth.phase != "tracked":
            return 1
        if synth.divisions is not None:
            return synth.divisions
        # Controls at the frame rate follow a band as wide as that rate around each partial.
        if self.wide:  # nowhere farther apart than that: a gap between the bands can be heard
            return max(1, math.ceil(float(f0_hz.quantile(0.9)) / self.timebase.frame_rate))
        return max(1, round(float(f0_hz.quantile(0.1)) / self.timebase.frame_rate))

    def _partial_count(self, f0_hz: torch.Tensor, divisions: int) -> int:
        if not self.tonal:
            return 1
        synth = self.settings.synth
        nyquist_hz = self.timebase.nyquist_hz - 1e-3
        below = max(1, int(nyquist_hz * divisions / float(f0_hz.min())))
        wanted = (synth.max_harmonics if synth.n_harmonics is None else synth.n_harmonics) * divisions
        most = math.ceil(MOST_PARTIALS * nyquist_hz / self.timebase.steady_hz)
        return min(below, wanted, most)

    def _refined(self, stop: Callable[[], bool] | None) -> Float[torch.Tensor, "channels frames"]:
        tracked = f0_hz = self.target.f0_hz
        top = float(tracked.max())
        count = max(1, min(REFINE_HARMONICS, int((self.timebase.nyquist_hz - 1e-3) / top)))
        for _ in range(REFINE_ROUNDS):
            moved = f0_hz.clone()
            grid = Grid(f0_hz, 1, count, self._phase(f0_hz))
            for segment, target in self._targets():
                if stop and stop():
                    return f0_hz
                here = f0_hz[:, segment.first : segment.last]
                weight = smoothness(here, self.timebase, REFINE_BANDWIDTH_HZ)
                partials = fit_harmonics(target, self._synth(grid, segment), weight, self.timebase, iterations=12)
                better = refined_f0(here, partials, self.timebase)
                moved[:, segment.keep_first : segment.keep_last] = better[:, segment.kept]
            # The trackers have been refined once already; this second look only polishes what they left.
            cents = self.settings.f0.refine_cents
            bound = cents if self.settings.f0.source == "constant" else min(cents, POLISH_CENTS)
            f0_hz = bounded_cents(moved, tracked, bound)
        return f0_hz

    def _targets(self) -> Iterator[tuple[Segment, Float[torch.Tensor, "channels samples"]]]:
        for segment in self.segments:
            a, b = self.span(segment)
            yield segment, self.target.samples[:, a:b]

    def _partials(
        self, grid: Grid, tonal: bool, shares: Sequence[float] = LOOSENED, live: torch.Tensor | None = None
    ) -> tuple[list[Complex[torch.Tensor, "channels partials frames"]], float]:
        """Complex amplitudes of each segment, and the energy they leave unexplained, in dB of the sound's."""
        silent = [self.target.samples.new_zeros(self.channels, 1, s.last - s.first) for s in self.segments]
        partials, left_db = [part.to(torch.complex64) for part in silent], 0.0
        for share in shares[: (len(shares) if self.wide else 1) if tonal else 0]:
            left = whole = 0.0
            for number, (segment, target) in enumerate(self._targets()):
                partials[number], played = self._explained(grid, segment, target, share, live)
                left += float((target - played).square().sum())
                whole += float(target.square().sum())
            left_db = 10 * math.log10(max(left, 1e-20) / max(whole, 1e-20))
            if left_db <= -ENOUGH_DB:
                break
        return partials, left_db

    def _explained(
        self, grid: Grid, segment: Segment, target: torch.Tensor, share: float, live: torch.Tensor | None
    ) -> tuple[Complex[torch.Tensor, "channels partials frames"], Float[torch.Tensor, "channels samples"]]:
        base_hz, synth = grid.base_hz[:, segment.first : segment.last], self._synth(grid, segment)
        weight = share * smoothness(base_hz, self.timebase, self.bandwidth_hz)
        if self.fresh:
            # Where f0 jumps to another note nothing goes on: smoothed across, the partials of both would cancel.
            jumps = 1200 * (base_hz[:, 1:] / base_hz[:, :-1]).log2().abs() > JUMP_CENTS
            near = torch.nn.functional.max_pool1d(jumps.float().unsqueeze(1), 2 * JUMP_FRAMES, 1, JUMP_FRAMES - 1)
            weight = weight * (1 - near)
        # A partial at or above Nyquist is never played: it must not explain anything either.
        k = torch.arange(1, grid.n_partials + 1, device=target.device).view(1, -1, 1)
        audible = base_hz.unsqueeze(1) * k < self.timebase.nyquist_hz
        if live is not None:
            audible = audible & live
        steps = WIDE_ITERATIONS if self.wide else ITERATIONS
        partials = fit_harmonics(target, synth, weight, self.timebase, steps, audible)
        return partials, synth.harmonics(partials)

    def _by_chance(self, grid: Grid, segment: Segment) -> Controls:
        return random_controls(
            grid.f0_hz[:, segment.first : segment.last],
            grid.n_partials,
            self.n_bands,
            phases=self.settings.synth.phase != "zero",
            seed=self.settings.seed,
            divisions=grid.divisions,
        )

    def _controls(self, grid: Grid, segment: Segment, partials: torch.Tensor) -> Controls:
        a, b = self.span(segment)
        target, f0_hz = self.target.samples[:, a:b], grid.f0_hz[:, segment.first : segment.last]
        frames = f0_hz.shape[1]
        noise = target.new_zeros(self.channels, 0, frames)
        if self.n_bands:
            residual = target - self._synth(grid, segment).harmonics(partials) if self.tonal else target
            noise = noise_magnitudes(residual, self.timebase, frames, self.n_bands)
            if self.tonal:
                noise = torch.minimum(noise, valley_magnitudes(target, f0_hz, self.timebase, self.n_bands))
        nyquist_hz, mode = self.timebase.nyquist_hz, self.settings.synth.phase
        return _controls(f0_hz, partials, noise, mode, nyquist_hz, grid.divisions)


def split(timebase: Timebase, n_samples: int, segment_s: float) -> list[Segment]:
    """Split a sound into segments of about a length, whose kept frames tile it."""
    frames = timebase.frames(n_samples)
    if n_samples / timebase.sample_rate <= SHORT * segment_s:
        return [Segment(0, frames, 0, frames)]
    count = -(-frames // timebase.frame_at(segment_s))
    margin = timebase.frame_at(MARGIN_S)
    edges = [round(frames * i / count) for i in range(count + 1)]
    return [
        Segment(max(0, a - margin), min(frames, b + margin), a, b) for a, b in itertools.pairwise(edges)
    ]


def _controls(
    f0_hz: torch.Tensor,
    partials: Complex[torch.Tensor, "channels partials frames"],
    noise: torch.Tensor,
    phase_mode: str,
    nyquist_hz: float,
    divisions: int,
) -> Controls:
    k = torch.arange(1, partials.shape[1] + 1, device=f0_hz.device).view(1, -1, 1)
    size = partials.abs() * (f0_hz.unsqueeze(1) * k / divisions < nyquist_hz)
    amplitude = size.sum(1)
    phases = None
    if phase_mode == "tracked":
        phases = torch.angle(partials)
    elif phase_mode == "static":
        # The phase that the energy agrees on.
        phases = torch.angle((partials * partials.abs()).sum(2, keepdim=True)).expand_as(size).contiguous()
    return Controls(f0_hz, amplitude, size / amplitude.unsqueeze(1).clamp(min=1e-9), noise, phases, divisions)
