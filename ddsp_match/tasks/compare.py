"""Two runs on the same sounds: what got better, what got worse, and what is no more than chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ddsp_match.core.errors import OutputError
from ddsp_match.score import files
from ddsp_match.score.card import Card, Comparison, Pair, Row
from ddsp_match.score.paired import by_family, differences, extremes
from ddsp_match.score.runs import find_run
from ddsp_match.tasks.score import NAMES as SCORES
from ddsp_match.tasks.score import REFERENCES, check_ours, score

NAMES = ("compare.json", "compare.csv", "compare.html")
SAME_S, SAME_DB = 0.02, 0.1  # two targets further apart than this are not the same sound


def compare(
    a: str | Path,
    b: str | Path,
    *,
    out: str | Path | None = None,
    sort: str = "mrstft",
    count: int = 10,
    source: str | Path | None = None,
    mos_pads: int | None = None,
    tracker: str | None = None,
    workers: int | None = None,
    command: str = "",
    on_progress: Callable[[str, int, int], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Comparison:
    """Compares two runs sound by sound, by name: B against A.

    The scores of each run are taken from its ``scores.json`` as far as they are fresh, and computed otherwise; both are
    scored the same way, A's unless told otherwise. Neither run's folder is written to.

    Args:
        a: The run before, as `score` takes it.
        b: The run after.
        out: Folder for ``compare.json``, ``compare.csv`` and ``compare.html``, and for the scores of either run in
            ``a`` and ``b``; None writes none. Those that are there are replaced.
        sort: Key of the metric by which improvements and regressions are named.
        count: How many of each to name.
        source: Where the sounds of both lie now, if they were moved.
        mos_pads: As of `score`; None takes what A was scored with.
        tracker: The same.
        workers: As of `score`.
        command: Command line to note down on the page.
        on_progress: Told which run is scored, sounds done, and sounds in all.
        stop: Asked again and again whether to end with what was scored.

    Returns:
        The comparison.

    Raises:
        OutputError: There is nothing to score, the runs have no sound in common, or nothing can be written.
        ConfigError: An argument is not allowed.
    """
    first, second = Path(a).absolute(), Path(b).absolute()
    if first.resolve() == second.resolve():
        raise OutputError("the same run twice", where=first, needed="two runs")
    for folder in (first, second):  # before one of them is scored for nothing
        find_run(folder)
    label_a, label_b = labels(first, second)
    place = None if out is None else Path(out).absolute()
    if place is not None:
        check_ours(place, NAMES[0], files.COMPARISON)
    before = files.read_card(first / SCORES[0])
    known: Mapping[str, Any] = before.scoring if before is not None else {}
    notes: list[str] = []

    def card_of(folder: Path, label: str, side: str) -> Card:
        def count(done: int, total: int) -> None:
            if on_progress:
                on_progress(label, done, total)

        arguments: dict[str, Any] = {
            "source": source,
            "sort": sort,
            "mos_pads": known.get("mos_pads") if mos_pads is None else mos_pads,
            "tracker": tracker or known.get("tracker", "run"),
            "references": known.get("references", REFERENCES),
            "workers": workers,
            "on_progress": count,
            "stop": stop,
        }
        card = score(folder, out=None if place is None else place / side, write=place is not None, **arguments)
        notes.extend(f"{label}: {note}" for note in card.notes)
        return card

    cards = card_of(first, label_a, "a"), card_of(second, label_b, "b")
    comparison = compared(*cards, label_a, label_b, sort=sort, count=count)
    comparison.notes = notes + comparison.notes
    if place is not None:
        from ddsp_match.report import compare_page

        files.write_comparison(place, comparison)
        compare_page.write(place / NAMES[2], comparison, command)
    return comparison


def compared(a: Card, b: Card, label_a: str, label_b: str, *, sort: str = "mrstft", count: int = 10) -> Comparison:
    """Two score cards compared, B against A.

    Raises:
        OutputError: No sound has scores in both.
    """
    notes = []
    rows_a, rows_b = ({row.name: row for row in card.rows} for card in (a, b))
    both = [Pair(row.name, row, rows_b[row.name]) for row in a.scored if _has(rows_b, row.name)]
    pairs = [pair for pair in both if _same_sound(pair)]
    if len(pairs) < len(both):
        notes.append(f"{len(both) - len(pairs)} sounds of the same name are not the same sound, and are left out")
    if not pairs:
        raise OutputError(
            f"no sound that {label_a} and {label_b} both have scores of",
            needed="two runs over the same sounds: they are told by their names",
            hint="ddsp-match score on each of them says which sounds it has",
        )
    metrics = [metric for metric in a.metrics if any(pair.change(metric.key) is not None for pair in pairs)]
    if sort not in {metric.key for metric in metrics}:
        notes.append(f"no sound has {sort} in both: sorted by {metrics[0].key}")
        sort = metrics[0].key
    improved, regressed = extremes(pairs, sort, count)
    return Comparison(
        a=a,
        b=b,
        label_a=label_a,
        label_b=label_b,
        metrics=metrics,
        pairs=pairs,
        differences=differences(pairs, metrics),
        families=by_family(pairs, metrics),
        sort=sort,
        improved=improved,
        regressed=regressed,
        only_a={row.name: _why(rows_b, row.name, label_b) for row in a.scored if not _has(rows_b, row.name)},
        only_b={row.name: _why(rows_a, row.name, label_a) for row in b.scored if not _has(rows_a, row.name)},
        settings_changed=_changed(a.settings, b.settings),
        notes=notes,
        created_at=datetime.now(UTC).isoformat("T", "seconds"),
    )


def labels(a: Path, b: Path) -> tuple[str, str]:
    """Name two runs: by their folders, and as many of those above as it takes to tell them apart."""
    parts_a, parts_b = a.absolute().parts, b.absolute().parts
    for count in range(1, max(len(parts_a), len(parts_b)) + 1):
        one, other = "/".join(parts_a[-count:]), "/".join(parts_b[-count:])
        if one != other:
            break
    return one, other


def _has(rows: Mapping[str, Row], name: str) -> bool:
    return name in rows and rows[name].status == "scored"


def _why(rows: Mapping[str, Row], name: str, label: str) -> str:
    return f"failed in {label}: {rows[name].reason}" if name in rows else f"not in {label}"


def _same_sound(pair: Pair) -> bool:
    a, b = pair.a.facts, pair.b.facts
    bounds = {"duration_s": SAME_S, "level_db": SAME_DB}
    return all(abs(a[key] - b[key]) <= bound for key, bound in bounds.items() if key in a and key in b)


def _changed(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    one, other = _flat(a), _flat(b)
    keys = [*one, *(key for key in other if key not in one)] if one and other else []
    return {key: (one.get(key), other.get(key)) for key in keys if one.get(key) != other.get(key)}


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat
