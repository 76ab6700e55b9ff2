"""The page of two runs on the same sounds: what got better, what got worse, and how it sounds."""

from __future__ import annotations

import statistics
from pathlib import Path

from ddsp_match.report import packing, shell, table_page
from ddsp_match.report.table_page import counted
from ddsp_match.score.card import Comparison, Difference
from ddsp_match.score.comparison_words import headline, rule

QUARTILES_APART = 1.349  # in standard deviations of a normal distribution


def write(path: str | Path, comparison: Comparison, command: str = "") -> Path:
    """Writes the page. It points to the sounds' files and holds everything else.

    Args:
        path: The HTML file to make; links to sounds are relative to its folder.
        comparison: The two runs. No text in it needs to be trusted.
        command: The command line.

    Returns:
        The path.

    Raises:
        OutputError: If the file cannot be written.
    """
    return shell.save(path, html(comparison, Path(path), command))


def html(comparison: Comparison, path: Path, command: str = "") -> str:
    """Return the page that is to lie at `path`. Nothing of the comparison can become markup or script."""
    a, b, n_pairs = comparison.label_a, comparison.label_b, len(comparison.pairs)
    values = {
        "title": f"{a} against {b}",
        "facts": f"{counted(n_pairs, 'sound')} in both runs.",
        "headline": headline(comparison),
        "rule": rule(comparison.differences, n_pairs),
        "name_a": a,
        "name_b": b,
        "settings_changed": [
            (key, _setting(one), _setting(other)) for key, (one, other) in comparison.settings_changed.items()
        ],
        "only": [(a, list(comparison.only_a.items())), (b, list(comparison.only_b.items()))],
        "command": command,
        "notes": comparison.notes,
        "settings": [],
    }
    return table_page.page(
        "compare_page.html", values, _numbers(comparison, path), brand="ddsp-match compare", script="compare.js"
    )


def _setting(value: object) -> str:
    return "not set" if value is None else str(value)


def _numbers(comparison: Comparison, path: Path) -> dict[str, object]:
    pairs, metrics = comparison.pairs, comparison.metrics
    names = [pair.name for pair in pairs]
    families, family_of = packing.shared(pair.a.family for pair in pairs)
    of_a, of_b = [table_page.levels_db(pair.a) for pair in pairs], [table_page.levels_db(pair.b) for pair in pairs]
    a = packing.values(metrics, [pair.a.metrics for pair in pairs])
    b = packing.values(metrics, [pair.b.metrics for pair in pairs])
    return {
        "name_a": comparison.label_a,
        "name_b": comparison.label_b,
        "columns": packing.columns(metrics, comparison.a),
        "names": names,
        "families": families,
        "family_of": family_of,
        "a": a,
        "b": b,
        "sounds": {
            "target": packing.sounds([pair.a.target for pair in pairs], [one for one, _ in of_a], names, path),
            "a": packing.sounds([pair.a.match for pair in pairs], [one for _, one in of_a], names, path),
            "b": packing.sounds([pair.b.match for pair in pairs], [one for _, one in of_b], names, path),
        },
        "reports": None,
        "changes": [_change(one, [*a.get(one.key, []), *b.get(one.key, [])]) for one in comparison.differences],
        "sort_by": packing.first_shown(metrics, comparison.sort),
    }


def _change(one: Difference, values: list[float | int | None]) -> dict[str, object]:
    """Return a change with the unit in which it is drawn: how much the sounds of both runs differ among themselves.

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
        "key": one.key,
        "a": packing.number(one.mean_a),
        "b": packing.number(one.mean_b),
        "difference": {name: packing.number(getattr(one, name)) for name in ("mean", "n", "low", "high")},
        "better_share": packing.number(one.better_share),
        "worse_share": packing.number(one.worse_share),
        "verdict": one.verdict,
        "p": packing.number(one.p_holm),
        "unit": packing.number(spread or 1.0),
    }
