"""What the pages about many sounds share: their template's parts, the words around the tables, and saving."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape as escape_html

from ddsp_match.report import shell
from ddsp_match.report.metrics_table import copyable, settings_rows, with_code

SCRIPTS = ("plots.js", "values.js", "histogram.js", "charts.js", "table.js", "dock.js", "many.js")
STYLES = ("list.css",)
# A page opened from disk plays files from disk, a page from a server those of the same server.
MEDIA = "'self' file:"


def page(template: str, values: Mapping[str, str], facts: Mapping[str, object], *, brand: str, script: str) -> str:
    """A page about many sounds.

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
    """Text as HTML; what a file name cannot say in Unicode becomes a question mark."""
    return escape_html(text.encode("utf-8", "replace").decode("utf-8"))


def counted(n: int, noun: str, plural: str = "") -> str:
    """A number with its noun: ``1 sound``, ``2 sounds``."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def made(command: str, notes: Sequence[str], settings: str = "") -> dict[str, str]:
    """The page's end: remarks, the command, and settings as HTML."""
    typed = copyable(command) if command else ""
    section = f"<section><h2>How it was made</h2>{typed}{settings}</section>" if typed or settings else ""
    return {"notes": _notes(notes), "made": section}


def settings_details(settings: Mapping[str, object]) -> str:
    """All settings, folded."""
    if not settings:
        return ""
    rows = settings_rows(settings)
    return (
        '<details><summary>All settings</summary><div class="scroll"><table class="settings">'
        f"<tbody>{rows}</tbody></table></div></details>"
    )


def headline(text: str) -> str:
    """The result in a sentence, if there is one."""
    return f'<p class="lead-words">{with_code(text)}</p>' if text else ""


def folded(heading: str, words: str, rows: Sequence[Sequence[str]], heads: Sequence[str]) -> str:
    """A section with a table of plain texts, which scrolls where it is long; nothing without rows."""
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


def _notes(notes: Sequence[str]) -> str:
    if not notes:
        return ""
    points = "".join(f"<li>{with_code(note)}</li>" for note in notes)
    return f'<section class="remarks"><h2>Remarks</h2><ul>{points}</ul></section>'
