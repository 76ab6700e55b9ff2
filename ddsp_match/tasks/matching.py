"""From a target and its f0 to the controls that play it: first guess, then optimisation, segment by segment."""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float

from ddsp_match.analysis.harmonic_fit import bounded_cents, fit_harmonics, refined_f0, smoothness
from ddsp_match.analysis.noise_fit import noise_magnitudes, valley_magnitudes
from ddsp_match.controls import Controls
from ddsp_match.dsp.harmonics import running_phase
from ddsp_match.dsp.noise import white_noise
from ddsp_match.optimise import Trace
from ddsp_match.settings import FitSettings
from ddsp_match.sources.free_controls import random_controls
from ddsp_match.synth.harmonic_noise import HarmonicNoiseSynth, noise_bands_for
from ddsp_match.tasks.descent import Descent, OnStep, Part
from ddsp_match.tasks.wet import Wet
from ddsp_match.timebase import Timebase

# A segment bounds memory; the margin on either side is fitted but thrown away, so that no seam has an edge.
SEGMENT_S, MARGIN_S = 8.0, 0.2
SHORT_S = 12.0  # up to this length a sound is one segment
MAX_WORKERS = 6  # the loss has six parts to share
POLISH_CENTS = 10.0
REFINE_HARMONICS, REFINE_ROUNDS, REFINE_BANDWIDTH_HZ = 40, 2, 12.0


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


@dataclass
class Match:
    """Controls that play a sound, and how they were found."""

    controls: Controls
    trace: Trace
    seconds: dict[str, float]


