"""The frame of the pages about many sounds: their template's parts and the sections around the tables."""

from __future__ import annotations

from collections.abc import Mapping

from ddsp_match.report import shell
from ddsp_match.score.card import Row

SCRIPTS = ("plots.js", "values.js", "histogram.js", "charts.js", "table.js", "dock.js", "many.js")
STYLES = ("list.css",)
# A page opened from disk plays files from disk, a page from a server those of the same server.
MEDIA = "'self' file:"


def page(template: str, values: Mapping[str, object], facts: Mapping[str, object], *, brand: str, script: str) -> str:
    """Return a page about many sounds.

    Args:
        template: File of the page.
        values: What it is filled with, by name; texts are escaped.
        facts: Numbers for the script.
        brand: What the page is a report of.
        script: The page's own script.
    """
    return shell.page(
        template,
        values,
        facts,
        (),
        brand=brand,
        styles=STYLES,
        scripts=SCRIPTS,
        script=script,
        media=MEDIA,
        skip=("sounds", "To the sounds"),
    )


def counted(n: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: ``1 sound``, ``2 sounds``."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def levels_db(row: Row) -> tuple[float | None, float | None]:
    """Return the levels of target and match; one alone says nothing about how to play the other."""
    levels = row.facts.get("level_db"), row.facts.get("match_level_db")
    return (None, None) if None in levels else levels
