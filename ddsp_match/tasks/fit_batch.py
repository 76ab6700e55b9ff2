"""Fit a few of many sounds as one tensor, and write the folder of each: what a worker does."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import torch

from ddsp_match.analysis.analyse import analyse_batch
from ddsp_match.core import audio
from ddsp_match.core.audio import at_fit_rate, sound_of
from ddsp_match.core.device import device_of, memory_free
from ddsp_match.core.errors import MatchError, OutputError
from ddsp_match.core.files import fitted
from ddsp_match.core.settings import FitSettings
from ddsp_match.core.timebase import Timebase
from ddsp_match.datasets import Item
from ddsp_match.fitting.first_guess import SHORT_S, Target
from ddsp_match.fitting.result import FitResult, Hearing, conclude
from ddsp_match.fitting.together import match_together
from ddsp_match.patch import SUFFIX
from ddsp_match.runs.batch_size import rows_in_memory
from ddsp_match.runs.batches import BatchJob
from ddsp_match.runs.engines import asked_to_stop
from ddsp_match.runs.engines.machine import worker_count
from ddsp_match.runs.store import Entry, read_entry, source_facts, unchanged, write_sound
from ddsp_match.tasks.fit import fit
from ddsp_match.tasks.write_run import write_files


@dataclass(frozen=True)
class _Read:
    """A sound that could be read."""

    item: Item
    target: audio.Audio
    source_sample_rate: int
    notes: list[str]
    seconds: float


def fit_batch(job: BatchJob) -> list[Entry]:
    """Reads, hears, fits and writes the sounds of a job.

    Args:
        job: The sounds, which are fitted together where they have one rate and are short enough not to be cut; where
            memory does not suffice for all of them, halves of them are tried.

    Returns:
        An entry for each sound, done or failed; none for those that a wish to stop came before.

    Raises:
        OutputError: The run folder cannot be written to: every other sound would meet the same.
        ConfigError: The device that the settings ask for does not exist.
    """
    settings = job.settings.resolved()
    device = device_of(settings.device)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    entries: list[Entry] = []
    together: dict[int, list[_Read]] = {}
    for item in job.items:
        if asked_to_stop():
            return entries
        written = read_entry(job.folder, item.name)
        if written is not None and unchanged(written, source_facts(item.path)):
            entries.append(written)  # by a worker that died later in this job
            continue
        if settings.effects:
            entries += _guarded(item, partial(_alone, item, job, settings))
            continue
        try:
            read = _read(item)
        except OutputError:
            raise
        except Exception as error:
            entries.append(_failed(item, error))
            continue
        if read.target.n_samples > SHORT_S * read.target.sample_rate:
            entries += _guarded(item, partial(_alone, item, job, settings))
        else:
            together.setdefault(read.target.sample_rate, []).append(read)
    for group in together.values():
        for part in _in_memory(group, device, settings):
            entries += _together(part, job, settings, device)
    return entries


def _in_memory(reads: list[_Read], device: torch.device, settings: FitSettings) -> Iterator[list[_Read]]:
    """Parts of a batch that should fit the memory of the device."""
    longest = max(read.target.n_samples for read in reads)
    shared = device.type == "cpu" and settings.engine.name != "inline"
    workers = worker_count(settings.engine.workers, settings.device) if shared else 1
    rows = rows_in_memory(longest, memory_free(device, workers))
    part: list[_Read] = []
    for read in reads:
        if part and sum(other.target.channels for other in [*part, read]) > rows:
            yield part
            part = []
        part.append(read)
    yield part


def _read(item: Item) -> _Read:
    began = time.perf_counter()
    sound, notes = sound_of(item.path, None)
    target, note = at_fit_rate(sound)
    notes = [*notes, note] if note else notes
    return _Read(item, target, sound.sample_rate, notes, time.perf_counter() - began)


def _alone(item: Item, job: BatchJob, settings: FitSettings) -> Entry:
    """One sound as the fit of one does it: with effects, or so long that it is cut into segments."""
    result = fit(item.path, settings=settings, command=job.command, name=item.name.rsplit("/", 1)[-1])
    return _written(item, job, result, 1)


def _together(reads: list[_Read], job: BatchJob, settings: FitSettings, device: torch.device) -> list[Entry]:
    """Fits a batch; one that memory does not suffice for, or that fails for another reason, is halved."""
    if asked_to_stop() or not reads:
        return []
    try:
        results = _results(reads, job, settings, device)
    except OutputError:
        raise
    except Exception as error:
        if device.type == "cuda":
            torch.cuda.empty_cache()
        if asked_to_stop():
            return []
        if len(reads) == 1:
            return [_failed(reads[0].item, error)]
        half = len(reads) // 2
        return [
            *_together(reads[:half], job, settings, device),
            *_together(reads[half:], job, settings, device),
        ]
    if asked_to_stop():  # what was cut short is worse than what it would become
        return []
    entries: list[Entry] = []
    for read, result in zip(reads, results, strict=True):
        write = partial(_written, read.item, job, result, len(reads))
        entries += _guarded(read.item, write)
    return entries


def _results(reads: list[_Read], job: BatchJob, settings: FitSettings, device: torch.device) -> list[FitResult]:
    timebase = Timebase.at(reads[0].target.sample_rate)
    began = time.perf_counter()
    heard = analyse_batch([read.target for read in reads], timebase, settings.f0, device=device)
    share_s = (time.perf_counter() - began) / len(reads)
    hearings = [
        Hearing(
            read.item.name.rsplit("/", 1)[-1],
            read.target,
            read.source_sample_rate,
            features,
            track.pitched,
            [*read.notes, *track.changes],
            {"read and analyse": read.seconds + share_s},
        )
        for read, (features, track) in zip(reads, heard, strict=True)
    ]
    results: list[FitResult | None] = [None] * len(reads)
    for pitched in (True, False):
        chosen = [i for i, hearing in enumerate(hearings) if hearing.pitched == pitched]
        if not chosen:
            continue
        targets = [
            Target(torch.from_numpy(hearings[i].target.samples), hearings[i].features.f0_hz, pitched) for i in chosen
        ]
        matches = match_together(targets, timebase, settings, device=device, stop=asked_to_stop)
        for i, target, match in zip(chosen, targets, matches, strict=True):
            hearings[i].seconds.update(match.seconds)
            offset = target.samples.mean(1).tolist()
            results[i] = conclude(hearings[i], match, offset, settings, command=job.command)
    return [result for result in results if result is not None]


def _guarded(item: Item, work: Callable[[], Entry]) -> list[Entry]:
    """What one sound's work gives; its failure is an entry, a folder that cannot be written to the end of the job."""
    try:
        return [work()]
    except OutputError:
        raise
    except Exception as error:
        return [_failed(item, error)]


