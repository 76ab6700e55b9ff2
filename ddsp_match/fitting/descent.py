"""Gradient descent from the first guesses of several sounds at once: each as if alone, segment after segment."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float

from ddsp_match.core.controls import Controls
from ddsp_match.core.settings import FitSettings
from ddsp_match.core.timebase import Timebase
from ddsp_match.dsp.rows import Rows
from ddsp_match.fitting.live import Live
from ddsp_match.fitting.optimise import StopReason, Trace, optimise
from ddsp_match.fitting.wet import Wet
from ddsp_match.losses.total import TotalLoss
from ddsp_match.models.registry import model_kind
from ddsp_match.synth.harmonic_noise import HarmonicNoiseSynth

OnStep = Callable[[int, int, float, float], None]
# The parts of the noise that steps in turn hear lie this many frames apart; a prime, so that all come round.
NOISE_STRIDE = 17
SPARE_FRAMES = 64  # of noise beyond the sound, where every step hears another part
DRAWS = 16  # steps whose mean loss tells how good numbers are where each hears other noise
Played = Float[torch.Tensor, "channels samples"]


@dataclass(frozen=True)
class Excerpt:
    """A stretch of a sound that is fitted at once: a short sound whole, or a segment of a long one.

    Attributes:
        first: Sample of the sound at which it begins.
        target: Samples to play.
        guess: Controls to start from, or that were fitted.
        phase: Running phase of the distance of their partials, in cycles at each sample.
        noise: White noise to filter, or None where none is played. It may be longer than the target: then every step
            hears another part of it.
        stored: What the model stores in place of the controls; None where that is them.
    """

    first: int
    target: Float[torch.Tensor, "channels samples"]
    guess: Controls
    phase: Float[torch.Tensor, "1 samples"]
    noise: Float[torch.Tensor, "channels more"] | None
    stored: Any = None

    @property
    def last(self) -> int:
        """One past its last sample."""
        return self.first + self.n_samples

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.target.shape[0]

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return self.target.shape[1]


class Batch:
    """Excerpts as one tensor: the rows are the channels of all of them, padded behind to the longest.

    Padding counts for nothing: no loss sees it, and a row plays only the partials that it has alone.

    Args:
        excerpts: Of one timebase and with as many noise bands; their lengths, pitches and numbers of partials may
            differ.
        timebase: Frame grid.
        settings: Of the fit.
    """

    def __init__(self, excerpts: Sequence[Excerpt], timebase: Timebase, settings: FitSettings) -> None:
        self.excerpts, self.timebase, self.settings = excerpts, timebase, settings
        guesses = [excerpt.guess for excerpt in excerpts]
        n_samples = max(excerpt.n_samples for excerpt in excerpts)
        frames = max(guess.n_frames for guess in guesses)
        partials = max(guess.n_partials for guess in guesses)
        self.owners = [number for number, excerpt in enumerate(excerpts) for _ in range(excerpt.channels)]
        lengths = [excerpts[owner].n_samples for owner in self.owners]
        self.target = _rows([excerpt.target for excerpt in excerpts], n_samples)
        noise = [excerpt.noise for excerpt in excerpts if excerpt.noise is not None]
        spare = [e.noise.shape[1] - e.n_samples for e in excerpts if e.noise is not None]
        self._choices = 1 + (max(spare) // timebase.hop if spare else 0)
        self._played = 0
        self._rows = Rows(len(self.owners), 1, self.owners, device=self.target.device)
        self._channels = torch.tensor([excerpt.channels for excerpt in excerpts]).to(self.target)
        phases = [guess.phases for guess in guesses if guess.phases is not None]
        base_hz = _rows([guess.base_hz for guess in guesses], frames, edge=True)
        start = Controls(
            base_hz,  # as fundamental: every partial is then a harmonic, whatever the divisions of its sound
            _rows([guess.amplitude for guess in guesses], frames),
            _rows([guess.distribution for guess in guesses], partials, frames),
            _rows([guess.noise for guess in guesses], guesses[0].n_bands, frames),
            _rows(phases, partials, frames) if phases else None,
        )
        counts = torch.tensor([guesses[owner].n_partials for owner in self.owners], device=self.target.device)
        stored = [excerpt.stored for excerpt in excerpts if excerpt.stored is not None]
        self.model = model_kind(settings).of(settings, start, timebase.nyquist_hz, counts, stored)
        running = [e.phase if len(excerpts) == 1 else e.phase.expand(e.channels, -1) for e in excerpts]
        self.synth = HarmonicNoiseSynth(
            base_hz,
            timebase,
            n_samples,
            partials,
            _rows(noise, n_samples + max(spare)) if noise else None,
            start.n_bands,
            _rows(running, n_samples),
        )
        self._whose = {"owners": self.owners, "lengths": lengths}

    @property
    def fresh(self) -> bool:
        """Whether every step hears other noise."""
        return self._choices > 1

    def loss(self, workers: int) -> TotalLoss:
        """The distance of what is played to the targets, of each excerpt."""
        return TotalLoss(self.target, self.timebase.sample_rate, self.settings.loss, workers, **self._whose)

    def mean_of_sounds(self, values: Float[torch.Tensor, " rows"]) -> Float[torch.Tensor, " sounds"]:
        """The mean of each sound's rows."""
        return self._rows.summed(values) / self._channels

    def play(self) -> Float[torch.Tensor, "rows samples"]:
        """Play the present numbers, with other noise each time where there is a choice."""
        start = self._played * NOISE_STRIDE % self._choices
        self._played += 1
        return self.synth(self.model(), start).mix

    def fitted(self) -> list[Excerpt]:
        """The excerpts with their present numbers, without padding."""
        with torch.no_grad():
            whole = self.model().detached()
        stored = self.model.stored()
        split = []
        for number, excerpt in enumerate(self.excerpts):
            row, guess = self.owners.index(number), excerpt.guess
            rows, n, frames = slice(row, row + excerpt.channels), guess.n_partials, guess.n_frames
            controls = replace(
                guess,
                amplitude=whole.amplitude[rows, :frames],
                distribution=whole.distribution[rows, :n, :frames],
                noise=whole.noise[rows, :, :frames],
                phases=None if whole.phases is None else whole.phases[rows, :n, :frames],
            )
            split.append(replace(excerpt, guess=controls, stored=stored[number] if stored else None))
        return split


