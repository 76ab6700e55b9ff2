"""A fit of many sounds that takes no time: it reads, writes what a fit would write, and returns entries.

Functions of a module, so that worker processes can be handed them; imports no torch, so that a process starts fast.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import soundfile

from ddsp_match.core import audio
from ddsp_match.core.errors import SoundError
from ddsp_match.runs.engines import Finished
from ddsp_match.runs.store import Entry, write_sound


def write_tone(path: Path, seconds: float = 0.2, sample_rate: int = 16_000, f0_hz: float = 440.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    time_s = np.arange(round(seconds * sample_rate)) / sample_rate
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * f0_hz * time_s), sample_rate)
    return path


def fake_fit(job) -> list[Entry]:
    """Each sound: a patch of its bytes turned round, the sound itself as match; those that cannot be read fail."""
    return [_entry(job, item) for item in job.items]


def fit_without_room(job) -> list[Entry]:
    """The third sound finds the disk full."""
    if len(list((job.folder / "sounds").glob("*"))) >= 2:
        error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_sound(job.folder, Entry(job.items[0].name, str(job.items[0].path), "done"), _raiser(error))
    return fake_fit(job)


def _raiser(error: Exception):
    def write(folder: Path) -> None:
        (folder / "half").write_bytes(b"x")
        raise error

    return write


def _entry(job, item) -> Entry:
    try:
        sound, _ = audio.read(item.path)
    except SoundError as error:
        return Entry(item.name, str(item.path), "failed", item.family, str(error))
    entry = Entry(
        item.name, str(item.path), "done", item.family, metrics={"mrstft": 0.25}, facts={"batch": len(job.items)}
    )

    def write(folder: Path) -> None:
        (folder / f"{Path(item.name).name}.patch.safetensors").write_bytes(item.path.read_bytes()[::-1])
        audio.write(folder / "match.wav", sound)

    write_sound(job.folder, entry, write)
    return entry


class Engine:
    """Does jobs here, one after the other; loses the workers of jobs that `loses` says yes to."""

    workers = 1

    def __init__(self, loses=lambda job: False):
        self.loses, self.jobs = loses, []

    def run(self, function, jobs, stop=None):
        for job in jobs:
            if stop is not None and stop():
                return
            self.jobs.append([item.name for item in job.batch.items])
            if self.loses(job.batch):
                yield Finished(job, error="its worker died 3 times", attempts=3)
            else:
                yield Finished(job, function(job))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def torn(folder: Path) -> list[str]:
    """What in a run folder is half written: every sound's folder must hold all that its entry names, readable."""
    import json

    found = []
    for path in sorted((folder / "sounds").rglob("entry.json")):
        try:
            entry = json.loads(path.read_text())
        except ValueError:
            found.append(f"{path}: no JSON")
            continue
        there = sorted(child.name for child in path.parent.iterdir())
        if there != entry["files"]:
            found.append(f"{path.parent}: {there} instead of {entry['files']}")
        patches = list(path.parent.glob("*.patch.safetensors"))
        if len(patches) != 1 or patches[0].read_bytes()[::-1] != Path(entry["source"]).read_bytes():
            found.append(f"{path.parent}: patch")
        if soundfile.info(path.parent / "match.wav").frames != soundfile.info(entry["source"]).frames:
            found.append(f"{path.parent}: match")
    left = [path.name for path in (folder / "sounds").rglob(".*")]
    return found + left
