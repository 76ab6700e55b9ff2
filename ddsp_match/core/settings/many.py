"""The settings of a run over many sounds: the sounds and the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ddsp_match.core.settings.base import Settings, setting


@dataclass
class DatasetSettings(Settings):
    """Which sounds there are in what the user named."""

    section: ClassVar[str] = "dataset"

    kind: str = setting(
        "auto",
        "What names the sounds: every sound file below a folder, NSynth's folder (or its audio/), or the rows of a CSV "
        "file; auto: csv for a file, nsynth where examples.json or NSynth's names are found, else folder.",
        choices=("auto", "folder", "nsynth", "csv"),
    )
    column: str = setting("path", "Column of the CSV file that holds the paths; relative ones start at the CSV file.")


@dataclass
class EngineSettings(Settings):
    """The engine for many sounds: this process, worker processes, or a Ray cluster."""

    section: ClassVar[str] = "engine"

    name: str = setting(
        "processes",
        "inline: this process, one job after the other; processes: workers on this machine; ray: a Ray cluster, "
        "or a local one where no address is given.",
        choices=("inline", "processes", "ray"),
    )
    workers: int | None = setting(
        None,
        "Worker processes; null: one a core (one a GPU on cuda, one on mps), and on Ray as many as the cluster holds.",
        unit="workers",
        low=1,
        high=100_000,
    )
    address: str | None = setting(
        None, "Ray cluster to join: auto, HOST:PORT or ray://HOST:PORT; null: a local Ray is started."
    )
    # A job that kills three workers would kill the fourth.
    retries: int = setting(
        2, "How often a job is tried again whose worker died; then its sounds are entered as failed.", low=0, high=100
    )
