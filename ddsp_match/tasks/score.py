"""The scores of the matches of a run, by sound and by family, with their meaning."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from ddsp_match.core.errors import OUT, ConfigError, OutputError
from ddsp_match.core.settings.many import EngineSettings
from ddsp_match.runs.engines import engine_of
from ddsp_match.score import files
from ddsp_match.score.card import OVERALL, Card, Group, Row
from ddsp_match.score.definitions import BY_KEY, METRICS
from ddsp_match.score.runs import find_run
from ddsp_match.score.summary import summarise
from ddsp_match.tasks.score_plan import TRACKERS, plan, scoring_of
from ddsp_match.tasks.score_sound import ScoreJob, score_sound, start_row

NAMES = ("scores.json", "scores.csv", "scores.html")
REFERENCES = 16
SAVE_EVERY_S = 60.0
ALONE_UP_TO = 3  # sounds: for fewer, workers take longer to start than to score


def score(
    folder: str | Path,
    *,
    out: str | Path | None = None,
    source: str | Path | None = None,
    sort: str = "mrstft",
    mos_pads: int | None = None,
    tracker: str = "run",
    references: int = REFERENCES,
    refit: int = 0,
    workers: int | None = None,
    limit: int | None = None,
    force: bool = False,
    write: bool = True,
    on_progress: Callable[[int, int], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Card:
    """Scores every match of a run.

    A number alone says little, so beside each metric stand its ceilings, what silence and white noise as loud as the
    target get, and its floor: two takes of the match that differ by chance alone, one measured against the other. By
    default the second take is the patch played with the next noise seed, because in a fit from analysis nothing but
    the noise is drawn by chance; `refit` fits some sounds once more with other seeds instead. A difference
    between two matches that is below the floor means nothing.

    Scores are kept in ``scores.json``: what was measured before, of a sound and match that have not changed since, is
    not measured again, and stays where this call does not ask for it (an opinion score, f0, a floor of second fits).

    Args:
        folder: Of a run over many sounds, of the fit of one sound, or one that holds several of those (a sweep).
        out: Where ``scores.json``, ``scores.csv`` and ``scores.html`` go; by default the run's folder. Those that are
            there are replaced; the scores in the run's folder are used in any case.
        source: Where the sounds lie now, if they were moved since the fit.
        sort: Key of the metric by which the worst are named.
        mos_pads: Shifts of which the opinion score is the median, 1 to 7 (the default): about a second a shift for
            ten seconds of sound. 0 leaves it out.
        tracker: What hears f0 in target and match: ``run`` (as in the fit), ``full`` or ``tiny`` (CREPE), ``pyin``, or
            ``none``.
        references: Sounds, spread over the families, of which floor and ceilings are measured in opinion score and f0,
            which take long; the other figures have them of every sound.
        refit: Sounds, spread over the families, that are fitted again for the floor.
        workers: Processes; None takes as many as there are cores.
        limit: Most sounds to score now; the next call goes on.
        force: Score again what was scored before.
        write: Whether to write anything.
        on_progress: Told how many sounds of those to score are done, and how many there are.
        stop: Asked again and again whether to end with what was scored.

    Returns:
        The score card.

    Raises:
        OutputError: There is nothing to score in `folder`, or nothing can be written.
        ConfigError: An argument is not allowed.
    """
    _check(sort, mos_pads, tracker)
    run = find_run(Path(folder), None if source is None else Path(source))
    place = run.folder if out is None else Path(out).absolute()
    if write:
        check_ours(place, NAMES[0], files.FORMAT)
    scoring, notes = scoring_of(run, mos_pads, tracker)
    places = dict.fromkeys((place, run.folder))
    before = [earlier for folder in places if (earlier := files.read_card(folder / NAMES[0])) is not None]
    rows, jobs, remarks = plan(run, scoring, references=references, refit=refit, before=before, force=force)
    notes += remarks
    card = Card(
        name=run.folder.name,
        folder=str(run.folder),
        metrics=list(METRICS),
        rows=[],
        overall=Group(OVERALL, 0, 0),
        sort=sort,
        scoring={"mos_pads": mos_pads, "tracker": tracker, "references": references, "refit": refit},
        settings=run.settings,
        command=run.command,
        created_at=datetime.now(UTC).isoformat("T", "seconds"),
    )
    rows |= {sound.name: start_row(sound) for sound in run.sounds if sound.failed}
    now = jobs if limit is None else jobs[:limit]
    order = {sound.name: position for position, sound in enumerate(run.sounds)}

    def gather() -> None:
        card.rows = sorted(rows.values(), key=lambda row: order[row.name])

    saved = time.monotonic()
    if on_progress and now:
        on_progress(0, len(now))
    done = 0
    for done, row in enumerate(_scored(now, workers, stop), 1):
        rows[row.name] = row
        if on_progress:
            on_progress(done, len(now))
        if write and time.monotonic() - saved > SAVE_EVERY_S:  # a kill loses a minute's work, not a night's
            gather()
            files.write_json(place / NAMES[0], files.content(card))
            saved = time.monotonic()
    gather()
    remaining = len(jobs) - done
    if remaining:
        card.complete = False
        notes.append(f"{remaining} of {len(run.sounds)} sounds are not scored yet; the same command goes on with them")
    summarise(card)
    if sort not in {metric.key for metric in card.metrics} and card.metrics:
        card.sort = card.metrics[0].key
        notes.append(f"no sound has {sort}: sorted by {card.sort}")
    if card.scored and not any(row.match for row in card.scored):
        notes.append("the run kept patches alone (files=patch): the page has no match to listen to; "
                     "`ddsp-match render` plays a patch")  # fmt: skip
    card.notes = notes
    if write:
        write_scores(place, card)
    return card


def write_scores(place: Path, card: Card) -> None:
    """Writes the three files of a card.

    Raises:
        OutputError: They cannot be written.
    """
    from ddsp_match.report import score_page

    files.write_card(place, card)
    score_page.write(place / NAMES[2], card)


def check_ours(place: Path, name: str, form: str) -> None:
    """Refuses, before any work is done, a place where nothing can be written or a file lies that is not ours.

    Leaves no trace.

    Args:
        place: The folder.
        name: The JSON file that marks what was written before.
        form: What that calls its format.

    Raises:
        OutputError: So it is.
    """
    near = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=near):
            pass
        with (place / name).open(encoding="utf-8", errors="replace") as file:
            ours = f'"{form}"' in file.read(400)
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(
            (error.strerror or str(error)).lower(),
            where=place,
            needed="a folder that can be written to",
            cures=[OUT],
        ) from error
    if not ours:
        raise OutputError(
            "a file of that name that ddsp-match has not written", where=place / name, cures=[OUT]
        )


def _scored(jobs: list[ScoreJob], workers: int | None, stop: Callable[[], bool] | None) -> Iterable[Row]:
    """The rows, as they come to their end."""
    if not jobs:
        return
    count = min(len(jobs), workers or os.cpu_count() or 1)
    alone = count == 1 or (workers is None and len(jobs) <= ALONE_UP_TO)
    settings = EngineSettings(name="inline" if alone else "processes", workers=count)
    with engine_of(settings, threads=1, device="cpu") as engine:
        for finished in engine.run(score_sound, jobs, stop):
            row = finished.result or start_row(finished.job.sound)
            if finished.error:
                row.status, row.reason = "failed", finished.error
            yield row


def _check(sort: str, mos_pads: int | None, tracker: str) -> None:
    if sort not in BY_KEY:
        raise ConfigError(repr(sort), where="sort", needed=f"a metric: {', '.join(BY_KEY)}")
    if mos_pads is not None and not 0 <= mos_pads <= 7:
        raise ConfigError(f"{mos_pads}", where="mos_pads", needed="0 to 7")
    if tracker not in TRACKERS:
        raise ConfigError(repr(tracker), where="tracker", needed=f"one of {', '.join(TRACKERS)}")
