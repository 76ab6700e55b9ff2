"""The matches of a run, of whichever kind: over many sounds, of one sound, or several of one sound in a folder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ddsp_match.core.errors import OutputError
from ddsp_match.patch import SUFFIX
from ddsp_match.runs.store.store import Store, is_run

METRICS, MATCH, TARGET, REPORT, CONFIG = "metrics.json", "match.wav", "target.wav", "report.html", "config.yaml"


@dataclass(frozen=True)
class FittedSound:
    """A sound of a run, and what is known of its fit.

    Attributes:
        name: Unique in its run.
        target: The sound.
        match: The match as a sound file; None where only a patch was kept.
        patch: The patch; None where there is none.
        folder: The sound's folder; None where the fit failed.
        report: The fit's page; None where there is none.
        family: What it is grouped by.
        failed: Why the fit failed; empty where it did not.
        metrics: Figures of the fit.
        seconds: Wall seconds by stage.
        facts: As those of a store's entry.
    """

    name: str
    target: Path
    match: Path | None = None
    patch: Path | None = None
    folder: Path | None = None
    report: Path | None = None
    family: str = ""
    failed: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class MatchSet:
    """The matches to score.

    Attributes:
        folder: The run's folder.
        sounds: Its sounds, failed ones included.
        settings: They were fitted with; empty where they are not known, or differ between them.
        command: That made the run.
    """

    folder: Path
    sounds: list[FittedSound]
    settings: dict[str, Any]
    command: str = ""


def find_run(folder: Path, source: Path | None = None) -> MatchSet:
    """Finds the matches in a folder.

    Args:
        folder: Of a run over many sounds, of the fit of one sound, or a folder that holds several of those.
        source: Where the sounds lie now, if they were moved since the fit.

    Raises:
        OutputError: There is no match, or there are several runs over many sounds.
    """
    folder = folder.absolute()
    if source is not None and not source.is_dir():
        raise OutputError("no such folder", where=source, needed="the folder in which the sounds lie now")
    if not folder.is_dir():
        kind = "a file" if folder.exists() else "no such folder"
        raise OutputError(kind, where=folder, needed="a folder that `ddsp-match fit` has written")
    if is_run(folder):
        return _run_of_many(folder, source)
    singles = _singles(folder)
    if not singles:
        inner = sorted(place.name for place in folder.iterdir() if is_run(place))
        if inner:
            raise OutputError(
                f"{len(inner)} runs over many sounds",
                where=folder,
                needed="one of them",
                hint=f"ddsp-match score {folder / inner[0]}",
            )
        raise OutputError(
            "no match",
            where=folder,
            needed="a folder that `ddsp-match fit` has written",
            hint="its folder in outputs/, which holds index.sqlite, or metrics.json and match.wav",
        )
    sounds = [_single(place, _name(folder, place)) for place in singles]
    settings, command = _config(singles[0]) if len(singles) == 1 else ({}, "")
    return MatchSet(folder, sounds, settings, command)


def _run_of_many(folder: Path, source: Path | None) -> MatchSet:
    with Store.read(folder) as store:
        sounds = []
        for entry in store.entries():
            place = folder / entry.folder if entry.folder else None
            files = set(entry.files)
            patches = sorted(name for name in files if name.endswith(SUFFIX))

            def named(name: str, place: Path | None = place, files: set[str] = files) -> Path | None:
                return place / name if place is not None and name in files else None

            kept = named(TARGET)
            sounds.append(
                FittedSound(
                    name=entry.name,
                    target=kept or _moved(Path(entry.source), entry.name, Path(store.source), source),
                    match=named(MATCH),
                    patch=named(patches[0]) if patches else None,
                    folder=place,
                    report=named(REPORT),
                    family=entry.family,
                    failed=(entry.reason or "no reason was noted") if entry.status == "failed" else "",
                    metrics=_finite(entry.metrics),
                    seconds=_finite(entry.seconds),
                    facts=entry.facts,
                )
            )
        return MatchSet(folder, sounds, store.settings, store.command)


def _moved(path: Path, name: str, root: Path, source: Path | None) -> Path:
    """Where a sound lies now, if the folder that held them all is now `source`."""
    if source is None:
        return path
    inside = path.relative_to(root) if path.is_relative_to(root) else Path(name + path.suffix)
    candidates = [source / inside, source / (name + path.suffix), source / path.name]
    return next((path.absolute() for path in candidates if path.is_file()), candidates[0].absolute())


def _singles(folder: Path) -> list[Path]:
    """The runs of one sound in a folder or below it, in order; a run's own folders are not looked into."""
    singles = []
    for place, inside, files in os.walk(folder):
        here = set(files)
        if METRICS in here and (MATCH in here or any(name.endswith(SUFFIX) for name in here)):
            singles.append(Path(place))
            inside.clear()
        inside[:] = sorted((name for name in inside if not name.startswith(".")), key=_by_number)
    return singles


def _by_number(name: str) -> tuple[int, str]:
    """Hydra numbers the jobs of a sweep: 10 comes after 9."""
    return (int(name) if name.isdecimal() else -1, name)


def _name(folder: Path, place: Path) -> str:
    return folder.name if place == folder else place.relative_to(folder).as_posix()


def _single(place: Path, name: str) -> FittedSound:
    try:
        known = json.loads((place / METRICS).read_text(encoding="utf-8"))
        facts = {"pitched": known.get("pitched"), "headline": known.get("verdict"), "sound": known.get("sound")}
        metrics, seconds = _finite(known.get("metrics", {})), _finite(known.get("seconds", {}))
        failed = ""
    except (OSError, ValueError, AttributeError) as error:
        facts, metrics, seconds, failed = {}, {}, {}, f"metrics.json cannot be read ({error})"
    patches = sorted(place.glob(f"*{SUFFIX}"))

    def there(file: str) -> Path | None:
        return place / file if (place / file).is_file() else None

    return FittedSound(
        name=name,
        target=place / TARGET,
        match=there(MATCH),
        patch=patches[0] if patches else None,
        folder=place,
        report=there(REPORT),
        failed=failed,
        metrics=metrics,
        seconds=seconds,
        facts=facts,
    )


def _config(place: Path) -> tuple[dict[str, Any], str]:
    """Settings and command line of a run of one sound; nothing where they cannot be read."""
    try:
        text = (place / CONFIG).read_text(encoding="utf-8")
        settings = yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError):
        return {}, ""
    first = text.partition("\n")[0]
    return settings if isinstance(settings, dict) else {}, first.removeprefix("# ") if first.startswith("#") else ""


def _finite(figures: Mapping[str, Any]) -> dict[str, float]:
    """The figures that are numbers and finite."""
    return {
        key: float(value)
        for key, value in figures.items()
        if isinstance(value, int | float) and abs(value) != float("inf") and value == value
    }
