"""The frame of all pages: filling a template, embedding sounds, pictures, numbers and the script safely."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

import numpy as np

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
    values: Mapping[str, str],
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
        template: File of the page; ``{{> name}}`` in it stands for a part, ``{{name}}`` for a value.
        values: HTML by the name of its place.
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
    whole = re.sub(r"\{\{> ([\w.]+)\}\}\n", lambda match: part(match[1]), part(template))
    shared = {
        "brand": brand,
        "click_words": clicks,
        "css": "".join(part(name) for name in ("page.css", "plots.css", *styles)),
        "data": json_text({"players": [player_facts(player, sounds[0]) for player in sounds], **facts}),
        "media": f"; media-src {media}" if media else "",
        "skip": f'<a class="skip" href="#{skip[0]}">{escape(skip[1])}</a>',
        "buttons": buttons(sounds),
        "n_keys": str(len(sounds)),
        "sounds": sound_elements(sounds),
    }
    return fill(whole, {**shared, **_script(["copy.js", *scripts, script]), **values})


def fill(template: str, values: Mapping[str, str]) -> str:
    """Puts values in place of ``{{name}}`` in one pass, so that no value is itself taken for a template."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], template)


def _script(names: Sequence[str]) -> dict[str, str]:
    """The page's script and its hash: a page may run this script and no other, whatever a file name smuggles in."""
    text = "\n".join(["'use strict';", *(part(name) for name in names)])
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return {"script": text, "script_hash": f"sha256-{digest}"}


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


def buttons(sounds: Sequence[Player]) -> str:
    """A button for each player."""
    return "\n".join(
        f'<button type="button" data-source="{escape(player.name)}" aria-pressed="false"'
        f' aria-keyshortcuts="{number}">'
        f"<kbd>{number}</kbd>{escape(player.label)}</button>"
        for number, player in enumerate(sounds, 1)
    )


def sound_elements(sounds: Sequence[Player]) -> str:
    """The compressed sounds in elements that a browser neither shows nor runs."""
    return "\n".join(
        f'<script type="text/plain" id="sound-{escape(player.name)}">{player.encoded}</script>'
        for player in sounds
        if player.encoded
    )


def image(picture_db: np.ndarray, low_db: float, high_db: float, table: np.ndarray, alt: str, scale: str = "") -> str:
    """An image element of a picture in dB; `scale` names the axis it belongs to where there are two."""
    address = png.data_uri(pictures.shade(picture_db, low_db, high_db), table)
    extra = f' data-scale="{scale}"' + (" hidden" if scale == "linear" else "") if scale else ""
    return f'<img src="{address}" alt="{escape(alt)}"{extra}>'


def colour_scale(low_db: float, high_db: float, table: np.ndarray) -> dict[str, object]:
    """A colour scale for the script."""
    return {"low_db": low_db, "high_db": high_db, "colours": [bytes(colour).hex() for colour in table]}


def numbers(values: np.ndarray | Sequence[float], digits: int = 5) -> list[float | None]:
    """Plain numbers of so many significant digits; null for what is not finite."""
    return [float(f"{value:.{digits}g}") if np.isfinite(value) else None for value in np.asarray(values, float)]