def _rows(values: Sequence[torch.Tensor], *shape: int, edge: bool = False) -> torch.Tensor:
    """Stack the rows of tensors grown to one shape: with zeros behind, or with their last value again."""
    grown = []
    for value in values:
        for axis, size in enumerate(shape, 1):
            missing = size - value.shape[axis]
            if missing:
                last = value.narrow(axis, -1, 1)
                more = last.expand(*value.shape[:axis], missing, *value.shape[axis + 1 :])
                value = torch.cat([value, more if edge else torch.zeros_like(more)], axis)
        grown.append(value)
    return grown[0] if len(grown) == 1 else torch.cat(grown)


class Descent:
    """Fits sounds from their first guesses: all their first segments, then all their second ones, and so on.

    Args:
        sounds: The excerpts of each sound, in their order.
        timebase: Frame grid.
        settings: Of the fit, with a number of steps.
        harmonics: Whether harmonics are fitted, too, or only the noise.
        wet: Effects behind the source, where there is one sound only.
        workers: Threads that may share the work of a loss.
        on_step: Called with steps done, steps in all, the mean loss over sounds and segments, and the best so far. The
            steps that find the effects of a long sound come first, with the loss of one segment.
        stop: Asked before every step whether to end with what there is.
        live: Given the best sound so far, where there is one sound only.
    """

    def __init__(
        self,
        sounds: Sequence[Sequence[Excerpt]],
        timebase: Timebase,
        settings: FitSettings,
        *,
        harmonics: bool = True,
        wet: Wet | None = None,
        workers: int = 1,
        on_step: OnStep | None = None,
        stop: Callable[[], bool] | None = None,
        live: Live | None = None,
    ) -> None:
        if len(sounds) > 1 and (wet is not None or live is not None):
            raise ValueError("effects and the live view are of one sound")
        self.sounds, self.timebase, self.settings, self.harmonics = sounds, timebase, settings, harmonics
        self.wet, self.workers, self.stop, self.live = wet, workers, stop, live
        self.on_step = on_step or (lambda *_: None)

    def run(self) -> tuple[list[list[Excerpt]], list[Trace]]:
        """Fit segment after segment; those that an interruption leaves keep their guess.

        Returns:
            The excerpts of each sound with their numbers fitted, and each sound's trace.
        """
        self._began = time.perf_counter()
        steps, wet = self.settings.optimizer.n_steps, self.wet
        turns = [
            [number for number, excerpts in enumerate(self.sounds) if index < len(excerpts)]
            for index in range(max(map(len, self.sounds)))
        ]
        total, done = len(turns), 0
        self._preview()
        if wet is not None and len(turns) > 1:
            # The effects are found on one segment alone, so that they are the same throughout.
            if wet.knobs.names:
                total, done = total + 1, steps
                self._settle(wet, total)
            elif wet.anchored:
                wet = None  # all is known of them, and of the sound without them; they are but listened through
        results = [list(excerpts) for excerpts in self.sounds]
        shares = [sum(self.sounds[number][index].n_samples for number in turn) for index, turn in enumerate(turns)]
        traces: list[list[Trace]] = [[] for _ in self.sounds]
        lowest: list[float] = []
        before = self.sounds[0][0].target[:, :0]
        for index, turn in enumerate(turns):

            def on_step(step: int, value: float, best: float, index: int = index) -> None:
                now, so_far = (_mean([*lowest, last], shares) for last in (value, best))
                self.on_step(done + index * steps + step, total * steps, now, so_far)

            excerpts = [self.sounds[number][index] for number in turn]
            began = time.perf_counter() - self._began
            before = before[:, : excerpts[0].first]
            fitted, ended, dry = self._fitted(excerpts, wet, before, len(turns) - index, on_step)
            for number, own, trace in zip(turn, fitted, ended, strict=True):
                results[number][index] = own
                trace.seconds = [began + seconds for seconds in trace.seconds]
                traces[number].append(trace)
            lowest.append(sum(trace.lowest for trace in ended) / len(ended))
            if ended[0].reason is StopReason.INTERRUPTED:
                break
            if dry is not None:
                before = torch.cat([before, dry], 1)
        lengths = [[excerpt.n_samples for excerpt in excerpts] for excerpts in self.sounds]
        return results, [_joined(*pair, steps) for pair in zip(traces, lengths, strict=True)]

    def _preview(self) -> None:
        """Let the segments be heard as guessed that have to wait; the first is rendered by its first step."""
        if self.live is None:
            return
        (excerpts,) = self.sounds
        self.live.begin(excerpts[-1].last)
        for excerpt in excerpts[1:]:
            with torch.no_grad():
                sound = Batch([excerpt], self.timebase, self.settings).synth(excerpt.guess).mix
                if self.wet is not None:
                    sound = self.wet.after(sound[:, :0], sound.shape[1])(sound)[1]
                self.live.put(excerpt.first, sound)

    def _settle(self, wet: Wet, turns: int) -> None:
        """Find the knobs on the loudest segment, and leave them there."""
        excerpt = max(self.sounds[0], key=lambda excerpt: float(excerpt.target.square().sum()))
        silence = excerpt.target.new_zeros(excerpt.channels, excerpt.first)
        total = turns * self.settings.optimizer.n_steps
        self._fitted([excerpt], wet, silence, turns, lambda step, value, best: self.on_step(step, total, value, best))
        wet.hold()

    def _fitted(
        self,
        excerpts: Sequence[Excerpt],
        wet: Wet | None,
        before: Played,
        turns_left: int,
        on_step: Callable[[int, float, float], None],
    ) -> tuple[list[Excerpt], list[Trace], Played | None]:
        """Fit excerpts together, with their share of what is left of the budget.

        Args:
            excerpts: Of each sound one at most.
            wet: Effects that are fitted, or at least listened through.
            before: What the effects have heard before.
            turns_left: Fits that share the budget, this one included.
            on_step: Called with the step, its loss and the best so far.

        Returns:
            Each excerpt fitted, its trace and, where there are effects, what they hear of it.
        """
        batch, optimizer = Batch(excerpts, self.timebase, self.settings), self.settings.optimizer
        first, n_samples = excerpts[0].first, batch.target.shape[1]
        groups = batch.model.groups(optimizer.lr, optimizer.lr_phase, harmonics=self.harmonics)
        if wet is None:
            through, distance = None, batch.loss(self.workers)
        else:
            groups += wet.groups(optimizer.lr)
            through = wet.after(before, n_samples)
            distance = wet.loss(first, first + n_samples, batch.target, self.settings.loss, self.workers)

        def loss(sound: torch.Tensor) -> torch.Tensor:
            penalty = batch.model.penalty()
            return distance(sound) if penalty is None else distance(sound) + batch.mean_of_sounds(penalty)

        live = self.live
        room = None  # that this segment is fitted without, and yet is to be heard with
        if live is not None and wet is None and self.wet is not None:
            room = self.wet.after(before, n_samples)

        def render() -> torch.Tensor:
            dry = batch.play()
            sound = dry if through is None else through(dry)
            if live is not None and live.due:
                with torch.no_grad():
                    pair = sound if room is None else room(dry)
                live.rendered(pair if pair.ndim == dry.ndim else pair[1])  # the wet sound of a dry and a wet one
            return sound

        def step_done(step: int, value: float, best: float) -> None:
            if live is not None:
                live.judged(first, step, value, best)
            on_step(step, value, best)

        budget_s = optimizer.budget_s
        if budget_s is not None:
            budget_s = max(budget_s - (time.perf_counter() - self._began), 0.0) / turns_left
        traces = optimise(
            groups,
            render,
            loss,
            optimizer,
            budget_s=budget_s,
            on_step=step_done,
            stop=self.stop,
            owners=batch.owners,
            draws=DRAWS if batch.fresh else 1,
        )
        dry = None
        if self.wet is not None:
            with torch.no_grad():
                dry = batch.play()
        return batch.fitted(), traces, dry


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    """The weighted mean of as many values as there are yet."""
    return sum(v * w for v, w in zip(values, weights, strict=False)) / sum(weights[: len(values)])


def _joined(traces: Sequence[Trace], shares: Sequence[int], steps: int) -> Trace:
    """The trace of a sound from those of its segments: its loss is the mean over the segments fitted so far."""
    if len(shares) == 1:
        return traces[0]
    whole, lowest = Trace(), []
    for index, trace in enumerate(traces):
        for step, loss, seconds in zip(trace.steps, trace.loss, trace.seconds, strict=True):
            whole.add(index * steps + step, _mean([*lowest, loss], shares), seconds)
        lowest.append(trace.lowest)
        whole.recoveries += trace.recoveries
        whole.reason = max(whole.reason, trace.reason, key=_SEVERITY.index) if index else trace.reason
    if len(lowest) == len(shares):
        whole.best[-1:] = [_mean(lowest, shares)]
    return whole


_SEVERITY = [
    StopReason.TARGET, StopReason.PLATEAU, StopReason.STEPS, StopReason.BUDGET, StopReason.DIVERGED,
    StopReason.INTERRUPTED,
]  # fmt: skip
