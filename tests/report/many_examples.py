"""Many sounds to fill pages with: real files from the bundled ones, and figures drawn from a seed."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from ddsp_match.runs.sweep_rows import Row as Job
from ddsp_match.score.card import OVERALL, Card, Comparison, Group, Row
from ddsp_match.score.definitions import BY_KEY
from ddsp_match.score.summary import summarise
from ddsp_match.tasks.compare import compared

METRICS = [BY_KEY[key] for key in ("mrstft", "lsd_db", "snr_db", "f0_l1_cents", "mos", "harmonic_share", "seconds")]
FAMILIES = ["bass", "brass", "flute", "guitar", "keyboard", "mallet", "organ", "reed", "string", "vocal"]
_FLOOR = {"mrstft": 0.11, "lsd_db": 1.9, "snr_db": 31.0, "f0_l1_cents": 0.6, "mos": 4.98}
_CEILINGS = {
    "silence": {"mrstft": 14.2, "lsd_db": 61.0, "snr_db": 0.0, "mos": 1.0},
    "white noise": {"mrstft": 7.9, "lsd_db": 22.4, "snr_db": -3.0, "f0_l1_cents": 803.0, "mos": 1.2},
}
SWEEP = {
    "title": "bass-e1",
    "figure": "best loss",
    "best_by": "mrstft",
    "headline": "Best: 160 harmonics with mrstft.",
    "command": "ddsp-match fit sound.wav --multirun synth.n_harmonics=10,20,40,80,160 loss=mrstft,mel",
}


def sound_files(folder: Path, bundled: Path) -> list[tuple[Path, Path]]:
    """Targets beside the page and matches below it: float32, as runs write them, at half the level."""
    made = []
    for target in sorted(bundled.glob("*.flac")):
        samples, rate = soundfile.read(target, dtype="float32", always_2d=True)
        match = folder / "sounds" / target.stem / "match.wav"
        match.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(match, 0.5 * samples, rate, subtype="FLOAT")
        made.append((target, match))
    return made


def figures(rng: np.random.Generator, hardness: float) -> dict[str, float]:
    """One match's figures: the harder, the worse; some have no pitch."""
    loss = float(0.12 + 0.2 * hardness * rng.lognormal(0, 0.7))
    known = {
        "mrstft": loss,
        "lsd_db": 2 + 9 * loss + float(rng.normal(0, 0.3)),
        "snr_db": 25 - 40 * loss + float(rng.normal(0, 2)),
        "f0_l1_cents": float(rng.lognormal(0.5, 1.2)),
        "mos": float(np.clip(5 - 0.6 * loss, 1, 5)),
        "harmonic_share": float(np.clip(rng.beta(8, 2), 0, 1)),
        "seconds": float(rng.gamma(4, 0.4)),
    }
    if rng.random() < 0.1:
        del known["f0_l1_cents"]
    return known


def card(n: int, files: list[tuple[Path, Path]], **changes: Any) -> Card:
    """The card of so many sounds, which share the files."""
    rng = np.random.default_rng(1)
    rows = []
    for i in range(n):
        family = FAMILIES[i % len(FAMILIES)]
        target, match = files[i % len(files)]
        rows.append(
            Row(
                f"{family}_acoustic_{i:05d}-{36 + i % 48:03d}-075",
                family,
                target=str(target),
                match=str(match),
                report=str(match.parent / "report.html") if i % 3 == 0 else "",
                metrics=figures(rng, 0.4 + 0.25 * (i % len(FAMILIES))),
                floor=_FLOOR,
                ceilings=_CEILINGS,
                facts={"level_db": -20.0, "match_level_db": -26.0, "f0_median_hz": 110.0 + i % 40},
            )
        )
    reason = "not a sound that can be read; needed: WAV, FLAC, OGG, MP3 or AIFF"
    rows.append(Row("brass/broken", "brass", "failed", "not a sound: the file ends in its header"))
    rows.append(Row("notes.txt", "", "failed", reason, target="/data/notes.txt"))
    made = Card(
        "my-kit",
        "/run",
        list(METRICS),
        rows,
        Group(OVERALL, 0, 0),
        settings={"fit": {"batch_size": 32, "seed": 0}, "device": "auto"},
        command="ddsp-match score outputs/my-kit",
        notes=["Zimtohrli is not installed: `pip install 'ddsp-match[mos]'`."],
    )
    return replace(summarise(made), **changes)


def comparison(n: int, files: list[tuple[Path, Path]]) -> Comparison:
    """Two runs: the second is closer in spectra on most sounds, and slower."""
    rng = np.random.default_rng(2)
    a = card(n, files)
    rows = []
    for row in a.scored:
        closer = {key: value * float(rng.normal(0.93, 0.12)) for key, value in row.metrics.items()}
        rows.append(replace(row, metrics={**closer, "seconds": 1.3 * row.metrics["seconds"]}))
    b = replace(a, rows=rows, settings={"fit": {"batch_size": 16, "seed": 0}, "device": "cpu"})
    a.rows.append(replace(a.rows[0], name="brass/lost"))
    return compared(a, b, "a", "b")


def jobs(folder: Path, files: list[tuple[Path, Path]]) -> list[Job]:
    """The jobs of a sweep over harmonics and loss, one of which failed, with their files."""
    rng = np.random.default_rng(3)
    made = []
    for i, (harmonics, loss) in enumerate((h, one) for h in (10, 20, 40, 80, 160) for one in ("mrstft", "mel")):
        own = folder / str(i)
        if i == 3:
            why = "synth.n_harmonics is -1; needed: at least 1"
            made.append(Job(own, {"synth.n_harmonics": "-1", "loss": loss}, error=why, number=i))
            continue
        own.mkdir(parents=True, exist_ok=True)
        for name in ("match.wav", "target.wav"):
            shutil.copy(files[0][1], own / name)
        (own / "report.html").write_text("<title>report</title>", encoding="utf-8")
        scores = figures(rng, 20 / harmonics + (0.2 if loss == "mel" else 0)) | {"numbers_per_second": 100 * harmonics}
        settings = {"synth.n_harmonics": str(harmonics), "loss": loss}
        made.append(Job(own, settings, scores["mrstft"], scores, "plateau", 1 + harmonics / 40, number=i))
    return made
