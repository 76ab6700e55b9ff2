"""Many sounds to fill pages with: real files from the bundled ones, and figures drawn from a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from ddsp_match.fitting.verdict import LEVELS
from ddsp_match.report.compare_data import Change, CompareData, Pair
from ddsp_match.report.score_data import Failure, FamilyScores, ScoreData, ScoreRow
from ddsp_match.report.sweep_data import Run, SweepData
from ddsp_match.report.table_data import Column, Mean, Sound

COLUMNS = [
    Column(
        "mrstft",
        "Multi-resolution STFT loss",
        "",
        "lower",
        "How far the spectra are apart, over six window lengths.",
        floor=0.11,
        silence=14.2,
        white_noise=7.9,
    ),
    Column("lsd_db", "Log-spectral distance", "dB", "lower", "Difference of level in every bin.", 1.9, 61.0, 22.4, 2),
    Column("snr_db", "Waveform SNR", "dB", "higher", "Level of the target over the difference.", 31.0, 0.0, -3.0, 1),
    Column("f0_cents", "f0 error", "cents", "lower", "Of the re-tracked match.", 0.6, None, 803.0, 1),
    Column("mos", "Zimtohrli", "1 to 5", "higher", "Predicted opinion of a listener.", 4.98, 1.0, 1.2, 2),
    Column("harmonic_share", "Harmonic share", "share", "neither", "What the harmonics play.", digits=3),
    Column("seconds", "Time", "s", "lower", "Wall seconds of the fit."),
]
FAMILIES = ["bass", "brass", "flute", "guitar", "keyboard", "mallet", "organ", "reed", "string", "vocal"]


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


def figures(rng: np.random.Generator, hardness: float) -> dict[str, float | None]:
    """One match's figures: the harder, the worse."""
    loss = float(0.12 + 0.2 * hardness * rng.lognormal(0, 0.7))
    return {
        "mrstft": loss,
        "lsd_db": 2 + 9 * loss + float(rng.normal(0, 0.3)),
        "snr_db": 25 - 40 * loss + float(rng.normal(0, 2)),
        "f0_cents": None if rng.random() < 0.1 else float(rng.lognormal(0.5, 1.2)),
        "mos": float(np.clip(5 - 0.6 * loss, 1, 5)),
        "harmonic_share": float(np.clip(rng.beta(8, 2), 0, 1)),
        "seconds": float(rng.gamma(4, 0.4)),
    }


def mean_of(values: list[float], names: list[str], lower: bool) -> Mean:
    """A mean with the interval of a normal distribution."""
    array = np.array(values)
    half = 1.96 * array.std() / max(1, len(array)) ** 0.5
    worst = int(array.argmax() if lower else array.argmin())
    mean = float(array.mean())
    median = float(np.median(array))
    return Mean(mean, len(values), mean - half, mean + half, median, values[worst], names[worst])


def means_of(rows: list[ScoreRow]) -> dict[str, Mean]:
    """Means of every metric that a row has."""
    made = {}
    for column in COLUMNS:
        known = [(value, row.name) for row in rows if (value := row.values[column.key]) is not None]
        if known:
            made[column.key] = mean_of([v for v, _ in known], [n for _, n in known], column.better != "higher")
    return made


def score_data(n: int, files: list[tuple[Path, Path]], **changes: object) -> ScoreData:
    """A score card of so many sounds, which share the files."""
    rng = np.random.default_rng(1)
    hardness = {family: 0.4 + 0.25 * i for i, family in enumerate(FAMILIES)}
    rows = []
    for i in range(n):
        family = FAMILIES[i % len(FAMILIES)]
        target, match = files[i % len(files)]
        rows.append(
            ScoreRow(
                f"{family}_acoustic_{i:05d}-{36 + i % 48:03d}-075",
                figures(rng, hardness[family]),
                family,
                Sound(target, -20.0),
                Sound(match, -26.0),
                match.parent / "report.html" if i % 3 == 0 else None,
                {
                    "Verdict": "Fair match: the character is there, the details differ." if i % 4 else "Good match.",
                    "Pitch": f"{110 + i % 40:.1f} Hz",
                },
                LEVELS[i % 4],
            )
        )
    families = [
        FamilyScores(name, len(own), means_of(own), {"mrstft": 0.08 + 0.01 * i})
        for i, name in enumerate(FAMILIES)
        if (own := [row for row in rows if row.family == name])
    ]
    given: dict = {
        "title": "my-kit",
        "columns": COLUMNS,
        "rows": rows,
        "overall": means_of(rows),
        "families": families,
        "failures": [
            Failure("brass/broken", "not a sound: the file ends in its header", "brass"),
            Failure("notes.txt", "not a sound that can be read; needed: WAV, FLAC, OGG, MP3 or AIFF"),
        ],
        "headline": "On average a good match; vocals are the hardest.",
        "command": "ddsp-match score outputs/my-kit",
        "notes": ["Zimtohrli is not installed: `pip install 'ddsp-match[mos]'`."],
        "floor_words": "The floor is what two fits of a sound with different seeds get against each other.",
        "settings": {"fit": {"batch_size": 32, "seed": 0}, "device": "auto"},
        "sort_by": "mrstft",
    }
    return ScoreData(**{**given, **changes})


