"""The report: one HTML file that holds its sounds, pictures, style and script, and needs no network."""

from __future__ import annotations

from html import escape
from pathlib import Path

import torch

from ddsp_match.report import series, shell
from ddsp_match.report.data import ReportData
from ddsp_match.report.figures import images
from ddsp_match.report.players import format_words, players
from ddsp_match.report.words import words


def write(path: str | Path, data: ReportData) -> Path:
    """Writes the report.

    Args:
        path: The HTML file to make.
        data: What to show.

    Returns:
        The path.

    Raises:
        OutputError: If the file cannot be written.
    """
    return shell.save(path, html(data))


@torch.no_grad()
def html(data: ReportData) -> str:
    """The report as one string of HTML. Nothing of `data` can become markup or script."""
    sounds = players(data.target, data.match, data.stems)
    elements, scales = images(data)
    frame_s = data.timebase.hop / data.timebase.sample_rate
    facts = {
        "duration_s": data.target.seconds,
        "pitched": data.features.pitch_hz is not None,
        "features": series.feature_series(data.features, frame_s),
        "levels": series.level_series(data.controls, frame_s),
        "loss": series.loss_series(data.trace),
        **scales,
    }
    values = {"format_words": escape(format_words(data.target)), **elements, **words(data)}
    return shell.page("page.html", values, facts, sounds, brand="ddsp-match", script="page.js")
