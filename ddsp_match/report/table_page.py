"""The frame of the pages about many sounds: their template's parts and the sections around the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape as escape_html

from ddsp_match.report import shell
from ddsp_match.report.metrics_table import copyable, settings_rows, with_code
from ddsp_match.score.card import Row

SCRIPTS = ("plots.js", "values.js", "histogram.js", "charts.js", "table.js", "dock.js", "many.js")
STYLES = ("list.css",)
# A page opened from disk plays files from disk, a page from a server those of the same server.
MEDIA = "'self' file:"


def page(template: str, values: Mapping[str, str], facts: Mapping[str, object], *, brand: str, script: str) -> str:
    """Return a page about many sounds.

    Args:
        template: File of the page.
        values: HTML by the name of its place.
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


def escape(text: str) -> str:
    """Return text as HTML; what a file name cannot say in Unicode becomes a question mark."""
    return escape_html(text.encode("utf-8", "replace").decode("utf-8"))


def counted(n: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: ``1 sound``, ``2 sounds``."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def levels_db(row: Row) -> tuple[float | None, float | None]:
    """Return the levels of target and match; one alone says nothing about how to play the other."""
    levels = row.facts.get("level_db"), row.facts.get("match_level_db")
    return (None, None) if None in levels else levels


def made(command: str, notes: Sequence[str], settings: Mapping[str, object] | None = None) -> dict[str, str]:
    """Return the page's end: remarks, the command, and all settings, folded."""
    section = copyable(command) if command else ""
    if settings:
        section += (
            '<details><summary>All settings</summary><div class="scroll"><table class="settings">'
            f"<tbody>{settings_rows(settings)}</tbody></table></div></details>"
        )
    points = "".join(f"<li>{with_code(note)}</li>" for note in notes)
    return {
        "notes": f'<section class="remarks"><h2>Remarks</h2><ul>{points}</ul></section>' if notes else "",
        "made": f"<section><h2>How it was made</h2>{section}</section>" if section else "",
    }


def headline(text: str) -> str:
    """Return the result in a sentence, if there is one."""
    return f'<p class="lead-words">{with_code(text)}</p>' if text else ""


def folded(heading: str, words: str, rows: Sequence[Sequence[str]], heads: Sequence[str]) -> str:
    """Return a section with a table of plain texts, which scrolls where it is long; nothing without rows."""
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    body = "\n".join(
        f'<tr><th scope="row">{escape(first)}</th>' + "".join(f"<td>{escape(one)}</td>" for one in rest) + "</tr>"
        for first, *rest in rows
    )
    return (
        f"<section><h2>{escape(heading)}</h2>{f'<p class=quiet>{escape(words)}</p>' if words else ''}"
        f'<div class="scroll tall"><table class="plain"><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{body}</tbody></table></div></section>"
    )

