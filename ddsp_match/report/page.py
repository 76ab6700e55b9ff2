"""The report: one HTML file that holds its sounds, pictures, style and script, and needs no network."""

from __future__ import annotations

from pathlib import Path

import torch

from ddsp_match.fitting.result import FitResult
from ddsp_match.report import series, shell
from ddsp_match.report.figures import images
from ddsp_match.report.players import format_words, players
from ddsp_match.report.words import timbre_words, words


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
    facts = {
        "duration_s": result.target.seconds,
        "pitched": result.features.pitch_hz is not None,
        "features": series.feature_series(result.features, frame_s),
        "levels": series.level_series(result.patch),
        "timbre": series.timbre_series(result.patch),
        "loss": series.loss_series(result.trace),
        **scales,
    }
    timbre = facts["timbre"]
    values = {
        "format_words": format_words(result.target),
        "timbre_words": timbre_words(timbre),
        "timbre_last": len(timbre["time_s"]) - 1 if timbre else 0,
        **elements,
        **words(result, patch_file),
    }
    scripts = (*shell.SCRIPTS, "timbre.js")
    return shell.page("page.html", values, facts, sounds, brand="ddsp-match", scripts=scripts, script="page.js")
