"""Writes what play-it.md takes from the code: the table of the edits, from their registry, between two marks.

::

    python docs/scripts/play_page.py

The figures in bold come from ``docs/scripts/play_pictures.py``, which puts them there.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from ddsp_match.cli.parser import build_parser
from ddsp_match.core.params import Parameter
from ddsp_match.edits.kinds import EDITS, EditKind

DOCS = Path(__file__).resolve().parents[1]
PAGE, PICTURES = DOCS / "play-it.md", DOCS / "pictures" / "play"
FIGURES = PICTURES / "figures.json"
BEGIN = "<!-- What follows is written by play_page.py from the edits' own ranges. -->"
END = "<!-- As far as here. -->"
OTHER_FLAGS = {"f0_curve": "--f0-csv"}  # all others are called as their edit


def main() -> None:
    """Writes the table into the page."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def page(by_hand: str) -> str:
    """The page with its table made anew."""
    before, begin, rest = by_hand.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has lost one of its marks: {BEGIN} {END}")
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def table() -> str:
    """Every edit: its option, what it does, and each of its values with range and unit."""
    metavars = options()
    lines = ["| | what it does | values | from … to | unit | default |", "|---|---|---|---|---|---|"]
    for group in dict.fromkeys(kind.group for kind in EDITS):
        lines.append(f"| **{group}** | | | | | |")
        for kind in EDITS:
            if kind.group == group:
                lines += rows(kind, metavars)
    return "\n".join(lines)


def rows(kind: EditKind, metavars: dict[str, str]) -> list[str]:
    """One line a value, the first with the edit's option and words."""
    flag = OTHER_FLAGS.get(kind.name, "--" + kind.name.replace("_", "-"))
    head = f"`{flag} {metavars[flag]}` | {kind.words}"
    lines = []
    for parameter in kind.parameters:
        words = f"`{parameter.name}`: {parameter.meaning}"
        lines.append(f"| {head} | {words} | {reach(parameter)} | {parameter.unit} | {default(parameter)} |")
        head = " | "
    return lines


def options() -> dict[str, str]:
    """The options of ``edit`` and what stands behind each; a KeyError later where an edit has none."""
    (verbs,) = [action.choices for action in build_parser()._actions if isinstance(action.choices, dict)]
    parser: argparse.ArgumentParser = verbs["edit"]
    return {flag: str(action.metavar) for action in parser._actions for flag in action.option_strings}


def reach(parameter: Parameter) -> str:
    """Its range, or the words it can be."""
    if parameter.choices:
        return ", ".join(f"`{choice}`" for choice in parameter.choices)
    return " … ".join(number(value) for value in (parameter.low, parameter.high) if math.isfinite(value))


def default(parameter: Parameter) -> str:
    """Its value when it is not given."""
    if parameter.required:
        return "must be given"
    if parameter.default is None:
        return ""
    return f"`{parameter.default}`" if parameter.choices else number(parameter.default)


def number(value: float) -> str:
    """Short, with a true minus."""
    return f"{value:,g}".replace("-", "−")


if __name__ == "__main__":
    main()
