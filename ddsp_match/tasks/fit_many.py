"""Fit every sound of a folder, of NSynth or of a table; nothing that was finished is ever lost or done again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from ddsp_match.core.audio.headers import Header
from ddsp_match.core.errors import OutputError
from ddsp_match.core.settings import FitSettings
from ddsp_match.datasets import listing
from ddsp_match.datasets.folder import common_folder
from ddsp_match.runs.batch_size import fastest_rows
from ddsp_match.runs.batches import BatchJob, jobs_of
from ddsp_match.runs.course import Counts, Fit, ManyRun
from ddsp_match.runs.engines import Engine, engine_of
from ddsp_match.runs.store import Entry, Store
from ddsp_match.tasks.run_folder import write_config


@dataclass
class ManyResult:
    """The outcome of a run over many sounds.

    Attributes:
        folder: The run folder.
        counts: Sounds by what became of them.
        seconds: Wall seconds.
        failures: Name and reason of each sound that failed in this command.
        notes: Remarks for the user: files left out or named twice, folders mended.
        stopped: Whether it ended early because it was asked to.
    """

    folder: Path
    counts: Counts
    seconds: float = 0.0
    failures: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    stopped: bool = False

    @property
    def entries(self) -> list[Entry]:
        """Everything in the run's index, read now."""
        return Store.read(self.folder).entries()


def fit_many(
    source: str | Path | Sequence[str | Path],
    settings: FitSettings | None = None,
    out: str | Path = "outputs/many",
    *,
    force: bool = False,
    command: str = "",
    on_begin: Callable[[Counts, list[str]], None] | None = None,
    on_progress: Callable[[Counts], None] | None = None,
    stop: Callable[[], bool] | None = None,
    engine: AbstractContextManager[Engine] | None = None,
    fit: Fit | None = None,
) -> ManyResult:
    """Fits many sounds into one run folder; the same call again goes on where it ended, however it ended.

    Args:
        source: A folder, NSynth's folder, a CSV file, or sound files one by one.
        settings: Of the fit, the data set and the engine; the defaults of ``conf/`` when left out.
        out: The run folder; one of an earlier run with the same settings is gone on with. Sounds that failed are tried
            again, and those whose file has changed since (size or modification time) are fitted again.
        force: Start an earlier run over.
        command: Command line to note down.
        on_begin: Told once, before the first fit, how many sounds there are and are done, and what was left out.
        on_progress: Told after each sound.
        stop: Asked again and again whether to end: then no sound is begun, and what is finished is kept.
        engine: Gives the engine, instead of the one that the settings name.
        fit: Fits a batch and writes its sounds' folders; `ddsp_match.tasks.fit_batch.fit_batch` by default.

    Returns:
        How it ended. A sound that cannot be fitted is a failure with its reason, not the end of the run.

    Raises:
        SoundError: There are no sounds.
        ConfigError: The effects do not exist, or the engine or the device cannot be had.
        OutputError: The folder holds other files, has other settings, is being written by another process, cannot be
            written to, or its disk is full; what was finished is kept.

    Example:
        >>> result = ddsp_match.fit_many("samples", out="outputs/my-kit")
        >>> result.counts.failed, result.failures
    """
    began = time.perf_counter()
    settings, folder = settings or FitSettings(), Path(out)
    named = Path(source) if isinstance(source, str | Path) else [Path(path) for path in source]
    listed = listing(named, settings.dataset, settings.limit)
    _check(settings)
    whole = named.resolve() if isinstance(named, Path) else common_folder([path.resolve() for path in named])
    with Store.create_or_resume(
        folder, command=command, settings=asdict(settings.resolved()), source=str(whole), force=force
    ) as store:
        write_config(folder / "config.yaml", command, settings)
        run = ManyRun(store, listed.items, stop or (lambda: False), on_progress or (lambda _: None))
        notes = [*listed.notes, *store.notes]
        if on_begin is not None:
            on_begin(run.counts, notes)
        if run.rest:
            job = partial(BatchJob, folder=folder.resolve(), settings=settings, command=command)
            with engine or engine_of(settings.engine, threads=settings.threads, device=settings.device) as workers:
                share = -(-len(run.rest) // max(1, workers.workers))  # so that no worker is idle while another has all
                sizes = partial(_size, settings, share)
                run.work(workers, fit or _fit_batch, jobs_of(run.rest, job, sizes))
                if run.lost:  # whole batches: alone, only the sound that is to blame fails
                    run.work(workers, fit or _fit_batch, (job((item,)) for item in run.to_be_alone()))
    if run.trouble is not None:
        kept = run.counts.skipped + run.counts.done
        raise OutputError(
            run.trouble.found,
            where=run.trouble.where or folder,
            needed="a place that can be written to, with room for the results",
            hint=f"free some space; the same command then goes on: {kept} sounds are kept, {run.counts.left} are left",
        )
    stopped = run.counts.left > 0
    return ManyResult(folder, run.counts, time.perf_counter() - began, run.failures, notes, stopped)


def _fit_batch(job: BatchJob) -> list[Entry]:
    from ddsp_match.tasks.fit_batch import fit_batch  # torch is the workers', not the parent's

    return fit_batch(job)


def _check(settings: FitSettings) -> None:
    """Refuse once what every sound would fail of; torch is imported only where there is something to check."""
    if settings.effects:
        from ddsp_match.effects.build import build

        build(settings.effects)
    if settings.device not in ("auto", "cpu") and settings.engine.name != "ray":  # Ray's machines have their own
        from ddsp_match.core.device import device_of

        device_of(settings.device)


def _size(settings: FitSettings, share: int, form: Header) -> int:
    """Most sounds of a form in one batch; each channel is a row of the tensor."""
    if settings.batch_size is not None:
        return settings.batch_size
    return max(1, min(share, fastest_rows(settings.device) // form.channels))
