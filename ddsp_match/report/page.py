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
    numbers = {
        "duration_s": data.target.seconds,
        "pitched": _pitched(data),
        "players": [shell.player_facts(player, sounds[0]) for player in sounds],
        "features": series.feature_series(data.features, data.timebase.hop / data.timebase.sample_rate),
        "levels": series.level_series(data.controls, data.timebase.hop / data.timebase.sample_rate),
        "loss": series.loss_series(data.trace),
        **scales,
    }
    return shell.fill(
        shell.part("page.html"),
        {
            "css": shell.part("page.css"),
            **shell.script(("player.js", "plots.js", "common.js", "page.js")),
            "data": shell.json_text(numbers),
            "buttons": shell.buttons(sounds),
            "n_keys": str(len(sounds)),
            "sounds": shell.sound_elements(sounds),
            "format_words": escape(format_words(data.target)),
            **elements,
            **words(data),
        },
    )


def _pitched(data: ReportData) -> bool:
    return bool(data.features.voiced.any())
