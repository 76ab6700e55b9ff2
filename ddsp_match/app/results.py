"""Past fits: the folders that the app and the command line have left among the outputs."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import math
import secrets
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ddsp_match.app.responses import Refusal
from ddsp_match.core.audio.headers import header
from ddsp_match.datasets.naming import safe

SUFFIX = ".patch.safetensors"
METRICS, KNOBS = "metrics.json", "knobs.json"  # what a folder has that a fit, or an effect's identification, has left
MAX_RUNS, MAX_LOSSES = 500, 400
DEPTH = 3  # a sweep keeps its runs one folder further down, a run over many sounds two
SOUNDS = ("target", "match", "harmonic", "noise", "dry")


@dataclass(frozen=True)
class Result:
    """One past fit.

    Attributes:
        id: For pages: the same after a restart, and no path.
        folder: Where it is.
        label: That folder, to be shown.
        when: Unix time of its end, in seconds.
        patch: Its patch file.
        metrics: Figures and words that its fit, or identification, wrote.
    """

    id: str
    folder: Path
    label: str
    when: float
    patch: Path
    metrics: dict[str, Any]

    @property
    def name(self) -> str:
        """The name of its sound."""
        return str(self.metrics.get("sound") or self.metrics.get("name") or self.folder.name)

    def short(self) -> dict[str, Any]:
        """Return its row in a list."""
        figures = self.metrics.get("metrics")
        head = header(self.folder / "match.wav")
        return {
            "id": self.id,
            "name": self.name,
            "folder": self.label,
            "when": self.when,
            "verdict": str(self.metrics.get("verdict", "")),
            "level": str(self.metrics.get("level", "")),
            "mrstft": figures.get("mrstft") if isinstance(figures, dict) else None,
            "seconds": head.n_samples / head.sample_rate if head else None,
        }

    def settings(self) -> dict[str, Any]:
        """The settings of its fit by their dotted names; none where they cannot be read."""
        try:
            content = yaml.safe_load((self.folder / "config.yaml").read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError):
            return {}
        return dict(_dotted(content)) if isinstance(content, dict) else {}

    def losses(self) -> list[list[float]]:
        """Step, loss and lowest loss so far, thinned."""
        try:
            with (self.folder / "loss.csv").open(newline="", encoding="utf-8") as file:
                rows = [[int(row["step"]), float(row["loss"]), float(row["best"])] for row in csv.DictReader(file)]
        except (OSError, ValueError, KeyError, TypeError, UnicodeDecodeError):
            return []
        return rows[:: max(1, math.ceil(len(rows) / MAX_LOSSES))]


def _dotted(settings: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from _dotted(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def plain_name(name: str) -> str:
    """A label as the name of a file or folder: one part, whatever was in it."""
    return safe(name.replace("/", "_").replace("\\", "_"))


class Results:
    """The results below a folder, searched at each request.

    Args:
        outputs: The folder they lie in.
        mark: The file that a folder of theirs has: `METRICS` or `KNOBS`.
    """

    def __init__(self, outputs: Path, mark: str = METRICS) -> None:
        self.outputs, self.mark = outputs.absolute(), mark
        self._known: dict[Path, tuple[float, Result | None]] = {}
        self._ids: dict[str, Result] = {}
        self._lock = threading.Lock()

    def listed(self) -> list[Result]:
        """List them, the newest first."""
        with self._lock:
            results = [run for path in self._paths(self.outputs, DEPTH) if (run := self._read(path)) is not None]
            results.sort(key=lambda run: run.when, reverse=True)
            self._ids = {run.id: run for run in results}
            return results[:MAX_RUNS]

    def get(self, run_id: str) -> Result:
        """The run of that id.

        Raises:
            Refusal: There is none, or it has been deleted.
        """
        run = self._ids.get(run_id)
        if run is None or not run.patch.is_file():
            self.listed()
            run = self._ids.get(run_id)
        if run is None:
            raise Refusal(404, "no run of that id", "one that is still there", "the list of runs")
        return run

    def remove(self, run: Result) -> None:
        """Deletes the folder of a run.

        Raises:
            Refusal: It is one of many that were made together.
        """
        if run.folder.parent != self.outputs:
            raise Refusal(
                409, f"a part of {run.folder.parent.name}", "a run by itself", "deleting that whole folder by hand"
            )
        # Out of the list at once, so that a kill leaves no half run.
        gone = run.folder.with_name(f".{run.folder.name}.{secrets.token_hex(4)}.deleted")
        run.folder.replace(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def id_of(self, folder: Path) -> str:
        """Return the id of the run in a folder."""
        digest = hashlib.blake2b(self.label_of(folder).encode("utf-8", "surrogatepass"), digest_size=9).digest()
        return base64.urlsafe_b64encode(digest).decode("ascii")

    def label_of(self, folder: Path) -> str:
        """A folder's path below the outputs."""
        return folder.absolute().relative_to(self.outputs).as_posix()

    def free_folder(self, name: str) -> Path:
        """A folder for a new run, named after its sound, that does not exist yet."""
        plain = plain_name(name)
        folder, number = self.outputs / plain, 1
        while folder.exists() or folder.is_symlink():
            number += 1
            folder = self.outputs / f"{plain}-{number}"
        return folder

    def _paths(self, folder: Path, depth: int) -> Iterator[Path]:
        """The folders with figures in them; links are not followed, so that nothing outside is ever sent."""
        try:
            entries = sorted(folder.iterdir())
        except OSError:
            return
        for path in entries:
            if path.name.startswith(".") or path.is_symlink() or not path.is_dir():
                continue
            if (path / self.mark).is_file():
                yield path
            elif depth > 1:
                yield from self._paths(path, depth - 1)

    def _read(self, folder: Path) -> Result | None:
        try:
            when = (folder / self.mark).stat().st_mtime
        except OSError:
            return None
        known = self._known.get(folder)
        if known is None or known[0] != when:
            known = self._known[folder] = (when, self._load(folder, when))
        return known[1]

    def _load(self, folder: Path, when: float) -> Result | None:
        try:
            metrics = json.loads((folder / self.mark).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        patches = sorted(path for path in folder.glob(f"*{SUFFIX}") if path.is_file() and not path.is_symlink())
        if not isinstance(metrics, dict) or "verdict" not in metrics or len(patches) != 1:
            return None
        return Result(self.id_of(folder), folder, self.label_of(folder), when, patches[0], metrics)