class Matcher:
    """One target on its way to controls.

    Args:
        target: The sound; the batch axis is its channels.
        f0_hz: Fundamental in Hz, positive everywhere, the same in all channels.
        timebase: Frame grid.
        settings: Of the fit.
        pitched: Whether there is any pitch; without one only the noise is fitted.
        wet: Effects behind the synthesizer, found together with the controls; `target` is then what the dry sound is
            guessed to be.
    """

    def __init__(
        self,
        target: Float[torch.Tensor, "channels samples"],
        f0_hz: Float[torch.Tensor, "channels frames"],
        timebase: Timebase,
        settings: FitSettings,
        *,
        pitched: bool = True,
        wet: Wet | None = None,
    ) -> None:
        # No harmonic and no noise can play a constant, and windows smear it over the lowest bins: it is set aside.
        self.offset = target.mean(1)
        self.target = target - self.offset.unsqueeze(1)
        self.f0_hz, self.timebase, self.settings = f0_hz, timebase, settings
        self.pitched, self.wet = pitched, wet
        self.channels, self.n_samples = target.shape
        self.segments = split(timebase, self.n_samples)
        synth = settings.synth
        bands = synth.noise_bands or noise_bands_for(timebase.sample_rate)
        self.n_bands = bands if synth.noise or not pitched else 0
        self.noise = white_noise(self.channels, self.n_samples, synth.noise_seed) if self.n_bands else None

    def run(
        self,
        *,
        on_stage: Callable[[str], None] | None = None,
        on_step: OnStep | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> Match:
        """Refines f0, guesses, optimises.

        Args:
            on_stage: Told what begins.
            on_step: As of `Descent`.
            stop: Asked before every step whether to end with what there is.
        """
        seconds = {}
        began = time.perf_counter()
        if self.pitched and self.settings.f0.refine:
            self.f0_hz = self._refined(stop)
        self.divisions = self._divisions()
        self.n_partials = self._partial_count()
        self.phase = self._running_phase(self.divisions)
        if on_stage:
            on_stage("first guess")
        guesses = [self._guess(segment) for segment in self.segments]
        seconds["first guess"] = time.perf_counter() - began
        if on_stage:
            on_stage("optimise")
        began = time.perf_counter()
        # The operations of a step are small: threads inside each would spend more time meeting than working.
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            descent = Descent(
                self.target,
                self.timebase,
                self.settings,
                pitched=self.pitched,
                wet=self.wet,
                workers=min(threads, MAX_WORKERS),
                on_step=on_step,
                stop=stop,
            )
            parts, trace = descent.run(list(map(self._part, self.segments, guesses)))
        finally:
            torch.set_num_threads(threads)
        seconds["optimise"] = time.perf_counter() - began
        return Match(self._joined(parts), trace, seconds)

    def _running_phase(self, divisions: int = 1) -> Float[torch.Tensor, "1 samples"]:
        """The phase that all channels share."""
        base_hz = self.f0_hz[:1] / divisions
        return running_phase(base_hz, self.timebase.hop, self.timebase.sample_rate, self.n_samples)

    def _divisions(self) -> int:
        synth = self.settings.synth
        if not self.pitched or synth.phase != "tracked":
            return 1
        if synth.divisions is not None:
            return synth.divisions
        # Controls at the frame rate follow a band as wide as that rate around each partial: partials about
        # as far apart as that cover the spectrum once.
        low_hz = float(self.f0_hz.quantile(0.1))
        return max(1, round(low_hz / self.timebase.frame_rate))

    def _partial_count(self) -> int:
        if not self.pitched:
            return 1
        synth = self.settings.synth
        below = max(1, int((self.timebase.nyquist_hz - 1e-3) * self.divisions / float(self.f0_hz.min())))
        wanted = synth.max_harmonics if synth.n_harmonics is None else synth.n_harmonics * self.divisions
        return min(below, max(wanted, self.divisions))

    def _synth(
        self, segment: Segment, n_partials: int, phase: torch.Tensor, *, divisions: int = 1, noise: bool = True
    ) -> HarmonicNoiseSynth:
        a, b = self._span(segment)
        return HarmonicNoiseSynth(
            self.f0_hz[:, segment.first : segment.last] / divisions,
            self.timebase,
            b - a,
            n_partials,
            None if self.noise is None or not noise else self.noise[:, a:b],
            self.n_bands,
            phase[:, a:b],
        )

    def _span(self, segment: Segment) -> tuple[int, int]:
        """First sample of a segment, and one past its last."""
        return self.timebase.centre(segment.first), min(self.n_samples, self.timebase.centre(segment.last - 1) + 1)

    def _refined(self, stop: Callable[[], bool] | None) -> Float[torch.Tensor, "channels frames"]:
        tracked = self.f0_hz
        top = float(tracked.max())
        count = max(1, min(REFINE_HARMONICS, int((self.timebase.nyquist_hz - 1e-3) / top)))
        for _ in range(REFINE_ROUNDS):
            moved = self.f0_hz.clone()
            phase = self._running_phase()
            for segment in self.segments:
                if stop and stop():
                    return self.f0_hz
                a, b = self._span(segment)
                here = slice(segment.first, segment.last)
                weight = smoothness(self.f0_hz[:, here], self.timebase, REFINE_BANDWIDTH_HZ)
                synth = self._synth(segment, count, phase, noise=False)
                found = fit_harmonics(self.target[:, a:b], synth, weight, self.timebase, iterations=12)
                better = refined_f0(self.f0_hz[:, here], found, self.timebase)
                moved[:, segment.keep_first : segment.keep_last] = better[:, segment.kept]
            # The trackers have been refined once already; this second look only polishes what they left.
            cents = self.settings.f0.refine_cents
            bound = cents if self.settings.f0.source == "constant" else min(cents, POLISH_CENTS)
            self.f0_hz = bounded_cents(moved, tracked, bound)
        return self.f0_hz

    def _guess(self, segment: Segment) -> Controls:
        f0 = self.f0_hz[:, segment.first : segment.last]
        phase_mode = self.settings.synth.phase
        if self.settings.init.kind == "random":
            return random_controls(
                f0,
                self.n_partials,
                self.n_bands,
                phases=phase_mode != "zero",
                seed=self.settings.seed,
                divisions=self.divisions,
            )
        a, b = self._span(segment)
        target = self.target[:, a:b]
        if self.pitched:
            synth = self._synth(segment, self.n_partials, self.phase, divisions=self.divisions, noise=False)
            weight = smoothness(f0 / self.divisions, self.timebase, self.settings.init.bandwidth_hz)
            found = fit_harmonics(target, synth, weight, self.timebase)
            residual = target - synth.harmonics(found)
        else:
            found = torch.zeros(self.channels, 1, f0.shape[1], dtype=torch.complex64)
            residual = target
        frames = f0.shape[1]
        noise = torch.zeros(self.channels, 0, frames)
        if self.n_bands:
            noise = noise_magnitudes(residual, self.timebase, frames, self.n_bands)
            if self.pitched:
                noise = torch.minimum(noise, valley_magnitudes(target, f0, self.timebase, self.n_bands))
        return _controls(f0, found, noise, phase_mode, self.timebase.nyquist_hz, self.divisions)

    def _part(self, segment: Segment, guess: Controls) -> Part:
        synth = functools.partial(self._synth, segment, self.n_partials, self.phase, divisions=self.divisions)
        return Part(*self._span(segment), guess, synth)

    def _joined(self, parts: list[Controls]) -> Controls:
        def along(name: str) -> torch.Tensor:
            kept = [getattr(part, name)[..., s.kept] for part, s in zip(parts, self.segments, strict=True)]
            return torch.cat(kept, -1)

        phases = None if parts[0].phases is None else along("phases")
        return Controls(self.f0_hz, along("amplitude"), along("distribution"), along("noise"), phases, self.divisions)


def split(timebase: Timebase, n_samples: int) -> list[Segment]:
    """Segments whose kept frames tile the sound."""
    frames = timebase.frames(n_samples)
    if n_samples / timebase.sample_rate <= SHORT_S:
        return [Segment(0, frames, 0, frames)]
    count = -(-frames // timebase.frame_at(SEGMENT_S))
    margin = timebase.frame_at(MARGIN_S)
    edges = [round(frames * i / count) for i in range(count + 1)]
    return [
        Segment(max(0, a - margin), min(frames, b + margin), a, b) for a, b in itertools.pairwise(edges)
    ]


def _controls(
    f0_hz: torch.Tensor,
    found: Complex[torch.Tensor, "channels partials frames"],
    noise: torch.Tensor,
    phase_mode: str,
    nyquist_hz: float,
    divisions: int,
) -> Controls:
    k = torch.arange(1, found.shape[1] + 1).view(1, -1, 1)
    size = found.abs() * (f0_hz.unsqueeze(1) * k / divisions < nyquist_hz)
    amplitude = size.sum(1)
    phases = None
    if phase_mode == "tracked":
        phases = torch.angle(found)
    elif phase_mode == "static":
        # The phase that the energy agrees on.
        phases = torch.angle((found * found.abs()).sum(2, keepdim=True)).expand_as(size).contiguous()
    return Controls(f0_hz, amplitude, size / amplitude.unsqueeze(1).clamp(min=1e-9), noise, phases, divisions)
