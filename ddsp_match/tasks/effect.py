"""Find the knobs of the effects between a dry and a wet sound, and judge the result."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from ddsp_match.analysis.alignment import Alignment, align, shifted
from ddsp_match.core.audio import Audio
from ddsp_match.core.errors import EFFECTS, ConfigError
from ddsp_match.core.files import name_of
from ddsp_match.core.settings import EffectSettings
from ddsp_match.effects.build import build
from ddsp_match.effects.processor import Processor
from ddsp_match.effects.rack import Rack
from ddsp_match.fitting.effect_result import EffectResult
from ddsp_match.fitting.identify import Identifier, OnStep
from ddsp_match.fitting.optimise import StopReason
from ddsp_match.fitting.pair import read_pair
from ddsp_match.report.effect_advice import advice
from ddsp_match.report.effect_verdict import judge, ratios, related
from ddsp_match.tasks.run_folder import claims_out

__all__ = ["EffectResult", "effect"]

TRY_ALIGNED = 0.5  # error that a delaying chain must undercut, or the files are aligned for it after all
EXPLAINED = 1e-6  # error that leaves nothing to be asked of another alignment
FILTERS_DELAY = 4  # samples; a latency up to this may be a filter's own
ENDED = (StopReason.TARGET, StopReason.BUDGET, StopReason.INTERRUPTED)  # reasons to look no further
UNSEEN_AT_LEAST_S = 0.25  # a shorter end says nothing about the rest
FAINT = 1e-4  # of the power of the whole: an end so faint says nothing about the rest either
GRAIN_S = 0.05  # over which that power is taken


@claims_out
def effect(
    dry: Audio | str | Path | Any,
    wet: Audio | str | Path | Any,
    sample_rate: int | None = None,
    *,
    settings: EffectSettings | None = None,
    out: str | Path | None = None,
    force: bool = False,
    command: str = "",
    name: str | None = None,
    on_stage: Callable[[str], None] | None = None,
    on_step: OnStep | None = None,
    stop: Callable[[], bool] | None = None,
) -> EffectResult:
    """Finds the knob settings that turn one sound into another.

    Args:
        dry: The sound before the effects: `Audio`, a path, or an array ``(samples,)`` or ``(channels, samples)``.
        wet: The sound after them.
        sample_rate: Of arrays, in Hz.
        settings: The chain and how it is searched.
        out: Folder to write to: sounds, patch, report, animation. Nothing is written without one.
        force: Replace `out` if it exists.
        command: Command line to note down.
        name: Name of the run; by default the wet file's.
        on_stage: Told what begins.
        on_step: Told steps done, steps at most, the loss and the lowest so far.
        stop: Asked again and again whether to end with the best so far.

    Returns:
        The result; `EffectResult.matched` tells whether it explains the pair.

    Raises:
        SoundError: A sound cannot be read, is silent, or the two cannot be made into a pair.
        ConfigError: The chain names a processor or knob that does not exist, or none at all.
        OutputError: `out` exists already, or cannot be written.

    Example:
        >>> settings = EffectSettings(effects=["lowpass", "clip"])
        >>> result = ddsp_match.effect("dry.wav", "wet.wav", settings=settings)
        >>> result.rack.knobs["clip.high"]
    """
    settings = settings or EffectSettings()
    if not settings.effects:
        needed = "the chain to look for, effects=[iir,clip]"
        raise ConfigError("no effects", where="effects", needed=needed, cures=[EFFECTS])
    chain, fixed = build(settings.effects)
    folder = None if out is None else Path(out)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    say = on_stage or (lambda _: None)
    seconds: dict[str, float] = {}

    began = time.perf_counter()
    say("read")
    pair = read_pair(dry, wet, sample_rate)
    rate, notes = pair.dry.sample_rate, list(pair.notes)
    say("align")
    alignment = align(pair.dry.samples, pair.wet.samples, rate, settings.max_latency_s)
    seconds["read and align"] = time.perf_counter() - began

    began = time.perf_counter()
    say("search")
    best, moved, source, target, last = None, alignment, np.zeros((1, 0)), np.zeros((1, 0)), 0
    enough = TRY_ALIGNED if chain.delays else EXPLAINED
    shifts = _shifts(alignment, chain, settings)
    for number, shift in enumerate(shifts):
        if best and (best.measure != "waveform" or best.loss < enough or best.reason in ENDED):
            break
        dry_part, wet_part = shifted(pair.dry.samples, pair.wet.samples, shift)
        x, y = (np.asarray(part, dtype=np.float64) for part in (dry_part, wet_part))
        y = y * shift.polarity
        end = _fitted_samples(y, rate, settings.holdout)
        lowest = best.loss if best else math.inf
        counted = None if on_step is None else _counted_on(on_step, number, len(shifts), lowest)
        candidate = Identifier(
            chain, fixed, x[:, :end], y[:, :end], rate, settings, on_step=counted, stop=stop, began=began
        ).run()
        if not best or candidate.loss < best.loss:
            best, moved, source, target, last = candidate, shift, x, y, end
    assert best is not None
    notes += _alignment_notes(alignment, moved, rate)
    seconds["search"] = time.perf_counter() - began

    say("judge")
    began = time.perf_counter()
    rack = Rack(chain, best.knobs, rate, moved.polarity, moved.latency_samples)
    output = rack.process(source, rate)
    wet_again = target * moved.polarity
    figures = ratios(source, output, wet_again, last)
    verdict = judge(figures, related(figures, rate, pair, alignment), best, by_chance=chain.by_chance)
    points = advice(verdict, figures, best, rack, fixed, wet_again, output, alignment.strength)
    seconds["judge"] = time.perf_counter() - began
    result = EffectResult(
        dry=Audio(source.astype(np.float32), rate),
        wet=Audio(wet_again.astype(np.float32), rate),
        output=Audio(output.astype(np.float32), rate),
        rack=rack,
        **vars(figures),
        seen=(0, last),
        history=best.history,
        alignment=alignment,
        verdict=replace(verdict, advice=points),
        loss=best.loss,
        ambiguous=best.ambiguous,
        notes=notes,
        settings=settings,
        seconds=seconds,
        stop_reason=best.reason,
        name=name or (name_of(wet) if isinstance(wet, str | Path) else "effect"),
        command=command,
    )
    if folder is not None:
        from ddsp_match.tasks.write_effect import write_effect

        say("write")
        write_effect(result, folder)
    return result


def _shifts(alignment: Alignment, chain: Processor, settings: EffectSettings) -> list[Alignment]:
    """Return the shifts to try: none first where the chain can explain lateness by itself, or alignment is not wanted.

    A filter's own delay may be taken for a latency of a few samples: then the pair as it is comes second.
    """
    if not settings.align:
        return [replace(alignment, latency_samples=0.0, polarity=1.0)]
    if chain.delays and alignment.whole_samples >= 0:
        unmoved = replace(alignment, latency_samples=0.0)
        # A recording may lie further behind than the chain's own delays reach.
        return [unmoved, alignment] if alignment.whole_samples else [unmoved]
    if 0 < abs(alignment.whole_samples) <= FILTERS_DELAY:
        return [alignment, replace(alignment, latency_samples=0.0)]
    return [alignment]


def _counted_on(on_step: OnStep, number: int, searches: int, lowest: float) -> OnStep:
    """Count the steps of a search behind those that the searches before it could take, so that no bar runs back."""

    def counted(done: int, at_most: int, loss: float, best: float) -> None:
        on_step(number * at_most + done, searches * at_most, loss, min(best, lowest))

    return counted


def _fitted_samples(wet: Float[np.ndarray, "channels samples"], rate: int, holdout: float) -> int:
    """Return the number of samples to fit; those behind them are held out, to judge the result by."""
    n, power = wet.shape[1], np.square(wet).mean(0)
    last = n - round(n * holdout)
    if last < n and power[last:].mean() < FAINT * power.mean():
        # A note that has died away before: its share is kept back of what sounds.
        size = max(1, round(GRAIN_S * rate))
        sounds = np.add.reduceat(power, np.arange(0, n, size)) >= FAINT * size * power.mean()
        end = min(n, size * (int(np.flatnonzero(sounds)[-1]) + 1))
        last = end - round(end * holdout)
    return n if n - last < UNSEEN_AT_LEAST_S * rate else last


def _alignment_notes(alignment: Alignment, moved: Alignment, rate: int) -> list[str]:
    ms = 1000 * alignment.latency_samples / rate
    notes = [alignment.note] if alignment.note else []
    if abs(alignment.latency_samples) >= 0.5 and moved.latency_samples == 0:
        notes.append(f"the wet sound lies {ms:+.2f} ms from the dry one; left as it is, for the chain to explain")
    return notes


