"""The report: one HTML file that holds its sounds, pictures, style and script, and needs no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ddsp_match.fitting.numbers_curve import closeness_over_numbers
from ddsp_match.fitting.result import FitResult
from ddsp_match.report import series, shell
from ddsp_match.report.figures import images
from ddsp_match.report.players import format_words, players
from ddsp_match.report.words import sizes_words, timbre_words, words


def write(path: str | Path, result: FitResult, patch_file: tuple[str, int] | None = None) -> Path:
    """Writes the report.

    Args:
        path: The HTML file to make.
        result: The fit. No text in it needs to be trusted.
        patch_file: Name of the patch file and its size in bytes, where one was written.

    Returns:
        The path.

    Raises:
        OutputError: If the file cannot be written.
    """
    return shell.save(path, html(result, patch_file))


@torch.no_grad()
def html(result: FitResult, patch_file: tuple[str, int] | None = None) -> str:
    """Return the report as one string of HTML. Nothing of the result can become markup or script."""
    sounds = players(result.target, result.match, result.stems)
    elements, scales = images(result)
    frame_s = result.timebase.hop / result.timebase.sample_rate
    facts: dict[str, Any] = {
        "duration_s": result.target.seconds,
        "pitched": result.features.pitch_hz is not None,
        "features": series.feature_series(result.features, frame_s),
        "levels": series.level_series(result.patch),
        "timbre": series.timbre_series(result.patch),
        "loss": series.loss_series(result.trace),
        **scales,
    }
    sizes = closeness_over_numbers(result) if "mel_steady_db" in result.metrics else []
    if sizes:
        own = (result.patch.numbers_per_second(), result.metrics["mel_steady_db"])
        points = [(one.per_second, one.steady_db) for one in sizes]
        per_second, steady_db = zip(*points, own, strict=True)
        facts["sizes"] = {"per_second": shell.numbers(per_second), "steady_db": shell.numbers(steady_db)}
    timbre = facts["timbre"]
    values = {
        "format_words": format_words(result.target),
        "timbre_words": timbre_words(timbre),
        "sizes_words": sizes_words(sizes),
        "timbre_last": len(timbre["time_s"]) - 1 if timbre else 0,
        **elements,
        **words(result, patch_file),
    }
    scripts = (*shell.SCRIPTS, "timbre.js")
    return shell.page("page.html", values, facts, sounds, brand="ddsp-match", scripts=scripts, script="page.js")
