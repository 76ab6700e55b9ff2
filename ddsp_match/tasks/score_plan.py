"""Which sounds of a run are scored, how, and which scores of before still hold."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from ddsp_match.core.errors import MatchError
from ddsp_match.core.settings import F0Settings, FitSettings, Settings
from ddsp_match.score import opinion
from ddsp_match.score.card import REFIT, Card, Row
from ddsp_match.score.runs import FittedSound, MatchSet
from ddsp_match.tasks.score_sound import ScoreJob, Scoring, fingerprint, joined, missing, wanted

S = TypeVar("S", bound=Settings)
TRACKERS = ("run", "full", "tiny", "pyin", "none")


def scoring_of(run: MatchSet, mos_pads: int | None, tracker: str) -> tuple[Scoring, list[str]]:
    """The way a run is scored, with remarks for the user.

    Args:
        run: The run.
        mos_pads: Pads of the opinion score; None takes all, 0 leaves it out.
        tracker: One of `TRACKERS`: what heard f0 in the fit, CREPE by its size, pyin, or nothing.
    """
    notes = []
    pads = len(opinion.PADS) if mos_pads is None else mos_pads
    if pads and opinion.version() is None:
        pads = 0
        notes.append(f"no mos: Zimtohrli is not installed; `{opinion.HOW_TO_GET}` brings it")
    f0 = F0Settings()
    try:
        f0 = settings_of(F0Settings, run.settings.get("f0", {}))
    except MatchError:
        notes.append("the run's f0 settings cannot be used here: f0 is tracked with the defaults")
    if f0.source in ("csv", "constant") and tracker == "run":
        notes.append("f0 was given to the fit; to compare, it is tracked in target and match by CREPE")
    if tracker in ("full", "tiny"):
        f0 = dataclasses.replace(f0, source="crepe", model=tracker, path=None, hz=None)
    elif tracker == "pyin" or f0.source in ("csv", "constant"):
        f0 = dataclasses.replace(f0, source="pyin" if tracker == "pyin" else "crepe", path=None, hz=None)
    return Scoring(pads, None if tracker == "none" else f0), notes


def plan(
    run: MatchSet, scoring: Scoring, *, references: int, refit: int, before: Sequence[Card], force: bool = False
) -> tuple[dict[str, Row], list[ScoreJob], list[str]]:
    """Divide a run's sounds into scores that still hold and jobs for the rest.

    Args:
        run: The run.
        scoring: How to score.
        references: Sounds whose floor and ceilings are measured in opinion and f0, too.
        refit: Sounds that are fitted again for the floor.
        before: What was scored before.
        force: Whether to measure again what is known.

    Returns:
        The rows of before that still hold, by name; the jobs for what they lack; and notes.
    """
    notes = []
    whole = [sound for sound in run.sounds if not sound.failed]
    slow = {sound.name for sound in spread(whole, references)}
    again = {sound.name for sound in spread(whole, refit)}
    settings = _other_seeds(run) if refit else None
    if refit and settings is None:
        notes.append("no second fits: the settings of this run are not known, or not the same for all its sounds")
    cards = [{row.name: row for row in card.rows if row.fingerprint} for card in before]
    known: dict[str, Row] = {}
    jobs: list[ScoreJob] = []
    kept = 0
    for sound in whole:
        again_with = settings if sound.name in again else None
        job = ScoreJob(sound, scoring, sound.name in slow | again, again_with, parts=frozenset())
        own = fingerprint(sound)
        rows = [rows[sound.name] for rows in cards if sound.name in rows and rows[sound.name].fingerprint == own]
        rows.sort(key=functools.partial(_lack, job))
        row = functools.reduce(joined, rows) if rows else None
        if row is not None:
            known[sound.name] = _moved(row, sound)
            kept += any(part.endswith(" match") and part not in wanted(job) for part in row.measured)
        parts = frozenset(wanted(job)) if force or row is None else missing(job, row)
        if parts:
            jobs.append(dataclasses.replace(job, known=row, parts=parts))
    if kept:
        notes.append(f"figures that were not asked for are kept from an earlier scoring of {kept} unchanged sounds")
    return known, jobs, notes


def spread(sounds: Sequence[FittedSound], count: int) -> list[FittedSound]:
    """Some of the sounds, as many of each family as can be; which, changes little when sounds are added."""
    members: dict[str, list[FittedSound]] = defaultdict(list)
    for sound in sorted(sounds, key=lambda sound: hashlib.sha256(sound.name.encode("utf-8", "replace")).digest()):
        members[sound.family].append(sound)
    ranked = [(place, family, sound) for family in members for place, sound in enumerate(members[family])]
    return [sound for _, _, sound in sorted(ranked, key=lambda entry: entry[:2])[:count]]


def settings_of(kind: Callable[..., S], values: Mapping[str, Any]) -> S:
    """Settings from nested mappings, as a run keeps them; keys that this version does not know are passed over.

    Raises:
        ConfigError: A value is not allowed.
    """
    given: dict[str, Any] = {}
    for field in dataclasses.fields(cast("Any", kind)):
        if field.name in values:
            inner, value = field.default_factory, values[field.name]
            nested = isinstance(inner, type) and issubclass(inner, Settings) and isinstance(value, Mapping)
            given[field.name] = settings_of(cast("Any", inner), value) if nested else value
    return kind(**given)


def _lack(job: ScoreJob, row: Row) -> tuple[int, bool]:
    """The number of figures that an earlier row lacks; of two equal ones, a floor of second fits costs more."""
    return len(missing(job, row)), row.facts.get("second_take") != REFIT


def _other_seeds(run: MatchSet) -> FitSettings | None:
    """The run's settings with the next seeds."""
    if not run.settings:
        return None
    try:
        own = settings_of(FitSettings, run.settings)
    except MatchError:
        return None
    synth = dataclasses.replace(own.synth, noise_seed=own.synth.noise_seed + 1)
    return dataclasses.replace(own, seed=own.seed + 1, synth=synth)


def _moved(row: Row, sound: FittedSound) -> Row:
    """A row of before with the paths as they are now."""
    places = {"target": sound.target, "match": sound.match, "folder": sound.folder, "report": sound.report}
    now = {name: str(path or "") for name, path in places.items()}
    return dataclasses.replace(row, family=sound.family, **now)
