"""The score card and the comparison as files: JSON that can be read again, CSV for a spreadsheet."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TextIO

from ddsp_match.core.files import new_file, printable, refusal
from ddsp_match.score.card import Card, Comparison, Group, Metric, Row, Summary
from ddsp_match.score.definitions import header

FORMAT, COMPARISON, VERSION = "ddsp-match scores", "ddsp-match comparison", 1


def write_card(folder: Path, card: Card) -> None:
    """Writes ``scores.json``, all there is, and ``scores.csv``, a row a sound; each whole or not at all.

    Raises:
        OutputError: The folder cannot be written to.
    """
    write_json(folder / "scores.json", content(card))
    head = ["name", "family", "status", *map(header, card.metrics), "hints", "reason", "target", "match"]
    body = (
        [row.name, row.family, row.status, *(row.metrics.get(metric.key, "") for metric in card.metrics),
         "; ".join(row.hints), row.reason, row.target, row.match]
        for row in card.rows
    )  # fmt: skip
    write_csv(folder / "scores.csv", [head, *body])


def content(card: Card) -> dict[str, Any]:
    """A card as JSON holds it."""
    return {"format": FORMAT, "version": VERSION, **vars(card)}


def write_comparison(folder: Path, comparison: Comparison) -> None:
    """Writes ``compare.json``, without the two cards it was made from, and ``compare.csv``, a row a sound.

    Raises:
        OutputError: The folder cannot be written to.
    """
    known: dict[str, Any] = {"format": COMPARISON, "version": VERSION}
    names = [field.name for field in fields(comparison) if field.name not in ("a", "b")]
    known |= {name: getattr(comparison, name) for name in names}
    known |= {
        "folder_a": comparison.a.folder,
        "folder_b": comparison.b.folder,
        "pairs": [
            {"name": pair.name, "family": pair.a.family, "a": pair.a.metrics, "b": pair.b.metrics}
            for pair in comparison.pairs
        ],
        "improved": [pair.name for pair in comparison.improved],
        "regressed": [pair.name for pair in comparison.regressed],
    }
    write_json(folder / "compare.json", known)
    heads = map(header, comparison.metrics)
    columns = [f"{side} {head}" for head in heads for side in ("A", "B", "B-A")]
    body = []
    for pair in comparison.pairs:
        cells: list[Any] = []
        for metric in comparison.metrics:
            change = pair.change(metric.key)
            cells += [pair.a.metrics.get(metric.key, ""), pair.b.metrics.get(metric.key, "")]
            cells += ["" if change is None else change]
        body.append([pair.name, pair.a.family, *cells])
    write_csv(folder / "compare.csv", [["name", "family", *columns], *body])


def read_card(path: Path) -> Card | None:
    """Reads ``scores.json`` again; None where there is none, or none that this version can use.

    It is derived: what cannot be read is computed anew.
    """
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        if known.pop("format") != FORMAT or known.pop("version") != VERSION:
            return None
        known["metrics"] = [Metric(**metric) for metric in known["metrics"]]
        known["rows"] = [Row(**row) for row in known["rows"]]
        known["families"] = [_group(group) for group in known["families"]]
        known["ceilings"] = {name: _group(group) for name, group in known["ceilings"].items()}
        for name in ("overall", "floor"):
            known[name] = known[name] and _group(known[name])
        return Card(**known)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_json(path: Path, known: dict[str, Any]) -> None:
    """Writes JSON, whole or not at all; a NaN would be a bug and is refused."""
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_plain).encode

    def text(value: Any) -> str:
        # A line a sound: to be read and compared by people, and faster than json's own indentation.
        listed = isinstance(value, list) and value
        return "[\n  " + ",\n  ".join(map(encode, value)) + "\n ]" if listed else encode(value)

    def fill(file: TextIO) -> None:
        file.write("{\n" + ",\n".join(f" {encode(key)}: {text(value)}" for key, value in known.items()) + "\n}\n")

    _written_whole(path, fill)


def write_csv(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    """Writes a table, whole or not at all."""
    shown = [[printable(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    _written_whole(path, lambda file: csv.writer(file).writerows(shown))


def _group(known: dict[str, Any]) -> Group:
    return Group(**{**known, "metrics": {key: Summary(**value) for key, value in known["metrics"].items()}})


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return vars(value)
    return str(value)


def _written_whole(path: Path, fill: Callable[[TextIO], None]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refusal(path, error) from error
    with new_file(path) as part, part.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        fill(file)
