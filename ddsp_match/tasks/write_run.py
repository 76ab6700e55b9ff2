"""The files of a run."""

from __future__ import annotations

import csv
import json
import math
import time
from pathlib import Path

from ddsp_match.core import audio
from ddsp_match.core.files import fitted, new_folder, printable, write_text
from ddsp_match.fitting.result import FitResult
from ddsp_match.patch import SUFFIX
from ddsp_match.report import page
from ddsp_match.tasks.run_folder import write_config


def write_run(result: FitResult, folder: Path) -> None:
    """Writes sounds, patch, config, loss, metrics and report; all of them or none.

    Args:
        result: The fit; its `folder`, `files` and `seconds` are filled in.
        folder: The run folder, replaced if it exists.

    Raises:
        OutputError: The folder cannot be written.
    """
    began = time.perf_counter()
    with new_folder(folder) as scratch:
        names = write_files(result, scratch)
    result.folder = folder
    result.files = {name: folder / name for name in names}
    result.seconds["write"] = time.perf_counter() - began


def write_files(result: FitResult, scratch: Path) -> list[str]:
    """Writes all files of a run into a folder that exists; returns their names."""
    patch_name = fitted(result.name, SUFFIX, scratch)
    sounds = {"match.wav": result.match, "target.wav": result.target}
    if result.dry is not None:
        sounds["dry.wav"] = result.dry
    sounds |= {f"{name}.wav": stem for name, stem in result.stems.items()}
    for name, sound in sounds.items():
        audio.write(scratch / name, sound, "FLOAT")
    n_bytes = result.save_patch(scratch / patch_name)
    write_config(scratch / "config.yaml", result.command, result.settings)
    _write_loss(result, scratch / "loss.csv")
    patch_file = printable(patch_name), n_bytes
    _write_metrics(result, patch_file, scratch / "metrics.json")
    page.write(scratch / "report.html", result, patch_file)
    return sorted(path.name for path in scratch.iterdir())


def _write_loss(result: FitResult, path: Path) -> None:
    trace = result.trace
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["step", "loss", "best", "seconds"])
        for step, loss, best, seconds in zip(trace.steps, trace.loss, trace.best, trace.seconds, strict=True):
            rows.writerow([step, f"{loss:.6g}", f"{best:.6g}", f"{seconds:.4f}"])


def _write_metrics(result: FitResult, patch_file: tuple[str, int], path: Path) -> None:
    content = {
        "sound": result.name,
        "verdict": result.verdict.headline,
        "level": result.verdict.level,
        "metrics": {name: value if math.isfinite(value) else None for name, value in result.metrics.items()},
        "stop_reason": str(result.stop_reason),
        "steps": result.trace.steps[-1] if result.trace.steps else 0,
        "seconds": {name: round(value, 4) for name, value in result.seconds.items()},
        "pitched": result.pitched,
        "notes": result.notes,
        "patch": {
            "filename": patch_file[0],
            "n_bytes": patch_file[1],
            "numbers_per_second": result.patch.numbers_per_second(),
            "follows_pitch": result.patch.follows_pitch,
        },
    }
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
