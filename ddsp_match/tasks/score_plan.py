"""Which sounds of a run are scored, how, and which scores of before still hold."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from ddsp_match.errors import MatchError
from ddsp_match.score import opinion
from ddsp_match.score.card import Card, Row
from ddsp_match.settings import F0Settings, FitSettings, Settings
from ddsp_match.tasks.score_runs import Matched, Run
from ddsp_match.tasks.score_sound import ScoreJob, Scoring, fingerprint

S = TypeVar("S", bound=Settings)
TRACKERS = ("run", "full", "tiny", "pyin", "none")


def scoring_of(run: Run, mos_pads: int | None, tracker: str) -> tuple[Scoring, list[str]]:
    """How a run is scored, and what the user should know about it.

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
    run: Run, scoring: Scoring, *, references: int, refit: int, before: Card | None
) -> tuple[list[Row | ScoreJob], list[str]]:
    """For every sound of a run, in order, its row of before or the job that makes it; and notes.

    Args:
        run: The run.
        scoring: How to score.
        references: Sounds whose floor and ceilings are measured in opinion and f0, too.
        refit: Sounds that are fitted again for the floor.
        before: What was scored before.
    """
    notes = []
    rows = {row.name: row for row in before.rows if row.fingerprint} if before is not None else {}
    whole = [sound for sound in run.sounds if not sound.failed]
    slow = {sound.name for sound in spread(whole, references)}
    again = {sound.name for sound in spread(whole, refit)}
    settings = _other_seeds(run) if refit else None
    if refit and settings is None:
        notes.append("no second fits: the settings of this run are not known, or not the same for all its sounds")
    found: list[Row | ScoreJob] = []
    for sound in run.sounds:
        job = ScoreJob(sound, scoring, sound.name in slow | again, settings if sound.name in again else None)
        prints = [fingerprint(job)]
        if not job.reference:  # one that was a reference before knows more, and is as good
            prints.append(fingerprint(dataclasses.replace(job, reference=True)))
        row = rows.get(sound.name)
        if row is not None and row.fingerprint in prints:
            found.append(_moved(row, sound))
        else:
            found.append(dataclasses.replace(job, fingerprint=prints[0]))
    return found, notes


def spread(sounds: Sequence[Matched], count: int) -> list[Matched]:
    """Some of the sounds, as many of each family as can be; which, changes little when sounds are added."""
    members: dict[str, list[Matched]] = defaultdict(list)
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


def _other_seeds(run: Run) -> FitSettings | None:
    """The run's settings with the next seeds."""
    if not run.settings:
        return None
    try:
        own = settings_of(FitSettings, run.settings)
    except MatchError:
        return None
    synth = dataclasses.replace(own.synth, noise_seed=own.synth.noise_seed + 1)
    return dataclasses.replace(own, seed=own.seed + 1, synth=synth)


def _moved(row: Row, sound: Matched) -> Row:
    """A row of before with the paths as they are now."""
    places = {"target": sound.target, "match": sound.match, "folder": sound.folder, "report": sound.report}
    now = {name: str(path or "") for name, path in places.items()}
    return dataclasses.replace(row, family=sound.family, **now)
