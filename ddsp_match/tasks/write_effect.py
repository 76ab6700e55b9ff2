"""The files of an identified effect."""

from __future__ import annotations

import csv
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np

import ddsp_match
from ddsp_match.core import audio
from ddsp_match.core.files import fitted, new_folder, printable, write_text
from ddsp_match.fitting.effect_result import EffectResult
from ddsp_match.patch import SUFFIX, EffectsPatch
from ddsp_match.report import animation, effect_page
from ddsp_match.tasks.run_folder import write_config


def write_effect(result: EffectResult, folder: Path) -> None:
    """Writes sounds, patch, knobs, config, history, animation and report; all of them or none.

    Args:
        result: The effect; its `folder`, `files` and `seconds` are filled in.
        folder: The run folder, replaced if it exists.

    Raises:
        OutputError: The folder cannot be written.
    """
    began = time.perf_counter()
    patch_name = fitted(result.name, SUFFIX, folder)
    with new_folder(folder) as scratch:
        provenance = {"sound": result.name, "command": result.command, "ddsp_match": ddsp_match.__version__}
        n_bytes = EffectsPatch(result.rack, {**provenance, "esr": result.esr}).save(scratch / patch_name)
        for name in ("output", "dry", "wet", "difference"):
            audio.write(scratch / f"{name}.wav", getattr(result, name), "FLOAT")
        write_config(scratch / "config.yaml", result.command, result.settings)
        _write_knobs(result, scratch / "knobs.json")
        _write_history(result, scratch / "history.csv")
        moving = animation.animate(result)
        if moving is not None:
            (scratch / "approach.gif").write_bytes(moving.gif)
        patch_file = printable(patch_name), n_bytes
        effect_page.write(scratch / "report.html", result, moving=moving, patch_file=patch_file)
        names = sorted(path.name for path in scratch.iterdir())
    result.folder = folder
    result.files = {name: folder / name for name in names}
    result.seconds["write"] = time.perf_counter() - began


def _write_knobs(result: EffectResult, path: Path) -> None:
    rack = result.rack
    knobs: dict[str, Any] = {
        knob.name: {
            "value": rack.knobs[knob.name].tolist(),
            "unit": knob.unit,
            "low": knob.low,
            "high": knob.high,
            "curve": knob.curve,
            "neutral": knob.default,
        }
        for knob in rack.chain.knobs
    }
    ratios = {name: getattr(result, name) for name in ("esr", "esr_seen", "esr_unseen", "esr_gain")}
    content = {
        "name": result.name,
        "verdict": result.verdict.headline,
        "advice": result.advice,
        "level": result.level,
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
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _write_history(result: EffectResult, path: Path) -> None:
    """One row a step; a row of knobs takes a column each."""
    rack = result.rack
    names = [label for knob in rack.chain.knobs for label in knob.labels]
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["step", "seconds", "loss", *names])
        for step in result.history:
            values = [step.knobs[knob.name].ravel() for knob in rack.chain.knobs]
            numbers = [f"{value:.9g}" for value in (np.concatenate(values) if values else [])]
            rows.writerow([step.step, f"{step.seconds:.4f}", f"{step.loss:.6g}", *numbers])
