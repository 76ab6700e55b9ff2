"""Which settings of a chain turn dry into wet: several starts, the best of them followed to the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float

from ddsp_match.core.settings import EffectSettings
from ddsp_match.effects.processor import Processor
from ddsp_match.fitting.candidates import Guesses, Setting, distinct, guessed, parts_of, scattered
from ddsp_match.fitting.optimise import StopReason
from ddsp_match.fitting.optimise.bounded import descend
from ddsp_match.fitting.optimise.least_squares import Solution, least_squares, normal_equations, sums_of_squares
from ddsp_match.fitting.pair_problem import PairProblem

FIRST = 6  # candidates that get a few steps
FIRST_STEPS = 8  # steps that tell a good candidate from a bad one
LAST_STEPS = 6  # over the whole of a long pair, after the search in pieces of it
FOCUS_S = 12.0  # a longer pair is searched in pieces that are so long together
FINALISTS = 2  # candidates that are refined to the end
EXACT = 1e-7  # loss at which the settings count as exact: no other candidate is tried
MADE_BY_US = 0.1  # of the neutral setting's error: a guess that comes so near has the very noise of the wet sound
RESTARTS = 4  # restarts around the best so far, where it is not exact
TOLERANCE = 1e-8  # inaudible rise of the loss
UNSURE = 0.02  # of a range: a knob that can move so far within the tolerance is called ambiguous
SAME_PLACE = 1e-6  # of the ranges: two starts that come so near are one
AT_ONCE = 8  # settings that are scored together
MANY = 400  # free numbers above which slopes one by one cost more than a gradient

OnStep = Callable[[int, int, float, float], None]


@dataclass
class Step:
    """One step of the search's winning candidate.

    Attributes:
        step: Its number, 0 at the start.
        seconds: Since the search began.
        loss: What was minimised.
        knobs: Every knob of the chain.
    """

    step: int
    seconds: float
    loss: float
    knobs: Setting


@dataclass
class Identification:
    """The outcome of a search.

    Attributes:
        knobs: The best setting.
        loss: Its loss.
        history: The way there: neutral first, then the winning start and its steps.
        ambiguous: Numbers that could be elsewhere and sound the same.
        reason: Why the search ended.
        measure: What the loss is: ``waveform``, ``mrstft`` or ``both``.
    """

    knobs: Setting
    loss: float
    history: list[Step]
    reason: StopReason
    ambiguous: list[str] = field(default_factory=list)
    measure: str = "waveform"


@dataclass
class _Candidate:
    """One start and what became of it."""

    like: Setting
    place: torch.Tensor
    value: float
    path: list[tuple[float, float, torch.Tensor]] = field(default_factory=list)  # seconds, loss, place
    reason: StopReason = StopReason.STEPS


class Identifier:
    """The search for a chain's knobs.

    Args:
        chain: The processors.
        fixed: Knobs that stay at their values.
        dry: Input, float64, aligned with `wet`.
        wet: What should come out.
        sample_rate: In Hz.
        settings: Loss, solver, starts, steps, ends.
        on_step: Told steps done, steps at most, the loss and the lowest so far.
        stop: Asked again and again whether to end now.
        began: Reading of `time.perf_counter` from which the budget and the history count; now when left out.
    """

    def __init__(
        self,
        chain: Processor,
        fixed: Setting,
        dry: Float[np.ndarray, "channels samples"],
        wet: Float[np.ndarray, "channels samples"],
        sample_rate: int,
        settings: EffectSettings,
        *,
        on_step: OnStep | None = None,
        stop: Callable[[], bool] | None = None,
        began: float | None = None,
    ) -> None:
        self.chain, self.settings, self._neutral = chain, settings, chain.arrays(fixed)
        self.fixed = {key: self._neutral[key] for key in fixed}
        self.dry, self.wet, self.sample_rate = dry, wet, sample_rate
        self.pose("waveform" if settings.loss == "auto" else settings.loss)
        self._on_step, self._stop = on_step, stop
        self._began = time.perf_counter() if began is None else began
        self._guesses = Guesses(sample_rate)
        self._done, self._lowest = 0, float("inf")
        self._at_most = FIRST * FIRST_STEPS + FINALISTS * settings.steps

    def pose(self, loss: str) -> None:
        """Set what is minimised: ``waveform``, ``mrstft`` or ``both``."""
        self.problem = PairProblem(
            self.chain,
            self.fixed,
            self.dry,
            self.wet,
            self.sample_rate,
            loss=loss,
            pre_emphasis=self.settings.pre_emphasis,
            segment_s=self.settings.segment_s,
        )
        self.coordinates = self.problem.coordinates
        self._focused = self.problem.focus(FOCUS_S)

    def run(self) -> Identification:
        """Searches.

        Returns:
            The best setting found, also when interrupted.
        """
        guesses = self._guessed()
        if self.settings.loss == "auto" and self.chain.by_chance and not self._meets_samples(guesses):
            # A part with random fine structure cannot reproduce these samples, and a spectral distance determines decay
            # times worse than the guess, which reads them from the measured response: they stay as guessed.
            self.fixed = {**self._guessed_by_chance(), **self.fixed}
            self.pose("mrstft")
            guesses = self._guessed()
        candidates = self._best_of(guesses)
        if len(self.coordinates) and candidates[0].value > self.settings.target_esr:
            candidates = self._follow(candidates, FIRST_STEPS)
            if candidates[0].value > EXACT and len(getattr(self.chain, "parts", ())) > 1 and not self._ended():
                # Each part once more, now that the others are nearer to where they belong.
                again = self._guessed([self._setting(candidate) for candidate in candidates])
                candidates = self._follow(self._apart([*candidates, *self._best_of(again, candidates)]), FIRST_STEPS)
            if candidates[0].value > EXACT and not self._ended():
                # The guesses did not lead to the exact settings: random ones may.
                count = max(self.settings.starts - len(guesses), 0)
                others = scattered(self.chain, self.fixed, self._setting(candidates[0]), count, self.settings.seed)
                candidates = self._apart([*candidates, *self._follow(self._best_of(others, candidates), FIRST_STEPS)])
                candidates = self._follow(candidates[:FINALISTS], self.settings.steps)
                candidates = [self._restarted(candidates[0])]
        best = self._widened(candidates[0])
        return Identification(
            knobs=self._setting(best),
            loss=best.value,
            history=self._history(best),
            reason=self._reason(best),
            ambiguous=self._ambiguous(best),
            measure=self.problem.loss,
        )

    def _widened(self, candidate: _Candidate) -> _Candidate:
        """The candidate, refined on the whole pair where only segments were used so far."""
        if self._focused:
            self.problem.widen()
            candidate.value = float(self.score([self._setting(candidate)])[0])
            if len(self.coordinates) and candidate.value > self.settings.target_esr and not self._ended():
                self._local_search(candidate, LAST_STEPS)
        return candidate

    def score(self, settings: list[Setting]) -> Float[np.ndarray, " settings"]:
        """Loss of each setting."""
        # Settings that differ only in free numbers go together, so that what they share is worked out once.
        alike = [settings] if not self.coordinates.left else [[setting] for setting in settings]
        values: list[float] = []
        for group in alike:
            for first in range(0, len(group), AT_ONCE):
                some = group[first : first + AT_ONCE]
                self.problem.like = some[0]
                rows = torch.stack([self.coordinates.pack(setting) for setting in some])
                values += sums_of_squares(self.problem.residuals, rows).tolist()
        return np.array(values)

    def _meets_samples(self, guesses: list[Setting]) -> bool:
        """True if the wet sound was made by this very chain, with the same random numbers: a guess comes near it."""
        values = self.score(guesses)
        return float(values.min()) < MADE_BY_US * float(values[0])

    def _guessed_by_chance(self) -> Setting:
        """First guesses of those parts whose fine structure is drawn by chance, each as if it were alone."""
        guesses: Setting = {}
        for prefix, part in parts_of(self.chain):
            for guess in self._guesses.of(part, self.dry, self.wet)[:1] if part.by_chance else []:
                guesses.update({prefix + key: np.asarray(value, dtype=np.float64) for key, value in guess.items()})
        return guesses

    def _guessed(self, starts: Sequence[Setting] = ()) -> list[Setting]:
        """Settings improved by the parts' guesses, from some starts; without any, neutral and its improvements."""
        improved = guessed(
            self.chain, self.fixed, self.dry, self.wet, self.sample_rate, self.score, starts, self._guesses, self._ended
        )
        return improved if starts else [{**self._neutral, **self.fixed}, *improved]

    def _best_of(self, settings: list[Setting], besides: Sequence[_Candidate] = ()) -> list[_Candidate]:
        """The best of some settings as starts, without those that other candidates have."""
        others = distinct([self._setting(candidate) for candidate in besides])
        fresh = distinct([*others, *settings])[len(others) :]
        values = self.score(fresh)
        order = np.argsort(values, kind="stable")[:FIRST]
        return [_Candidate(fresh[i], self.coordinates.pack(fresh[i]), float(values[i])) for i in order]

    def _apart(self, candidates: list[_Candidate]) -> list[_Candidate]:
        """The candidates, best first, without those at the place of a better one."""
        kept: list[_Candidate] = []
        for candidate in sorted(candidates, key=lambda candidate: candidate.value):
            if not any(self._same(candidate, other) for other in kept):
                kept.append(candidate)
        return kept

    def _same(self, candidate: _Candidate, other: _Candidate) -> bool:
        left = (knob.name for knob in self.coordinates.left)
        near = torch.allclose(candidate.place, other.place, rtol=0.0, atol=SAME_PLACE)
        return near and all(np.array_equal(candidate.like[name], other.like[name]) for name in left)

    def _restarted(self, best: _Candidate) -> _Candidate:
        """The best after restarts around it, unless it is exact already."""
        for restart in range(RESTARTS):
            if best.value <= EXACT or self._ended():
                break
            fresh = scattered(self.chain, self.fixed, self._setting(best), 8, self.settings.seed + 1 + restart)
            tried = self._follow(self._best_of(fresh, [best])[:FINALISTS], 2 * FIRST_STEPS)
            if tried and tried[0].value < 0.9 * best.value:
                best = self._follow(tried[:1], self.settings.steps)[0]
        return best

    def _follow(self, candidates: list[_Candidate], steps: int) -> list[_Candidate]:
        """Some steps for every candidate, the best first; one that arrives ends the search."""
        for candidate in candidates:
            if candidate.value <= self.settings.target_esr or self._ended():
                break
            self._local_search(candidate, steps)
            if candidate.value <= EXACT:
                # The exact settings are near: only this candidate goes on.
                if candidate.value > self.settings.target_esr:
                    self._local_search(candidate, self.settings.steps)
                return [candidate]
        return sorted(candidates, key=lambda candidate: candidate.value)

    def _local_search(self, candidate: _Candidate, steps: int) -> None:
        self.problem.like = candidate.like
        left = None
        if self.settings.budget_s is not None:
            left = max(self.settings.budget_s - (time.perf_counter() - self._began), 0.0)
        solution = self._solve(candidate.place, steps, left)
        offset = time.perf_counter() - self._began - (solution.trace.seconds[-1] if solution.trace.seconds else 0.0)
        candidate.path += [
            (offset + seconds, value, place)
            for seconds, value, place in zip(solution.trace.seconds, solution.trace.best, solution.path, strict=True)
        ]
        if solution.value <= candidate.value:
            candidate.place, candidate.value = solution.position, solution.value
        candidate.reason = solution.trace.reason

    def _solve(self, place: torch.Tensor, steps: int, budget_s: float | None) -> Solution:
        solver = self.settings.solver
        if solver == "auto":
            solver = "lm" if len(self.coordinates) <= MANY else "lbfgs"

        def report(_: int, value: float, __: torch.Tensor) -> None:
            self._done += 1
            self._lowest = min(self._lowest, value)
            if self._on_step:
                self._on_step(min(self._done, self._at_most), self._at_most, value, self._lowest)

        if solver == "lm":
            return least_squares(
                self.problem.residuals,
                place,
                steps=steps,
                target=self.settings.target_esr,
                budget_s=budget_s,
                on_step=report,
                stop=self._stop,
            )

        return descend(
            self.problem.loss_of,
            place,
            method=solver,
            steps=steps,
            target=self.settings.target_esr,
            budget_s=budget_s,
            on_step=report,
            stop=self._stop,
        )

    def _ended(self) -> bool:
        return self._over() or bool(self._stop and self._stop())

    def _over(self) -> bool:
        return self.settings.budget_s is not None and time.perf_counter() - self._began >= self.settings.budget_s

    def _reason(self, best: _Candidate) -> StopReason:
        """Why the search as a whole ended, which the best candidate may have done before."""
        if best.value <= self.settings.target_esr:
            return StopReason.TARGET
        if self._stop and self._stop():
            return StopReason.INTERRUPTED
        return StopReason.BUDGET if self._over() else best.reason

    def _setting(self, candidate: _Candidate) -> Setting:
        return self.coordinates.setting(candidate.place, candidate.like)

    def _history(self, best: _Candidate) -> list[Step]:
        steps = [Step(0, 0.0, float(self.score([self._neutral])[0]), self._neutral)]
        for seconds, value, place in best.path:
            steps.append(Step(len(steps), seconds, value, self.coordinates.setting(place, best.like)))
        if not best.path:
            steps.append(Step(1, time.perf_counter() - self._began, best.value, self._setting(best)))
        return steps

    def _ambiguous(self, best: _Candidate) -> list[str]:
        """Numbers that can move by more than `UNSURE` of their range while the others make up for it."""
        if not 0 < len(self.coordinates) <= MANY or self._ended():
            return []
        self.problem.like = best.like
        curvature, _ = normal_equations(self.problem.residuals, best.place)
        slack = TOLERANCE + 0.001 * best.value
        values, vectors = torch.linalg.eigh(curvature)
        values = values.clamp(min=1e-16 * float(values.max()) + 1e-300)
        spread = (slack * (vectors.square() / values).sum(1)).sqrt()
        return [name for name, far in zip(self.coordinates.names, spread.tolist(), strict=True) if far > UNSURE]
