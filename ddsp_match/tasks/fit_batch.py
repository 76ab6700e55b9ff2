"""Fit a few of many sounds as one tensor, and write the folder of each: the job of a worker."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import torch

from ddsp_match.core import audio
from ddsp_match.core.device import device_of, memory_free
from ddsp_match.core.errors import MatchError, OutputError
from ddsp_match.core.files import fitted
from ddsp_match.core.settings import FitSettings
from ddsp_match.datasets import Item
from ddsp_match.fitting.result import FitResult, Sound
from ddsp_match.models.registry import settled
from ddsp_match.patch import SUFFIX
from ddsp_match.runs.batch_size import rows_in_memory
from ddsp_match.runs.batches import BatchJob
from ddsp_match.runs.engines import asked_to_stop
from ddsp_match.runs.engines.machine import worker_count
from ddsp_match.runs.store import Entry, read_entry, source_facts, unchanged, write_sound
from ddsp_match.tasks.fit import fit_sounds, read
from ddsp_match.tasks.write_run import write_files

Read = tuple[Item, Sound]


def fit_batch(job: BatchJob, fit: Callable[..., list[FitResult]] = fit_sounds) -> list[Entry]:
    """Read, fit and write the sounds of a job.

    Args:
        job: The sounds, which are fitted together where they have one rate and no effects; where memory does not
            suffice for all of them, halves of them are tried.
        fit: Fits sounds of one rate; `fit_sounds` by default.

    Returns:
        An entry for each sound, done or failed; none for those that a wish to stop came before.

    Raises:
        OutputError: The run folder cannot be written to: every other sound would meet the same.
        ConfigError: The device that the settings ask for does not exist.
    """
    settings = settled(job.settings)
    device = device_of(settings.device)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    entries: list[Entry] = []
    of_rate: dict[int, list[Read]] = {}
    for item in job.items:
        if asked_to_stop():
            return entries
        written = read_entry(job.folder, item.name)
        if written is not None and unchanged(written, source_facts(item.path)):
            entries.append(written)  # by a worker that died later in this job
            continue
        try:
            sound = read(item.path, name=item.name.rsplit("/", 1)[-1])
        except Exception as error:
            entries.append(_failed(item, error))
            continue
        of_rate.setdefault(sound.target.sample_rate, []).append((item, sound))
    for reads in of_rate.values():
        for part in in_parts(reads, device, settings):
            entries += _fitted(part, job, settings, device, fit)
    return entries


def in_parts(
    reads: list[Read], device: torch.device, settings: FitSettings, free_bytes: int | None = None
) -> Iterator[list[Read]]:
    """Split a batch into parts that should fit the free memory of the device; with effects each sound by itself."""
    longest = max(sound.target.n_samples for _, sound in reads)
    if free_bytes is None:
        shared = device.type == "cpu" and settings.engine.name != "inline"
        workers = worker_count(settings.engine.workers, settings.device) if shared else 1
        free_bytes = memory_free(device, workers)
    rows = 1 if settings.effects else rows_in_memory(longest, free_bytes)
    part: list[Read] = []
    for item, sound in reads:
        if part and sum(other.target.channels for _, other in part) + sound.target.channels > rows:
            yield part
            part = []
        part.append((item, sound))
    yield part


def _fitted(
    reads: list[Read],
    job: BatchJob,
    settings: FitSettings,
    device: torch.device,
    fit: Callable[..., list[FitResult]],
) -> list[Entry]:
    """Fit and write a batch; one that memory does not suffice for, or that fails for another reason, is halved."""
    if asked_to_stop():
        return []
    try:
        sounds = [sound for _, sound in reads]
        results = fit(sounds, settings, device, command=job.command, stop=asked_to_stop)
    except Exception as error:
        if device.type == "cuda":
            torch.cuda.empty_cache()
        if asked_to_stop():
            return []
        if len(reads) == 1:
            return [_failed(reads[0][0], error)]
        half = len(reads) // 2
        return [
            *_fitted(reads[:half], job, settings, device, fit),
            *_fitted(reads[half:], job, settings, device, fit),
        ]
    if asked_to_stop():  # what was cut short is worse than what it would become
        return []
    entries: list[Entry] = []
    for (item, _), result in zip(reads, results, strict=True):
        try:
            entries.append(_written(item, job, result, len(reads)))
        except OutputError:
            raise
        except Exception as error:
            entries.append(_failed(item, error))
    return entries


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
        result.save_patch(scratch / fitted(result.name, SUFFIX, scratch))
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
    """True if an error is a lack of memory, of the device or of the machine."""
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