def _written(item: Item, job: BatchJob, result: FitResult, batch: int) -> Entry:
    entry = Entry(
        name=item.name,
        source=str(item.path),
        status="done",
        family=item.family,
        metrics=result.metrics,
        seconds=result.seconds,
        facts=_facts(item, result, batch),
        finished_at=_now(),
    )

    def write(scratch: Path) -> None:
        if job.settings.files == "report":
            write_files(result, scratch)
            return
        result.patch.save(scratch / fitted(result.name, SUFFIX, scratch))
        if job.settings.files == "sounds":
            audio.write(scratch / "match.wav", result.match, "FLOAT")

    write_sound(job.folder, entry, write)
    return entry


def _facts(item: Item, result: FitResult, batch: int) -> dict[str, object]:
    return {
        "sample_rate": result.target.sample_rate,
        "n_samples": result.target.n_samples,
        "pitched": result.pitched,
        "pitch_midi": item.pitch_midi,
        "f0_median_hz": result.features.pitch_hz,
        "level": result.verdict.level,
        "headline": result.verdict.headline,
        "notes": result.notes,
        "stop_reason": str(result.stop_reason),
        "steps": result.trace.steps[-1] if result.trace.steps else 0,
        "numbers_per_second": round(result.patch.numbers_per_second()),
        "peak_mb": peak_mb(),
        "batch": batch,
    }


def _failed(item: Item, error: Exception) -> Entry:
    if isinstance(error, MatchError):
        reason = str(error)
    elif is_out_of_memory(error):
        reason = f"{item.path}: out of memory; try: a machine or device with more, or a shorter sound"
    else:
        reason = f"{item.path}: a bug of ours, please report it: {type(error).__name__}: {error}"
    return Entry(
        name=item.name, source=str(item.path), status="failed", family=item.family, reason=reason, finished_at=_now()
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory was what an error was about: of the device, or of the machine."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(
        words in str(error) for words in ("out of memory", "can't allocate memory", "DefaultCPUAllocator")
    )


def peak_mb() -> float:
    """Most memory that this process has held so far, on a GPU that of the GPU, in MB."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 1e6
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
