"""The page of a score card: sort by a metric, hear target and match, see the worst first."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from ddsp_match.fitting.verdict import LEVELS, Verdict, judge
from ddsp_match.report import packing, shell, table_page
from ddsp_match.report.metrics_table import flat
from ddsp_match.report.table_page import counted
from ddsp_match.score.card import Card, Group, Row
from ddsp_match.score.summary import worst_rows

HOW_TO_REPORT = "`files=report` in the fit, with another -o, writes each sound a report of its own"
_FLOOR_WORDS = (
    "The floor is the score of one take of the match against another that differs in its random noise alone: smaller "
    "differences mean nothing."
)


def write(path: str | Path, card: Card) -> Path:
    """Writes the page. It points to the sounds' files and holds everything else.

    Args:
        path: The HTML file to make; links to sounds are relative to its folder.
        card: The scores to show. No text in it needs to be trusted.

    Returns:
        The path.

    Raises:
        OutputError: If the file cannot be written.
    """
    return shell.save(path, html(card, Path(path)))


def html(card: Card, path: Path) -> str:
    """Return the page that is to lie at `path`. Nothing of the card can become markup or script."""
    rows = card.scored
    reports = any(row.report for row in rows)
    failures = [(row.name, row.family, row.reason) for row in card.failed]
    notes = card.notes if reports else [*card.notes, HOW_TO_REPORT]
    values = {
        "title": card.name,
        "facts": _facts(card),
        "headline": card_headline(card),
        "floor_words": card.floor_meaning or _FLOOR_WORDS,
        "several": len(card.families) > 1,
        "failures": failures,
        "reports": reports,
        "command": card.command,
        "notes": notes,
        "settings": flat(card.settings or {}),
    }
    return table_page.page(
        "score_page.html", values, _numbers(card, path), brand="ddsp-match score", script="score.js"
    )


def card_headline(card: Card) -> str:
    """Return the result in sentences: how many matches are how good, and which are the worst."""
    if not card.scored:
        return "No sound was scored."
    levels = Counter(_verdict(row).level for row in card.scored)
    counts = ", ".join(f"{levels[level]} {level}" for level in LEVELS if levels[level])
    words = f"{counted(len(card.scored), 'sound')}: {counts}."
    if card.failed:
        words += f" {len(card.failed)} without a score."
    if len(card.scored) > 1:
        worst = [row for row in worst_rows(card, card.sort, 3) if _verdict(row).level in LEVELS[1:]]
        names = ", ".join(f"{row.name} ({_verdict(row).level})" for row in worst)
        words += f" Listen to the worst first: {names}." if names else ""
    return words if card.complete else f"Interrupted, not every sound is scored. {words}"


def _verdict(row: Row) -> Verdict:
    """Return the verdict by all that was measured; the fit's own knew less."""
    return judge(row.metrics, pitched=bool(row.facts.get("pitched", True)))


def _facts(card: Card) -> str:
    parts = [f"{counted(len(card.scored), 'match', 'matches')} scored"]
    if card.failed:
        parts.append(f"{counted(len(card.failed), 'sound')} without a score")
    n_families = len({row.family for row in card.scored})
    if n_families > 1:
        parts.append(counted(n_families, "family", "families"))
    return ", ".join(parts) + "."


def _numbers(card: Card, path: Path) -> dict[str, object]:
    rows = card.scored
    names, verdicts = [row.name for row in rows], [_verdict(row) for row in rows]
    families, family_of = packing.shared(row.family for row in rows)
    levels_db = [table_page.levels_db(row) for row in rows]
    return {
        "columns": packing.columns(card.metrics, card),
        "names": names,
        "families": families,
        "family_of": family_of,
        "values": packing.values(card.metrics, [row.metrics for row in rows]),
        "sounds": {
            "target": packing.sounds([row.target for row in rows], [level for level, _ in levels_db], names, path),
            "match": packing.sounds([row.match for row in rows], [level for _, level in levels_db], names, path),
        },
        "reports": packing.links([row.report for row in rows], names, path),
        "facts": packing.facts([_remarks(row, verdict) for row, verdict in zip(rows, verdicts, strict=True)]),
        "levels": [verdict.level for verdict in verdicts],
        "overall": packing.summaries(card.overall.metrics),
        "family_means": [
            {
                "name": group.name,
                "n": group.scored,
                "means": packing.summaries(group.metrics),
                "floors": _floors(card, group),
            }
            for group in card.families
        ],
        "sort_by": packing.first_shown(card.metrics, card.sort),
    }


def _remarks(row: Row, verdict: Verdict) -> dict[str, str]:
    """Return facts that help to judge a match by ear, by their label."""
    remarks = {"Verdict": verdict.headline}
    if f0_hz := row.facts.get("f0_median_hz"):
        remarks["Pitch"] = f"{f0_hz:.1f} Hz"
    if duration_s := row.facts.get("duration_s"):
        remarks["Length"] = f"{duration_s:.2f} s"
    if row.hints:
        remarks["Why it may be off"] = "; ".join(row.hints)
    return remarks


def _floors(card: Card, group: Group) -> dict[str, float | int | None]:
    """Return the mean floor of each metric in a family, where it was measured."""
    members = [row.floor for row in card.scored if row.family == group.name]
    known = {one.key: [floor[one.key] for floor in members if one.key in floor] for one in card.metrics}
    return {key: packing.number(sum(own) / len(own)) for key, own in known.items() if own}
