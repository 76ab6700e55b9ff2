"""From a score card, or two of them compared, to a page: what `score` and `compare` found in the report's own nouns."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from ddsp_match.fitting.verdict import LEVELS, Verdict, judge
from ddsp_match.report import compare_page, score_page
from ddsp_match.report.compare_data import Change, CompareData
from ddsp_match.report.compare_data import Pair as PairOnPage
from ddsp_match.report.score_data import Failure, FamilyScores, ScoreData, ScoreRow
from ddsp_match.report.table_data import Column, Mean, Sound
from ddsp_match.score.card import Card, Comparison, Group, Metric, Pair, Row, Summary
from ddsp_match.score.comparison_words import headline, rule
from ddsp_match.score.summary import worst_rows

_SHOWN = {  # facts of a row that help to judge what one hears, by their label
    "f0_median_hz": "Pitch",
    "duration_s": "Length",
}
HOW_TO_REPORT = "`files=report` in the fit, with another -o, writes each sound a report of its own"


def write_score_page(path: str | Path, card: Card) -> Path:
    """Writes the page of a score card.

    Args:
        path: The HTML file to make; it points to the sounds, relative to its folder.
        card: What was scored.

    Returns:
        The path.

    Raises:
        OutputError: If it cannot be written.
    """
    return score_page.write(path, score_data(card))


def write_compare_page(path: str | Path, comparison: Comparison, command: str = "") -> Path:
    """Writes the page of two runs compared.

    Args:
        path: The HTML file to make; it points to the sounds, relative to its folder.
        comparison: What was compared.
        command: The command line that did it.

    Returns:
        The path.

    Raises:
        OutputError: If it cannot be written.
    """
    return compare_page.write(path, compare_data(comparison, command))


def card_headline(card: Card) -> str:
    """The result in sentences: how many matches are how good, and which are the worst."""
    if not card.scored:
        return "No sound was scored."
    levels = Counter(_verdict(row).level for row in card.scored)
    counted = ", ".join(f"{levels[level]} {level}" for level in LEVELS if levels[level])
    words = f"{len(card.scored)} sound{'s' if len(card.scored) > 1 else ''}: {counted}."
    if card.failed:
        words += f" {len(card.failed)} without a score."
    if len(card.scored) > 1:
        worst = [row for row in worst_rows(card, card.sort, 3) if _verdict(row).level in LEVELS[1:]]
        names = ", ".join(f"{row.name} ({_verdict(row).level})" for row in worst)
        words += f" Listen to the worst first: {names}." if names else ""
    return words if card.complete else f"Interrupted, not every sound is scored. {words}"


def _verdict(row: Row) -> Verdict:
    """The verdict on a match by all that was measured of it; the fit's own knew less."""
    return judge(row.metrics, pitched=bool(row.facts.get("pitched", True)))


def score_data(card: Card) -> ScoreData:
    """A score card as its page takes it."""
    notes = card.notes if any(row.report for row in card.scored) else [*card.notes, HOW_TO_REPORT]
    return ScoreData(
        title=card.name,
        columns=[_column(metric, card) for metric in card.metrics],
        rows=[_score_row(row) for row in card.scored],
        overall=_means(card.overall),
        families=[_family(group, card) for group in card.families],
        failures=[Failure(row.name, row.reason, row.family, _sound(row.target)) for row in card.failed],
        headline=card_headline(card),
        command=card.command,
        notes=notes,
        floor_words=card.floor_meaning,
        settings=card.settings,
        sort_by=card.sort,
    )


def compare_data(comparison: Comparison, command: str = "") -> CompareData:
    """Two compared runs as their page takes them."""
    a, b = comparison.label_a, comparison.label_b
    return CompareData(
        title=f"{a} against {b}",
        name_a=a,
        name_b=b,
        columns=[_column(metric, comparison.a) for metric in comparison.metrics],
        changes=[
            Change(
                one.key,
                one.mean_a,
                one.mean_b,
                Mean(one.mean, one.n, one.low, one.high),
                one.better_share,
                one.worse_share,
                one.verdict,
                one.p_holm,
            )
            for one in comparison.differences
        ],
        pairs=[_pair(pair) for pair in comparison.pairs],
        only_a=comparison.only_a,
        only_b=comparison.only_b,
        settings=comparison.settings_changed,
        headline=headline(comparison),
        rule=rule(comparison.differences, len(comparison.pairs)),
        command=command,
        notes=comparison.notes,
        sort_by=comparison.sort,
    )


def _column(metric: Metric, card: Card) -> Column:
    groups = {"floor": card.floor, **card.ceilings}
    beside = {
        name: group.metrics[metric.key].mean for name, group in groups.items() if group and metric.key in group.metrics
    }
    return Column(
        metric.key,
        metric.label,
        metric.unit,
        metric.better,
        metric.meaning,
        floor=beside.get("floor"),
        silence=beside.get("silence"),
        white_noise=beside.get("white noise"),
        digits=metric.decimals,
    )


def _score_row(row: Row) -> ScoreRow:
    verdict = _verdict(row)
    facts = {"Verdict": verdict.headline}
    facts |= {label: _fact_words(key, row.facts[key]) for key, label in _SHOWN.items() if row.facts.get(key)}
    if row.hints:
        facts["Why it may be off"] = "; ".join(row.hints)
    target, match = _sounds(row)
    return ScoreRow(row.name, row.metrics, row.family, target, match, row.report or None, facts, verdict.level)


def _pair(pair: Pair) -> PairOnPage:
    target, match_a = _sounds(pair.a)
    match_b = _sounds(pair.b)[1]
    return PairOnPage(pair.name, pair.a.metrics, pair.b.metrics, pair.a.family, target, match_a, match_b)


def _fact_words(key: str, value: object) -> str:
    """A fact with its unit."""
    if key == "f0_median_hz" and isinstance(value, int | float):
        return f"{value:.1f} Hz"
    if key == "duration_s" and isinstance(value, int | float):
        return f"{value:.2f} s"
    return str(value)


def _sound(path: str, level_db: float | None = None) -> Sound | None:
    return Sound(path, level_db) if path else None


def _sounds(row: Row) -> tuple[Sound | None, Sound | None]:
    """Target and match with their levels, where both are known."""
    levels = row.facts.get("level_db"), row.facts.get("match_level_db")
    if None in levels:
        levels = None, None
    return _sound(row.target, levels[0]), _sound(row.match, levels[1])


def _family(group: Group, card: Card) -> FamilyScores:
    floors: dict[str, float] = {}
    for metric in card.metrics:
        own = [row.floor[metric.key] for row in card.scored if row.family == group.name and metric.key in row.floor]
        if own:
            floors[metric.key] = sum(own) / len(own)
    return FamilyScores(group.name, group.scored, _means(group), floors)


def _means(group: Group) -> dict[str, Mean]:
    return {key: _mean(one) for key, one in group.metrics.items()}


def _mean(one: Summary) -> Mean:
    return Mean(one.mean, one.n, one.low, one.high, one.median, one.worst, one.worst_name)
