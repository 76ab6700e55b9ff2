"""The page of two runs on the same sounds: what got better, what got worse, and how it sounds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path

from ddsp_match.report import many_shell, packing, shell
from ddsp_match.report.compare_data import Change, CompareData
from ddsp_match.report.many_shell import counted, escape

QUARTILES_APART = 1.349  # in standard deviations of a normal distribution


def write(path: str | Path, data: CompareData) -> Path:
    """Writes the page. It points to the sounds' files and holds everything else.

    Args:
        path: The HTML file to make; links to sounds are relative to its folder.
        data: What to show.

    Returns:
        The path.

    Raises:
        OutputError: If the file cannot be written.
    """
    return shell.save(path, html(data, Path(path)))


def html(data: CompareData, path: Path) -> str:
    """The page that is to lie at `path`, as one string of HTML. Nothing of `data` can become markup or script."""
    values = {
        "title": escape(data.title),
        "facts": f"{counted(len(data.pairs), 'sound')} in both runs.",
        "headline": many_shell.headline(data.headline),
        "rule": escape(data.rule),
        "name_a": escape(data.name_a),
        "name_b": escape(data.name_b),
        "settings_changed": many_shell.folded(
            "Settings that differ",
            "",
            [(key, _setting(a), _setting(b)) for key, (a, b) in data.settings.items()],
            ("Setting", data.name_a, data.name_b),
        ),
        "only": _only(data.name_a, data.only_a) + _only(data.name_b, data.only_b),
        "list_label": "The sounds, a table that scrolls",
        "key_words": "<kbd>T</kbd> <kbd>A</kbd> <kbd>B</kbd> target and both matches at the same position",
        "more_keys": "",
        "list_words": "Δ is B minus A. Press the head of a column to sort by it, losses first; again, gains first.",
        **many_shell.made(data.command, data.notes),
    }
    return many_shell.page(
        "compare_page.html", values, _numbers(data, path), brand="ddsp-match compare", script="compare.js"
    )


def _setting(value: object) -> str:
    return "not set" if value is None else str(value)


def _only(name: str, sounds: Mapping[str, str]) -> str:
    return many_shell.folded(
        f"Only in {name}", "These are left out of the comparison.", list(sounds.items()), ("Sound", "Why")
    )


def _numbers(data: CompareData, path: Path) -> dict[str, object]:
    names = [pair.name for pair in data.pairs]
    families, family_of = packing.shared(pair.family for pair in data.pairs)
    kinds = {
        "target": [pair.target for pair in data.pairs],
        "a": [pair.match_a for pair in data.pairs],
        "b": [pair.match_b for pair in data.pairs],
    }
    a, b = (packing.values(data.columns, [getattr(pair, side) for pair in data.pairs]) for side in "ab")
    return {
        "name_a": data.name_a,
        "name_b": data.name_b,
        "columns": packing.columns(data.columns),
        "names": names,
        "families": families,
        "family_of": family_of,
        "a": a,
        "b": b,
        "sounds": {name: packing.sounds(given, names, path) for name, given in kinds.items()},
        "reports": None,
        "changes": [_change(one, [*a.get(one.key, []), *b.get(one.key, [])]) for one in data.changes],
        "sort_by": packing.first_shown(data.columns, data.sort_by),
    }


def _change(change: Change, values: list[float | int | None]) -> dict[str, object]:
    """A change, with the unit in which it is drawn: how much the sounds of both runs differ among themselves.

    That is a standard deviation from quartiles, so that one odd sound does not shrink everything else, and at least a
    quarter of the plain one, so that a metric that is the same for most sounds does not blow the axis up: no mean
    difference is longer than eight.
    """
    finite = [value for value in values if value is not None and abs(value) < packing.INFINITE]
    spread = statistics.pstdev(finite) if finite else 0.0
    if len(finite) > 1:
        low, _, high = statistics.quantiles(finite, method="inclusive")
        spread = max((high - low) / QUARTILES_APART, spread / 4)
    return {
        "key": change.key,
        "a": packing.number(change.a),
        "b": packing.number(change.b),
        "difference": packing.means({"": change.difference})[""],
        "better_share": packing.number(change.better_share),
        "worse_share": packing.number(change.worse_share),
        "verdict": change.verdict,
        "p": packing.number(change.p),
        "unit": packing.number(spread or 1.0),
    }
