"""The way down from the first guess: stretch after stretch of a sound, with the effects behind them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float

from ddsp_match.core.controls import Controls
from ddsp_match.core.settings import FitSettings
from ddsp_match.core.timebase import Timebase
from ddsp_match.fitting.live import Live
from ddsp_match.fitting.optimise import StopReason, Trace, optimise
from ddsp_match.fitting.wet import Wet
from ddsp_match.losses.total import TotalLoss
from ddsp_match.models.free_controls import FreeControls
from ddsp_match.synth.harmonic_noise import HarmonicNoiseSynth

OnStep = Callable[[int, int, float, float], None]
Told = Callable[[int, float, float], None]


@dataclass(frozen=True)
class Part:
    """What is fitted together.

    Attributes:
        first: Of its samples.
        last: One past them.
        guess: Controls to start from.
        synth: Makes what plays them, when its turn comes: its tables are large.
    """

    first: int
    last: int
    guess: Controls
    synth: Callable[[], HarmonicNoiseSynth]


class Descent:
    """A sound, what may be changed to play it, and whom to tell.

    Args:
        target: What the source itself is to play, whole.
        timebase: Frame grid.
        settings: Of the fit.
        pitched: Whether harmonics are fitted, too.
        wet: Effects behind the source.
        workers: Threads that may share the work of a loss.
        on_step: Told steps done, steps in all, the mean loss over the parts, and the best so far. The steps that find
            the effects of a long sound come first, with the loss on one part.
        stop: Asked before every step whether to end with what there is.
        live: Given the best sound so far.
    """

    def __init__(
        self,
        target: Float[torch.Tensor, "channels samples"],
        timebase: Timebase,
        settings: FitSettings,
        *,
        pitched: bool = True,
        wet: Wet | None = None,
        workers: int = 1,
        on_step: OnStep | None = None,
        stop: Callable[[], bool] | None = None,
        live: Live | None = None,
    ) -> None:
        self.live = live
        self.target, self.timebase, self.settings = target, timebase, settings
        self.pitched, self.wet, self.workers = pitched, wet, workers
        self.on_step, self.stop = on_step or (lambda *_: None), stop

    def run(self, parts: Sequence[Part]) -> tuple[list[Controls], Trace]:
        """Fits the parts one after the other; those that an interruption leaves keep their guess."""
        self._began = time.perf_counter()
        steps, wet = self.settings.optimizer.n_steps, self.wet
        turns, done = len(parts), 0
        self._guessed(parts, wet)
        if wet is not None and len(parts) > 1:
            # The effects are found on one part alone, so that they are the same throughout.
            if wet.knobs.names:
                turns, done = turns + 1, steps
                self._settle(wet, parts, turns)
            elif wet.anchored:
                wet = None  # all is known of them, and of the sound without them; they are but listened through
        shares = [part.last - part.first for part in parts]
        current: list[float | None] = [None] * len(parts)
        found, lowest, joined = [part.guess for part in parts], [], Trace()
        played = self.target.new_zeros(len(self.target), 0)

        def mean(values: list[float | None]) -> float:
            known = [(v, s) for v, s in zip(values, shares, strict=True) if v is not None]
            return sum(v * s for v, s in known) / sum(s for _, s in known)

        for index, part in enumerate(parts):

            def told(step: int, value: float, best: float, index: int = index) -> None:
                current[index] = value
                now, so_far = mean(current), mean([*lowest, best, *current[len(lowest) + 1 :]])
                joined.add(index * steps + step, now, time.perf_counter() - self._began)
                self.on_step(done + index * steps + step, turns * steps, now, so_far)

            trace, found[index], heard = self._fitted(part, wet, played[:, : part.first], len(parts) - index, told)
            if self.wet is not None:
                played = torch.cat([played[:, : part.first], heard], 1)
            lowest.append(trace.best[-1] if trace.best else float("nan"))
            current[index] = lowest[-1]
            joined.recoveries += trace.recoveries
            joined.reason = _worse(joined.reason, trace.reason) if index else trace.reason
            if trace.reason is StopReason.INTERRUPTED:
                break
        if all(value is not None for value in current):
            joined.best[-1:] = [mean(current)]
        return found, joined

    def _guessed(self, parts: Sequence[Part], wet: Wet | None) -> None:
        """Lets the parts be heard as guessed that have to wait; the first is rendered by its first step."""
        if self.live is None:
            return
        self.live.begin(self.target.shape[1])
        for part in parts[1:]:
            with torch.no_grad():
                sound = part.synth()(part.guess).mix
                if wet is not None:
                    sound = wet.after(sound[:, :0], sound.shape[1])(sound)[1]
                self.live.put(part.first, sound)

    def _settle(self, wet: Wet, parts: Sequence[Part], turns: int) -> None:
        """Finds the knobs on the loudest part, and leaves them there."""
        part = max(parts, key=lambda part: float(self.target[:, part.first : part.last].square().sum()))
        silence = self.target.new_zeros(len(self.target), part.first)
        total = turns * self.settings.optimizer.n_steps
        self._fitted(part, wet, silence, turns, lambda step, value, best: self.on_step(step, total, value, best))
        wet.hold()

    def _fitted(
        self, part: Part, wet: Wet | None, before: torch.Tensor, turns_left: int, told: Told
    ) -> tuple[Trace, Controls, Float[torch.Tensor, "channels samples"]]:
        """One part, with its share of what is left of the budget: how it went, what plays it, and its sound."""
        settings, optimizer = self.settings, self.settings.optimizer
        target, n_samples = self.target[:, part.first : part.last], part.last - part.first
        synth = part.synth()
        source = FreeControls(part.guess, self.timebase.nyquist_hz, static_phase=settings.synth.phase == "static")
        groups = source.groups(optimizer.lr, optimizer.lr_phase, harmonics=self.pitched)
        if wet is None:
            through, loss = None, TotalLoss(target, self.timebase.sample_rate, settings.loss, self.workers)
        else:
            groups += wet.groups(optimizer.lr)
            through = wet.after(before, n_samples)
            loss = wet.loss(part.first, part.last, target, settings.loss, self.workers)

        live = self.live
        room = None  # that this part is fitted without, and yet is to be heard with
        if live is not None and wet is None and self.wet is not None:
            room = self.wet.after(before, n_samples)

        def rendered() -> torch.Tensor:
            dry = synth(source()).mix
            sound = dry if through is None else through(dry)
            if live is not None and live.due:
                with torch.no_grad():
                    pair = sound if room is None else room(dry)
                live.rendered(pair if pair.ndim == dry.ndim else pair[1])  # the wet sound of a dry and a wet one
            return sound

        def also_live(step: int, value: float, best: float) -> None:
            if live is not None:
                live.judged(part.first, step, value, best)
            told(step, value, best)

        budget_s = optimizer.budget_s
        if budget_s is not None:
            budget_s = max(budget_s - (time.perf_counter() - self._began), 0.0) / turns_left
        trace = optimise(groups, rendered, loss, optimizer, budget_s=budget_s, on_step=also_live, stop=self.stop)
        with torch.no_grad():
            controls = source().detached()
            return trace, controls, synth(controls).mix


def _worse(a: StopReason, b: StopReason) -> StopReason:
    order = [
        StopReason.TARGET, StopReason.PLATEAU, StopReason.STEPS, StopReason.BUDGET, StopReason.DIVERGED,
        StopReason.INTERRUPTED,
    ]  # fmt: skip
    return max(a, b, key=order.index)
