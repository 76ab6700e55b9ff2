"""Batches of sounds as jobs: sounds that can be fitted together as one tensor, by what their headers say."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ddsp_match.core.audio.headers import Header, header
from ddsp_match.core.settings import FitSettings
from ddsp_match.datasets import Item

WINDOW = 1024  # sounds whose headers are read ahead, so that the first job need not wait for the last header
LONGEST_OVER_SHORTEST = 1.25  # within a batch: at most a fifth of the tensor is padding


@dataclass(frozen=True)
class BatchJob:
    """A job of a worker: sounds of one form to be fitted together.

    Attributes:
        items: The sounds, the longest first.
        folder: The run folder, absolute.
        settings: Of the fit.
        command: Command line to note down in the patches.
    """

    items: tuple[Item, ...]
    folder: Path
    settings: FitSettings
    command: str = ""


def jobs_of(
    items: Iterable[Item], job: Callable[[tuple[Item, ...]], BatchJob], size_for: Callable[[Header], int]
) -> Iterator[BatchJob]:
    """Draw jobs, one after the other; headers are read as jobs are drawn.

    A sound whose header tells nothing goes alone: its worker finds the reason, and no other sound waits for it.

    Args:
        items: The sounds.
        job: Makes a job of a batch.
        size_for: Most sounds of a form (the longest of a batch) that are fitted together.
    """
    remaining = iter(items)
    while window := list(itertools.islice(remaining, WINDOW)):
        headers = [(header(item.path), item) for item in window]
        for form, item in headers:
            if form is None or not form.n_samples:
                yield job((item,))
        known = [(form, item) for form, item in headers if form is not None and form.n_samples]
        yield from map(job, _batches(known, size_for))


def _batches(known: list[tuple[Header, Item]], size_for: Callable[[Header], int]) -> Iterator[tuple[Item, ...]]:
    """Sounds of one rate and number of channels, by falling length: what takes longest is begun first."""
    known.sort(key=lambda pair: pair[0], reverse=True)
    batch: list[Item] = []
    longest: Header | None = None
    size = 0
    for form, item in known:
        alike = (
            longest is not None
            and (form.sample_rate, form.channels) == (longest.sample_rate, longest.channels)
            and longest.n_samples <= LONGEST_OVER_SHORTEST * form.n_samples
        )
        if batch and (not alike or len(batch) >= size):
            yield tuple(batch)
            batch = []
        if not batch:
            longest, size = form, size_for(form)
        batch.append(item)
    if batch:
        yield tuple(batch)