def compare_data(n: int, files: list[tuple[Path, Path]], **changes: object) -> CompareData:
    """Two runs: the second is closer in spectra on most sounds, and slower."""
    rng = np.random.default_rng(2)
    pairs = []
    for i in range(n):
        target, match = files[i % len(files)]
        a = figures(rng, 1.0)
        b = {key: None if v is None else v * float(rng.normal(0.93, 0.12)) for key, v in a.items()}
        b["seconds"] = (a["seconds"] or 0) * 1.3
        family = FAMILIES[i % len(FAMILIES)]
        pairs.append(
            Pair(f"{family}/{i:04d}", a, b, family, Sound(target, -20.0), Sound(match, -26.0), Sound(target, -20.0))
        )
    changed = []
    for column in COLUMNS:
        both = [
            (x, y) for pair in pairs if (x := pair.a[column.key]) is not None and (y := pair.b[column.key]) is not None
        ]
        apart = [y - x for x, y in both]
        sign = -1 if column.better == "lower" else 1
        mean = mean_of(apart, [""] * len(apart), True)
        sure = (mean.low or 0) * (mean.high or 0) > 0
        words = ("higher", "lower") if column.better == "neither" else ("better", "worse")
        way = words[0 if sign * mean.mean > 0 else 1]
        changed.append(
            Change(
                column.key,
                float(np.mean([x for x, _ in both])),
                float(np.mean([y for _, y in both])),
                mean,
                float(np.mean([sign * d > 0 for d in apart])),
                float(np.mean([sign * d < 0 for d in apart])),
                way if sure else "no clear difference",
                0.0004 if sure else 0.41,
            )
        )
    given: dict = {
        "title": "a against b",
        "name_a": "a",
        "name_b": "b",
        "columns": COLUMNS,
        "changes": changed,
        "pairs": pairs,
        "only_a": {"brass/broken": "failed in b: out of memory"},
        "settings": {"synth.n_harmonics": (40, 80), "loss": ("mrstft", "mel")},
        "headline": "b is closer by the multi-resolution STFT loss, and takes a third longer.",
        "rule": "Better or worse only where the interval and p, corrected for 14 metrics, agree.",
        "command": "ddsp-match compare outputs/a outputs/b",
        "sort_by": "mrstft",
    }
    return CompareData(**{**given, **changes})


def sweep_data(files: list[tuple[Path, Path]], **changes: object) -> SweepData:
    """A sweep over harmonics and loss with one run that failed."""
    rng = np.random.default_rng(3)
    target, match = files[0]
    runs = []
    for i, (harmonics, loss) in enumerate((h, one) for h in (10, 20, 40, 80, 160) for one in ("mrstft", "mel")):
        scores = figures(rng, 20 / harmonics + (0.2 if loss == "mel" else 0))
        if i == 3:
            why = "synth.n_harmonics is -1; needed: at least 1"
            runs.append(Run(str(i), {"synth.n_harmonics": -1, "loss": loss}, reason=why))
            continue
        runs.append(
            Run(
                str(i),
                {"synth.n_harmonics": harmonics, "loss": loss},
                scores,
                "The loss no longer fell.",
                float(1 + harmonics / 40),
                Sound(match, -26.0),
                match.parent / "report.html",
            )
        )
    given: dict = {
        "title": target.name,
        "columns": COLUMNS[:5],
        "runs": runs,
        "target": Sound(target, -20.0),
        "best_by": "mrstft",
        "headline": "Best: 160 harmonics with mrstft.",
        "command": "ddsp-match fit sound.wav --multirun synth.n_harmonics=10,20,40,80,160 loss=mrstft,mel",
    }
    return SweepData(**{**given, **changes})
