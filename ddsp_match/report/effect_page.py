"""The report of an identified effect: one HTML file like that of a fit, self-contained."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from pathlib import Path

from ddsp_match.report import animation, shell
from ddsp_match.report.animation import Animation
from ddsp_match.report.effect_data import EffectReport
from ddsp_match.report.effect_figures import images
from ddsp_match.report.effect_words import words
from ddsp_match.report.players import Player, format_words, is_lossless, players

_LABELS = {"target": "Target (wet)", "match": "Output", "dry": "Dry"}
# At 16 bits the players' difference is rounding noise where the true one is smaller than this.
_ROUNDING_ESR = 1e-7


def write(path: str | Path, data: EffectReport, moving: Animation | None = None) -> Path:
    """Writes the report.

    Args:
        path: The HTML file to make.
        data: What to show.
        moving: The animation of `data.approach`, where it was rendered already.

    Returns:
        The path.

    Raises:
        OutputError: If the file cannot be written.
    """
    return shell.save(path, html(data, moving))


def html(data: EffectReport, moving: Animation | None = None) -> str:
    """The report as one string of HTML. Nothing of `data` can become markup or script."""
    if moving is None and data.approach is not None and data.approach.outputs:
        moving = animation.render(data.approach, data.wet.sample_rate)
    sounds = _players(data)
    elements, facts = images(data)
    return shell.page(
        "effect_page.html",
        {"format_words": escape(_format_words(data)), **elements, **words(data, moving)},
        {"duration_s": data.wet.seconds, **facts},
        sounds,
        brand="ddsp-match effect",
        clicks="A click in a picture with time goes there.",
        styles=("effect.css",),
        script="effect.js",
    )


def _players(data: EffectReport) -> list[Player]:
    """Target, output, difference and dry: what is compared first stands first."""
    made = players(data.wet, data.output, {"dry": data.dry})
    made = [replace(player, label=_LABELS.get(player.name, player.label)) for player in made]
    order = ("target", "match", "difference", "dry")
    return sorted(made, key=lambda player: order.index(player.name))


def _format_words(data: EffectReport) -> str:
    said = format_words(data.wet)
    if is_lossless(data.wet) and data.esr < _ROUNDING_ESR:
        said += " The difference is fainter than their rounding; difference.wav holds it exactly."
    return said
