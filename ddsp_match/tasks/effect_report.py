"""What the report of an identified effect shows, worked out from what was found."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import torch

from ddsp_match.effects.chain import DryWet, Parallel, Serial
from ddsp_match.effects.processor import Processor
from ddsp_match.effects.rack import Rack
from ddsp_match.report import animation
from ddsp_match.report.effect_data import Approach, EffectReport, KnobHistory

if TYPE_CHECKING:
    from ddsp_match.tasks.effect import EffectResult

EXCERPT_S = 4.0
WARM_UP_S = 1.0  # of the dry sound before the excerpt, for effects with memory
APPROACH_S = 4.0  # a slow chain is shown at as many steps as fit into this time, three at least
RESPONSE_POINTS = 6000


def from_result(result: EffectResult, *, patch: tuple[str, int] | None = None) -> EffectReport:
    """The plain data of the report.

    Args:
        result: What an identification found.
        patch: Name and size of the patch file, where one was written.
    """
    rack, history = result.rack, result.history
    hz, response_db = _response(rack)
    return EffectReport(
        title=result.name,
        command=result.command,
        dry=result.dry,
        wet=result.wet,
        output=result.output,
        chain=chain_words(rack.chain),
        knobs=rack.chain.knobs,
        found=rack.knobs,
        ambiguous=tuple(result.ambiguous),
        history=KnobHistory(
            steps=[step.step for step in history],
            loss=[float(step.loss) for step in history],
            knobs={name: np.stack([step.knobs[name] for step in history]) for name in rack.knobs} if history else {},
        ),
        esr=result.esr,
        esr_seen=result.esr_seen,
        esr_unseen=result.esr_unseen,
        esr_gain=result.esr_gain,
        seen=result.seen,
        verdict=result.verdict,
        advice=result.advice,
        level=result.level,
        matched=result.matched,
        by_ear=result.by_ear,
        latency_samples=rack.latency,
        polarity=rack.polarity,
        confidence=result.alignment.confidence,
        explained=result.alignment.strength,
        response_hz=hz,
        response_db=response_db,
        approach=_approach(result),
        notes=result.notes,
        settings=asdict(result.settings),
        stop_reason=str(result.stop_reason),
        seconds=result.seconds,
        patch=patch,
    )


def chain_words(chain: Processor) -> str:
    """A chain on one line: ``iir → clip``, ``parallel(comb | svf)``, ``mix(comb → clip)``."""
    if isinstance(chain, Serial):
        return " → ".join(chain_words(part) for part in chain.parts) or "nothing"
    if isinstance(chain, Parallel | DryWet):
        between = " | " if isinstance(chain, Parallel) else " → "
        return f"{chain.name}({between.join(chain_words(part) for part in chain.parts)})"
    return chain.name


def _response(rack: Rack) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The exact magnitude response of a linear chain in dB; of others, and of those that mix channels, none."""
    if not rack.chain.linear:
        return None, None
    hz = np.geomspace(20.0, 0.4999 * rack.sample_rate, RESPONSE_POINTS)
    try:
        with torch.inference_mode():
            values = rack.chain.response(rack.chain.tensors(rack.knobs), rack.sample_rate, torch.from_numpy(hz))
    except NotImplementedError:
        return None, None
    power = values.abs().square().numpy().reshape(-1, RESPONSE_POINTS).mean(0)
    return hz, 10 * np.log10(np.maximum(power, 1e-20))


def _approach(result: EffectResult) -> Approach | None:
    """An excerpt of the output at some steps of the search, close together where the loss fell."""
    rate, n = result.dry.sample_rate, result.dry.n_samples
    if not result.history or n < 64:
        return None
    excerpt = _excerpt(result)
    first = max(0, excerpt.start - round(WARM_UP_S * rate))
    dry = result.dry.samples[:, first : excerpt.stop].astype(np.float64)
    wet = result.wet.samples[:, excerpt].astype(np.float64)
    energy = max(float(np.square(wet).sum()), 1e-30)
    count = animation.MAX_FRAMES
    outputs: list[tuple[int, float, np.ndarray]] = []

    def add(step: int, rack: Rack) -> None:
        samples = rack.process(dry, rate)[:, excerpt.start - first :]
        if np.isfinite(samples).all():
            outputs.append((step, float(np.square(wet - samples).sum()) / energy, samples))

    began = time.perf_counter()
    add(result.history[-1].step, result.rack)
    last = outputs.pop() if outputs else None
    taken = max(time.perf_counter() - began, 1e-6)
    for index in _spread(result, max(2, min(count - 1, int(APPROACH_S / taken)))):
        step = result.history[index]
        add(step.step, Rack(result.rack.chain, step.knobs, rate, result.rack.polarity, result.rack.latency))
    outputs += [last] if last else []
    return Approach(dry[:, excerpt.start - first :], wet, outputs) if outputs else None


def _excerpt(result: EffectResult) -> slice:
    """The loudest few seconds of the target."""
    n = result.wet.n_samples
    size = min(n, round(EXCERPT_S * result.wet.sample_rate))
    energy = np.cumsum(np.concatenate([[0.0], np.square(result.wet.samples, dtype=np.float64).sum(0)]))
    start = int(np.argmax(energy[size:] - energy[:-size])) if size < n else 0
    return slice(start, start + size)


def _spread(result: EffectResult, count: int) -> list[int]:
    """Indices of recorded steps, spaced half by number and half by the fall of the loss, the last left out."""
    loss = np.array([step.loss for step in result.history[:-1]], dtype=float)
    if len(loss) <= count:
        return list(range(len(loss)))
    usable = np.isfinite(loss) & (loss > 0)
    worst = loss[usable].max(initial=1e-30)
    fall = -np.log(np.minimum.accumulate(np.where(usable, loss, worst)))
    fall = (fall - fall[0]) / max(fall[-1] - fall[0], 1e-12)
    way = 0.5 * fall + 0.5 * np.linspace(0, 1, len(loss))
    return sorted(set(np.searchsorted(way, np.linspace(0, way[-1], count)).clip(0, len(loss) - 1).tolist()))
