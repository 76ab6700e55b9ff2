"""The files of an identified effect."""

from __future__ import annotations

import csv
import json
import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import yaml

import ddsp_match
from ddsp_match import audio
from ddsp_match.audio import Audio
from ddsp_match.effects.chain import DryWet, Parallel, Serial
from ddsp_match.effects.processor import Processor
from ddsp_match.effects.rack import Rack
from ddsp_match.patch import SUFFIX, EffectsPatch
from ddsp_match.report import animation, effect_page
from ddsp_match.report.effect_data import Approach, EffectReport, KnobHistory
from ddsp_match.tasks.run_folder import written_whole

if TYPE_CHECKING:
    from ddsp_match.tasks.effect import EffectResult

EXCERPT_S = 4.0
WARM_UP_S = 1.0  # of the dry sound before the excerpt, for effects with memory
APPROACH_S = 4.0  # a slow chain is shown at as many steps as fit into this time, three at least
RESPONSE_POINTS = 6000


def write_effect(result: EffectResult, folder: Path) -> None:
    """Writes sounds, patch, knobs, config, history, animation and report; all of them or none.

    Args:
        result: What an identification found; its `folder`, `files` and `seconds` are filled in.
        folder: The run folder, replaced if it exists.

    Raises:
        OutputError: The folder cannot be written.
    """
    began = time.perf_counter()
    patch_name = f"{result.name}{SUFFIX}"
    with written_whole(folder) as scratch:
        difference = Audio(result.wet.samples - result.output.samples, result.wet.sample_rate)
        sounds = {"output.wav": result.output, "dry.wav": result.dry, "wet.wav": result.wet}
        for name, sound in {**sounds, "difference.wav": difference}.items():
            audio.write(scratch / name, sound, "FLOAT")
        provenance = {"sound": result.name, "command": result.command, "ddsp_match": ddsp_match.__version__}
        n_bytes = EffectsPatch(result.rack, {**provenance, "esr": result.esr}).save(scratch / patch_name)
        (scratch / "config.yaml").write_text(
            f"# {result.command}\n" + yaml.safe_dump(asdict(result.settings), sort_keys=False), encoding="utf-8"
        )
        _write_knobs(result, scratch / "knobs.json")
        _write_history(result, scratch / "history.csv")
        report = from_result(result, patch=(patch_name, n_bytes))
        moving = None
        if report.approach is not None:
            moving = animation.render(report.approach, result.wet.sample_rate)
            (scratch / "approach.gif").write_bytes(moving.gif)
        effect_page.write(scratch / "report.html", report, moving)
        names = sorted(path.name for path in scratch.iterdir())
    result.folder = folder
    result.files = {name: folder / name for name in names}
    result.seconds["write"] = time.perf_counter() - began


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
        matched=result.matched,
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


def _write_knobs(result: EffectResult, path: Path) -> None:
    rack = result.rack
    knobs: dict[str, Any] = {
        knob.name: {
            "value": rack.knobs[knob.name].tolist(),
            "unit": knob.range.unit,
            "low": knob.range.low,
            "high": knob.range.high,
            "curve": knob.range.curve,
            "neutral": knob.default,
        }
        for knob in rack.chain.knobs
    }
    ratios = {name: getattr(result, name) for name in ("esr", "esr_seen", "esr_unseen", "esr_gain")}
    content = {
        "name": result.name,
        "verdict": result.verdict,
        "matched": result.matched,
        **{name: value if value is None or math.isfinite(value) else None for name, value in ratios.items()},
        "seen": list(result.seen),
        "effects": rack.spec,
        "sample_rate": rack.sample_rate,
        "polarity": rack.polarity,
        "latency_samples": rack.latency,
        "knobs": knobs,
        "ambiguous": list(result.ambiguous),
        "stop_reason": str(result.stop_reason),
        "seconds": {name: round(value, 4) for name, value in result.seconds.items()},
        "notes": list(result.notes),
    }
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_history(result: EffectResult, path: Path) -> None:
    """One row a step; a row of knobs takes a column each."""
    rack = result.rack
    names = [
        f"{knob.name}[{i}]" if knob.size else knob.name for knob in rack.chain.knobs for i in range(max(1, knob.size))
    ]
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["step", "seconds", "loss", *names])
        for step in result.history:
            values = [step.knobs[knob.name].ravel() for knob in rack.chain.knobs]
            numbers = [f"{value:.9g}" for value in (np.concatenate(values) if values else [])]
            rows.writerow([step.step, f"{step.seconds:.4f}", f"{step.loss:.6g}", *numbers])
