"""Rows of many sounds as compact JSON: columns rather than rows, short numbers, links without what they share."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from urllib.parse import quote

from ddsp_match.score.card import SILENCE, WHITE_NOISE, Card, Metric, Summary

INFINITE = 1e300  # stands for what is not finite, as JSON has no word for it; the script knows it
_DIGITS = 5
_UNQUOTED = "!'()*~-._"  # what JavaScript's encodeURIComponent leaves as it is: both must agree on a link


def number(value: float | None) -> float | int | None:
    """Return a number of five digits; None for NaN, and a stand-in for what is infinite."""
    if value is None or math.isnan(value):
        return None
    if math.isinf(value):
        return math.copysign(INFINITE, value)
    short = float(f"{value:.{_DIGITS}g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def columns(metrics: Sequence[Metric], card: Card | None = None) -> list[dict[str, object]]:
    """Return the metrics as the script takes them, each with its floor and ceilings on the card."""
    groups = {} if card is None else {"floor": card.floor, **card.ceilings}

    def beside(name: str, key: str) -> float | int | None:
        group = groups.get(name)
        return number(group.metrics[key].mean) if group and key in group.metrics else None

    return [
        {
            "key": one.key,
            "label": one.label,
            "unit": one.unit,
            "better": one.better,
            "meaning": one.meaning,
            "digits": one.decimals,
            "floor": beside("floor", one.key),
            "silence": beside(SILENCE, one.key),
            "white_noise": beside(WHITE_NOISE, one.key),
        }
        for one in metrics
    ]


def values(
    metrics: Sequence[Metric], rows: Sequence[Mapping[str, float | None]]
) -> dict[str, list[float | int | None]]:
    """Return each metric's values, one a row."""
    return {one.key: [number(row.get(one.key)) for row in rows] for one in metrics}


def summaries(figures: Mapping[str, Summary]) -> dict[str, dict[str, object]]:
    """Return means with their intervals, medians and worst values."""
    return {
        key: {name: number(value) if isinstance(value, int | float) else value for name, value in asdict(one).items()}
        for key, one in figures.items()
    }


def shared(words: Iterable[str]) -> tuple[list[str], list[int]]:
    """Return texts that repeat: each once, in order of appearance, and for every one its number."""
    known: dict[str, int] = {}
    at = [known.setdefault(one, len(known)) for one in words]
    return list(known), at


def facts(rows: Sequence[Mapping[str, str]]) -> dict[str, dict[str, object]]:
    """Return remarks by their label; an empty one where a row has none."""
    labels = dict.fromkeys(label for row in rows for label in row)
    packed = {}
    for label in labels:
        words, at = shared(row.get(label, "") for row in rows)
        packed[label] = {"words": words, "at": at}
    return packed


def sounds(
    paths: Sequence[str | Path | None], levels_db: Sequence[float | None], names: Sequence[str], page: Path
) -> dict[str, object] | None:
    """Return links to one kind of sound, one a row, with their levels where one is known.

    Args:
        paths: As of `links`.
        levels_db: With which the sounds of a row are played equally loud; only differences within a row count.
        names: The rows' names.
        page: The page they are for.

    Returns:
        None if there is no sound.
    """
    packed = links(paths, names, page)
    if packed is None:
        return None
    # Silence has no level that another could be brought down to.
    known = [number(value) if value is not None and math.isfinite(value) else None for value in levels_db]
    return {**packed, "lufs": known if any(one is not None for one in known) else None}


def links(paths: Sequence[str | Path | None], names: Sequence[str], page: Path) -> dict[str, object] | None:
    """Return links to files, one a row, without what most of them share.

    Args:
        paths: The files, absolute or relative to the page's folder; None or empty where there is none.
        names: The rows' names, which links often hold.
        page: The page they are for.

    Returns:
        ``before`` and ``after``, the ends between which the row's name stands where ``rest`` is 0; else ``rest`` is the
        link, or None where there is no file. None if there is no file at all.
    """
    folder = os.path.dirname(os.path.abspath(page))
    made = [link(path, folder) if path else None for path in paths]
    if not any(made):
        return None
    # Of a name that is not Unicode the script could not make a link.
    quoted = [quote(name, safe=_UNQUOTED + "/") if name.isprintable() else None for name in names]
    both = [(href, name) for href, name in zip(made, quoted, strict=True) if href and name and name in href]
    ends = Counter(href.rpartition(name)[::2] for href, name in both)
    before, after = ends.most_common(1)[0][0] if ends else ("", "")
    usual = [None if name is None else before + name + after for name in quoted]
    rest = [0 if href is not None and href == name else href for href, name in zip(made, usual, strict=True)]
    return {"before": before, "after": after, "rest": rest}


def link(path: str | Path, folder: str) -> str:
    """Return a file's address relative to a folder.

    As text, without following symbolic links: that is how a browser reads ``..``.
    """
    path = os.path.normpath(path)
    if os.path.isabs(path):
        try:
            path = os.path.relpath(path, folder)
        except ValueError:  # another drive
            return Path(path).as_uri()
    return quote(os.fsencode(Path(path).as_posix()), safe=_UNQUOTED + "/")


def first_shown(metrics: Sequence[Metric], wanted: str) -> str:
    """Return the key of the metric that is shown at first: the one wanted if there is one, or else the first."""
    keys = [one.key for one in metrics]
    return wanted if wanted in keys else next(iter(keys), "")
