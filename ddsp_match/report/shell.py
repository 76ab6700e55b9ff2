"""The frame of all pages: filling a template, embedding sounds, pictures, numbers and the script safely.

Templates escape what they are given, so that no text of a user or a file name can become markup.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from ddsp_match.core.files import write_text
from ddsp_match.report import pictures, png
from ddsp_match.report.level import SILENCE_LUFS
from ddsp_match.report.players import Player

SCRIPTS = ("player.js", "plots.js", "common.js")


def save(path: str | Path, html: str) -> Path:
    """Writes a page.

    Raises:
        OutputError: If the file cannot be written.
    """
    path = Path(path)
    write_text(path, html)
    return path


def part(name: str) -> str:
    """A piece of a page from the package."""
    return files("ddsp_match.report").joinpath(name).read_text(encoding="utf-8")


def page(
    template: str,
    values: Mapping[str, object],
    facts: Mapping[str, object],
    sounds: Sequence[Player],
    *,
    brand: str,
    clicks: str = "A click in a picture goes there.",
    styles: Sequence[str] = (),
    scripts: Sequence[str] = SCRIPTS,
    script: str,
    media: str = "",
    skip: tuple[str, str] = ("player", "To the player"),
) -> str:
    """A page: its own template with the parts that all pages share.

    Args:
        template: File of the page.
        values: What it is filled with, by name; texts are escaped.
        facts: Numbers for the script.
        sounds: The players, the target first; none where the page plays files.
        brand: What the page is a report of.
        clicks: What a click in a picture does, in a sentence.
        styles: Style sheets beside the one of all pages.
        scripts: Scripts that it shares with others.
        script: The page's own script.
        media: Where sounds may come from, as in a Content-Security-Policy; nowhere if empty.
        skip: Id and words of the link with which the keyboard gets past the header.
    """
    code = _script(["copy.js", *scripts, script])
    return (
        _templates()
        .get_template(template)
        .render(
            brand=brand,
            click_words=clicks,
            css=Markup("".join(part(name) for name in ("page.css", "plots.css", *styles))),
            data=Markup(json_text({"players": [player_facts(player, sounds[0]) for player in sounds], **facts})),
            media=media,
            skip=skip,
            players=sounds,
            script=Markup(code),
            script_hash=_digest(code),
            **values,
        )
    )


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("ddsp_match.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_as_unicode,
    )
    environment.filters["code"] = with_code
    return environment


def _as_unicode(value: object) -> object:
    """A byte of a file name that is no Unicode becomes a question mark."""
    return value.encode("utf-8", "replace").decode() if type(value) is str else value


def with_code(sentence: str) -> Markup:
    """Escape a sentence and set what stands between backquotes as code."""
    parts = [escape(_as_unicode(part)) for part in sentence.split("`")]
    if len(parts) % 2 == 0:  # an odd number of backquotes marks nothing
        return Markup("`").join(parts)
    return Markup("").join(Markup("<code>{}</code>").format(part) if i % 2 else part for i, part in enumerate(parts))


def _script(names: Sequence[str]) -> str:
    return "\n".join(["'use strict';", *(part(name) for name in names)])


def _digest(script: str) -> str:
    """A page may run the script of this digest and no other, whatever a file name smuggles in."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode('ascii')}"


def json_text(value: object) -> str:
    """JSON that cannot end the script element it stands in."""
    return (
        json.dumps(value, separators=(",", ":"), allow_nan=False)
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
    )


def player_facts(player: Player, target: Player) -> dict[str, object]:
    """Return the facts about a player that the script takes."""
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


def image(
    picture_db: np.ndarray, low_db: float, high_db: float, table: np.ndarray, alt: str, scale: str = ""
) -> Markup:
    """An image element of a picture in dB; `scale` names the axis it belongs to where there are two."""
    extra = Markup(' data-scale="{}"{}').format(scale, Markup(" hidden") if scale == "linear" else "") if scale else ""
    address = png.data_uri(pictures.shade(picture_db, low_db, high_db), table)
    return Markup('<img src="{}" alt="{}"{}>').format(address, alt, extra)


def colour_scale(low_db: float, high_db: float, table: np.ndarray) -> dict[str, object]:
    """A colour scale for the script."""
    return {"low_db": low_db, "high_db": high_db, "colours": [bytes(colour).hex() for colour in table]}


def numbers(values: np.ndarray | Sequence[float], digits: int = 5) -> list[float | None]:
    """Plain numbers of so many significant digits; null for what is not finite."""
    return [float(f"{value:.{digits}g}") if np.isfinite(value) else None for value in np.asarray(values, float)]
