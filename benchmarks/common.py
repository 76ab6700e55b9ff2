"""Shared parts of the benchmarks: folders of sounds, timing, storing of figures."""

from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from ddsp_match.core.audio import Audio, write
from ddsp_match.patch import Patch, load_patch
from ddsp_match.patch.playing import with_unseen_noise
from ddsp_match.tasks.render import render

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RESULTS = HERE / "results"
SEED_CLIP = "nsynth/reed_acoustic_011-045-050.wav"
SCORES = ("mrstft", "mos", "mel", "lsd", "steady")
SCORERS = 2  # processes at work


def arguments(description: str | None) -> argparse.ArgumentParser:
    """A parser with the two folders every benchmark needs."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, default=ROOT.parent / "shared/data", help="folder with nsynth/*.wav and the other sounds"
    )
    parser.add_argument(
        "--reference",
        type=Path,
        default=ROOT.parent / "shared/reference",
        help="folder with score.py (the scorer) and seed_recipe.py (the baseline)",
    )
    return parser


def with_settings(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The options of a benchmark that fits with any `settings`, and stores its figures where it is told to `save`."""
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="settings of the fit, such as model=exact")
    parser.add_argument("--save", action="store_true", help="keep the figures for results.md")
    options = parser.parse_intermixed_args()
    strange = [word for word in options.settings if "=" not in word]
    if strange:
        parser.error(f"{strange[0]}: no setting; needed: KEY=VALUE; try model=exact")
    return options


def some(things: Sequence[Any], limit: int | None) -> list[Any]:
    """So many of them, evenly spread; all where there is no limit."""
    if not limit or limit >= len(things):
        return list(things)
    return [things[n * len(things) // limit] for n in range(limit)]


def load(path: Path) -> ModuleType:
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise SystemExit(f"{path}: not found; needed for this benchmark; try --reference or --data")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def save(name: str, figures: dict[str, Any]) -> None:
    """Keeps the figures of one benchmark, with the machine and the command, for ``results.md``."""
    RESULTS.mkdir(exist_ok=True)
    # Where the sounds lay is no part of the result.
    shown = [Path(word).name if os.sep in word and not word.startswith("--") else word for word in sys.argv[1:]]
    record = {"command": " ".join(["python -m benchmarks." + name, *shown]), "machine": machine(), **figures}
    (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")


def machine() -> str:
    """The machine in words."""
    cores, python = os.cpu_count(), platform.python_version()
    return f"{cores} cores, {platform.machine()}, Python {python}, torch {torch.__version__}"


def timed(command: list[str]) -> tuple[float, float]:
    """Runs a command; returns its wall seconds and its peak memory in MB."""
    before = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    message = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - before
    if status:
        raise SystemExit(f"{' '.join(command)} failed:\n{message.decode()[-2000:]}")
    process.returncode = 0
    return seconds, usage.ru_maxrss / 1024


def own_peak_mb() -> float:
    """This process's peak memory in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def ddsp_match(*words: object) -> list[str]:
    """The command line of ddsp-match in this environment."""
    return [sys.executable, "-m", "ddsp_match", *map(str, words)]


@dataclass(frozen=True)
class Fit:
    """The patch of a sound, the kbit of its file for each second of sound, and the seconds of its fit in a worker."""

    patch: Patch
    kbps: float
    seconds: float


def fits_of(clips: Sequence[Path], settings: Sequence[str] = ()) -> dict[Path, Fit]:
    """Each clip fitted with these settings, all by one command. Their names must differ."""
    result = {}
    with tempfile.TemporaryDirectory() as name:
        sounds, out = Path(name) / "sounds", Path(name) / "run"
        sounds.mkdir()
        for clip in clips:
            (sounds / clip.name).symlink_to(clip.resolve())
        timed(ddsp_match("fit", sounds, "-o", out, "--quiet", *settings))
        for path in out.glob("sounds/*/*.patch.safetensors"):
            entry = json.loads((path.parent / "entry.json").read_text())
            kbps, seconds = entry["metrics"]["kbit_per_second"], sum(entry["seconds"].values())
            result[path.name.removesuffix(".patch.safetensors")] = Fit(load_patch(path), kbps, seconds)
    return {clip: result[clip.stem] for clip in clips}


def played(patch: Patch) -> Audio:
    """What a patch plays, with noise that its fit has not seen: whatever is judged is played by this."""
    return render(with_unseen_noise(patch))


def scores_of(pairs: Sequence[tuple[Path | Audio, Path | Audio]], scorer: Path) -> list[dict[str, float]]:
    """The scorer's figures of each target and its match, and ``mel_steady_db`` as ``steady``."""
    with tempfile.TemporaryDirectory() as name:
        jobs = []
        for number, pair in enumerate(pairs):
            paths = [sound if isinstance(sound, Path) else Path(name) / f"{number}-{side}.wav"
                     for side, sound in enumerate(pair)]  # fmt: skip
            for path, sound in zip(paths, pair, strict=True):
                if isinstance(sound, Audio):
                    write(path, sound)
            jobs.append((str(scorer), *map(str, paths)))
        with ProcessPoolExecutor(SCORERS, mp_context=multiprocessing.get_context("spawn")) as pool:
            return list(pool.map(_score, jobs))


def _score(job: tuple[str, str, str]) -> dict[str, float]:
    scorer, target, match = job
    torch.set_num_threads(1)
    module = load(Path(scorer))
    values = [*module.score(target, match), module.mel_steady_db(target, match)]
    return dict(zip(SCORES, (round(float(value), 4) for value in values), strict=True))


def means_of(rows: Sequence[dict[str, Any]], names: Sequence[str] = SCORES) -> dict[str, float]:
    """The mean of each figure over the rows."""
    return {name: statistics.fmean(row[name] for row in rows) for name in names}
