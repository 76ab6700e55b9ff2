"""The page of a score card: sort by a metric, hear target and match, see the worst first."""

from __future__ import annotations

from pathlib import Path

from ddsp_match.report import many_shell, packing, shell
from ddsp_match.report.many_shell import counted, escape
from ddsp_match.report.score_data import ScoreData

_FLOOR_WORDS = (
    "The floor is the score of one take of the match against another that differs in its random noise alone: smaller "
    "differences mean nothing."
)


def write(path: str | Path, data: ScoreData) -> Path:
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


def html(data: ScoreData, path: Path) -> str:
    """The page that is to lie at `path`, as one string of HTML. Nothing of `data` can become markup or script."""
    several = len(data.families) > 1
    failures = [(one.name, one.family, one.reason) for one in data.failures]
    values = {
        "title": escape(data.title),
        "facts": _facts(data),
        "headline": many_shell.headline(data.headline),
        "floor_words": escape(data.floor_words or _FLOOR_WORDS),
        "families": shell.part("families.html") if several else "",
        "alone": "" if several else " alone",
        "failures": many_shell.folded(
            "Without a score",
            "What was not matched or could not be scored, and why.",
            failures,
            ("Sound", "Family", "Why"),
        ),
        "list_label": "The sounds, a table that scrolls",
        "key_words": "<kbd>T</kbd> target, <kbd>M</kbd> match at the same position",
        "more_keys": ", <kbd>O</kbd> the sound's own report" if any(row.report for row in data.rows) else "",
        "list_words": "Press the head of a column to sort by it, worst first; again, best first.",
        **many_shell.made(data.command, data.notes, many_shell.settings_details(data.settings)),
    }
    return many_shell.page(
        "score_page.html", values, _numbers(data, path), brand="ddsp-match score", script="score.js"
    )


def _facts(data: ScoreData) -> str:
    told = [f"{counted(len(data.rows), 'match', 'matches')} scored"]
    if data.failures:
        told.append(f"{counted(len(data.failures), 'sound')} without a score")
    n_families = len({row.family for row in data.rows})
    if n_families > 1:
        told.append(counted(n_families, "family", "families"))
    return ", ".join(told) + "."


def _numbers(data: ScoreData, path: Path) -> dict[str, object]:
    names = [row.name for row in data.rows]
    families, family_of = packing.shared(row.family for row in data.rows)
    kinds = {"target": [row.target for row in data.rows], "match": [row.match for row in data.rows]}
    return {
        "columns": packing.columns(data.columns),
        "names": names,
        "families": families,
        "family_of": family_of,
        "values": packing.values(data.columns, [row.values for row in data.rows]),
        "sounds": {name: packing.sounds(given, names, path) for name, given in kinds.items()},
        "reports": packing.links([row.report for row in data.rows], names, path),
        "facts": packing.facts([row.facts for row in data.rows]),
        "levels": [row.level for row in data.rows],
        "overall": packing.means(data.overall),
        "family_means": [
            {
                "name": one.name,
                "n": one.n,
                "means": packing.means(one.means),
                "floors": {key: packing.number(value) for key, value in one.floors.items()},
            }
            for one in data.families
        ],
        "sort_by": packing.first_shown(data.columns, data.sort_by),
    }
