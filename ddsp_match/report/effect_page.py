"""The report of an identified effect: one HTML file like that of a fit, self-contained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ddsp_match.fitting.effect_result import EffectResult
from ddsp_match.report import shell
from ddsp_match.report.animation import Animation
from ddsp_match.report.effect_figures import images
from ddsp_match.report.effect_words import words
from ddsp_match.report.players import Player, format_words, is_lossless, players

_LABELS = {"target": "Target (wet)", "match": "Output", "dry": "Dry"}
# At 16 bits the players' difference is rounding noise where the true one is smaller than this.
_ROUNDING_ESR = 1e-7


def write(
    path: str | Path,
    result: EffectResult,
    *,
    moving: Animation | None = None,
    patch_file: tuple[str, int] | None = None,
) -> Path:
    """Writes the report.

    Args:
        path: The HTML file to make.
        result: The effect. No text in it needs to be trusted.
        moving: The animation of its search.
        patch_file: Name of the patch file and its size in bytes, where one was written.

    Returns:
        The path.

    Raises:
        OutputError: If the file cannot be written.
    """
    return shell.save(path, html(result, moving=moving, patch_file=patch_file))


def html(
    result: EffectResult, *, moving: Animation | None = None, patch_file: tuple[str, int] | None = None
) -> str:
    """Return the report as one string of HTML. Nothing of the result can become markup or script."""
    elements, facts = images(result)
    return shell.page(
        "effect_page.html",
        {"format_words": _format_words(result), **elements, **words(result, moving, patch_file)},
        {"duration_s": result.wet.seconds, **facts},
        _players(result),
        brand="ddsp-match effect",
        clicks="A click in a picture with time goes there.",
        styles=("effect.css",),
        script="effect.js",
    )


def _players(result: EffectResult) -> list[Player]:
    """Return target, output, difference and dry: what is compared first stands first."""
    made = players(result.wet, result.output, {"dry": result.dry})
    made = [replace(player, label=_LABELS.get(player.name, player.label)) for player in made]
    order = ("target", "match", "difference", "dry")
    return sorted(made, key=lambda player: order.index(player.name))


def _format_words(result: EffectResult) -> str:
    text = format_words(result.wet)
    if is_lossless(result.wet) and result.esr < _ROUNDING_ESR:
        text += " The difference is fainter than their rounding; difference.wav holds it exactly."
    return text
