"""Shared parts of the benchmarks: folders of sounds, timing, storing of figures."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RESULTS = HERE / "results"
SEED_CLIP = "nsynth/reed_acoustic_011-045-050.wav"


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
    import torch

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
