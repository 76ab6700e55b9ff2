"""The report: one HTML file that holds its sounds, pictures, style and script, and needs no network."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from pathlib import Path

import torch

from ddsp_match.errors import OutputError
from ddsp_match.report import series
from ddsp_match.report.data import ReportData
from ddsp_match.report.figures import images
from ddsp_match.report.level import SILENCE_LUFS
from ddsp_match.report.players import Player, format_words, players
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
    path = Path(path)
    try:
        path.write_text(html(data), encoding="utf-8")
    except OSError as error:
        raise OutputError(
            error.strerror or str(error), where=path, needed="a place to write the report"
        ) from error
    return path


@torch.no_grad()
def html(data: ReportData) -> str:
    """The report as one string of HTML. Nothing of `data` can become markup or script."""
    sounds = players(data.target, data.match, data.stems)
    elements, scales = images(data)
    numbers = {
        "duration_s": data.target.seconds,
        "pitched": _pitched(data),
        "players": [_player_facts(player, sounds[0]) for player in sounds],
        "features": series.feature_series(data.features, data.timebase.hop / data.timebase.sample_rate),
        "levels": series.level_series(data.controls, data.timebase.hop / data.timebase.sample_rate),
        "loss": series.loss_series(data.trace),
        **scales,
    }
    script = "\n".join(["'use strict';", _part("player.js"), _part("plots.js"), _part("page.js")])
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return _fill(
        _part("page.html"),
        {
            "css": _part("page.css"),
            "script": script,
            # The page may run this script and no other, whatever a file name tries to smuggle in.
            "script_hash": f"sha256-{digest}",
            "data": _json(numbers),
            "buttons": _buttons(sounds),
            "n_keys": str(len(sounds)),
            "sounds": _sounds(sounds),
            "format_words": escape(format_words(data.target)),
            **elements,
            **words(data),
        },
    )


def _part(name: str) -> str:
    """A piece of the page from the package."""
    return files("ddsp_match.report").joinpath(name).read_text(encoding="utf-8")


def _fill(template: str, values: Mapping[str, str]) -> str:
    """Puts values in place of ``{{name}}`` in one pass, so that no value is itself taken for a template."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], template)


def _json(value: object) -> str:
    """JSON that cannot end the script element it stands in."""
    return (
        json.dumps(value, separators=(",", ":"))
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
    )


def _pitched(data: ReportData) -> bool:
    return bool(data.features.voiced.any())


def _player_facts(player: Player, target: Player) -> dict[str, object]:
    """What the script knows about a player."""
    silent = player.loudness_lufs <= SILENCE_LUFS
    short_db = (target.loudness_lufs + target.gain_db) - (player.loudness_lufs + player.gain_db)
    return {
        "name": player.name,
        "label": player.label,
        "sample_rate": player.sample_rate,
        "unscale": player.unscale,
        "gain_db": round(player.gain_db, 3),
        "silent": silent,
        "limited": not silent and short_db > 0.1,
    }


def _buttons(sounds: list[Player]) -> str:
    return "\n".join(
        f'<button type="button" data-source="{escape(player.name)}" aria-pressed="false"'
        f' aria-keyshortcuts="{number}">'
        f"<kbd>{number}</kbd>{escape(player.label)}</button>"
        for number, player in enumerate(sounds, 1)
    )


def _sounds(sounds: list[Player]) -> str:
    """The compressed sounds in elements that a browser neither shows nor runs."""
    return "\n".join(
        f'<script type="text/plain" id="sound-{escape(player.name)}">{player.encoded}</script>'
        for player in sounds
        if player.encoded
    )
