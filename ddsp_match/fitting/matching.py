"""From a target and its f0 to the controls that play it: first guess, then optimisation, segment by segment."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float

from ddsp_match.core.controls import Controls
from ddsp_match.core.settings import FitSettings
from ddsp_match.core.timebase import Timebase
from ddsp_match.dsp.noise import white_noise
from ddsp_match.fitting.descent import Descent, OnStep, Part
from ddsp_match.fitting.first_guess import FirstGuess, Grid, Segment, Target
from ddsp_match.fitting.live import Live, OnBest
from ddsp_match.fitting.optimise import Trace
from ddsp_match.fitting.wet import Wet
from ddsp_match.patch.synth import GridKind

MAX_WORKERS = 6  # the loss has six parts to share


@dataclass
class Match:
    """Controls that play a sound, on which grid their partials lie, and how they were found."""

    controls: Controls
    grid: GridKind
    trace: Trace
    seconds: dict[str, float]


class Matcher:
    """One target on its way to controls.

    Args:
        target: The sound; the batch axis is its channels.
        f0_hz: Fundamental in Hz, positive everywhere, the same in all channels.
        timebase: Frame grid.
        settings: Of the fit.
        pitched: Whether there is any pitch.
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
        settings = settings.resolved()
        # No harmonic and no noise can play a constant, and windows smear it over the lowest bins: it is set aside.
        self.offset = target.mean(1)
        self.target = target - self.offset.unsqueeze(1)
        self.timebase, self.settings, self.wet = timebase, settings, wet
        wide = wet is None or wet.anchored
        self.guess = FirstGuess(Target(self.target, f0_hz, pitched), timebase, settings, wide=wide)
        self.segments = self.guess.segments
        n_bands, (channels, n_samples) = self.guess.n_bands, target.shape
        noise = white_noise(channels, n_samples, settings.synth.noise_seed) if n_bands else None
        self.noise = None if noise is None else noise.to(target)

    def run(
        self,
        *,
        on_stage: Callable[[str], None] | None = None,
        on_step: OnStep | None = None,
        on_best: OnBest | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> Match:
        """Refines f0, guesses, optimises.

        Args:
            on_stage: Told what begins.
            on_step: As of `Descent`.
            on_best: Told of the best sound so far, at once and then now and again.
            stop: Asked before every step whether to end with what there is.
        """
        seconds = {}
        began = time.perf_counter()
        if on_stage:
            on_stage("first guess")
        grid, guesses = self.guess.run(stop)
        self.f0_hz = grid.f0_hz
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
                pitched=self.guess.tonal,
                wet=self.wet,
                workers=min(threads, MAX_WORKERS),
                on_step=on_step,
                stop=stop,
                live=None if on_best is None else Live(on_best, self.offset, self.timebase.sample_rate),
            )
            parts, trace = descent.run([self._part(grid, *pair) for pair in zip(self.segments, guesses, strict=True)])
        finally:
            torch.set_num_threads(threads)
        seconds["optimise"] = time.perf_counter() - began
        return Match(self._joined(grid, parts), grid.kind, trace, seconds)

    def _part(self, grid: Grid, segment: Segment, guess: Controls) -> Part:
        return Part(*self.guess.span(segment), guess, functools.partial(self.guess.synth, grid, segment, self.noise))

    def _joined(self, grid: Grid, parts: list[Controls]) -> Controls:
        def along(name: str) -> torch.Tensor:
            kept = [getattr(part, name)[..., s.kept] for part, s in zip(parts, self.segments, strict=True)]
            return torch.cat(kept, -1).cpu()

        phases = None if parts[0].phases is None else along("phases")
        amplitude, distribution, noise = map(along, ("amplitude", "distribution", "noise"))
        return Controls(grid.f0_hz.cpu(), amplitude, distribution, noise, phases, grid.divisions)
