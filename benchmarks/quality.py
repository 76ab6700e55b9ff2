"""Score the matches of the exact model, and the gain from each part of it: all NSynth clips, by the reference scorer.

    python -m benchmarks.quality                               every variant over all clips: some minutes each
    python -m benchmarks.quality --only default --only "zero phases"
    python -m benchmarks.quality --limit 22 --only "no polish" every fourth clip

Each variant is one command, ``ddsp-match fit CLIPS model=exact SETTINGS``, whose matches are scored in two processes.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from pathlib import Path

from benchmarks.common import RESULTS, arguments, ddsp_match, save, scores_of, timed

NAMES = ("mrstft", "mos", "mel", "lsd")
# What is changed, and the settings that change it. "as before": partials that follow 20 Hz, on harmonics near 100 Hz
# apart, noise alone where nothing has a pitch, and 400 steps.
VARIANTS: dict[str, tuple[str, ...]] = {
    "default": (),
    "as before": ("init.bandwidth_hz=20", "optimizer.steps=400"),
    "narrow partials": ("init.bandwidth_hz=20",),
    "harmonics only": ("synth.divisions=1",),
    "no steady grid": ("synth.grid=f0",),
    "steady grid for all": ("synth.grid=steady",),
    "no noise part": ("synth.noise=false",),
    "no polish": ("optimizer.steps=1",),
    "400 steps": ("optimizer.steps=400",),
    "zero phases": ("phase=zero",),
}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--limit", type=int, help="only every so many-th clip, so many in all")
    parser.add_argument("--only", action="append", choices=tuple(VARIANTS))
    options = parser.parse_args()
    clips = sorted((options.data / "nsynth").glob("*.wav"))
    if not clips:
        raise SystemExit(f"{options.data}/nsynth: no .wav files; needed: NSynth clips; try --data")
    if options.limit:
        clips = clips[:: max(1, len(clips) // options.limit)][: options.limit]
    stored = RESULTS / "quality.json"
    variants = json.loads(stored.read_text()).get("variants", {}) if stored.exists() else {}
    for name in options.only or VARIANTS:
        figures = measured(clips, VARIANTS[name], options.reference / "score.py")
        for row in sorted(figures["rows"], key=lambda row: row["mos"])[:10]:
            print("{mrstft:.3f} mrstft {mos:.2f} mos {mel:.2f} mel  {clip}".format(**row))
        print(name, {key: value for key, value in figures.items() if key != "rows"}, flush=True)
        if figures["clips"] >= variants.get(name, {}).get("clips", 0):  # fewer clips do not replace more
            variants[name] = figures
            save("quality", {"variants": variants})


def measured(clips: list[Path], settings: tuple[str, ...], scorer: Path) -> dict:
    settings = ("model=exact", *settings)
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "run"
        seconds, _ = timed(ddsp_match("fit", *clips, "-o", out, "--quiet", *settings))
        folders = [out / "sounds" / clip.stem for clip in clips]
        rows = [row_of(clip, folder) for clip, folder in zip(clips, folders, strict=True)]
        pairs = [(clip, folder / "match.wav") for clip, folder in zip(clips, folders, strict=True)]
        for row, scores in zip(rows, scores_of(pairs, scorer), strict=True):
            row |= scores
    return {"settings": " ".join(settings), "seconds": round(seconds, 1), **means(rows), "rows": rows}


def row_of(clip: Path, folder: Path) -> dict:
    entry = json.loads((folder / "entry.json").read_text())
    facts = entry["facts"]
    return {
        "clip": clip.stem,
        "seconds": round(sum(entry["seconds"].values()), 2),
        "numbers_per_second": round(entry["metrics"]["numbers_per_second"]),
        "f0_median_hz": facts["f0_median_hz"],
        "snr_db": round(entry["metrics"]["snr_db"], 2),
        "harmonic_share": round(entry["metrics"]["harmonic_share"], 4),
    }


def means(rows: list[dict]) -> dict[str, float]:
    figures = {}
    for name in NAMES:
        values = [row[name] for row in rows]
        figures[f"mean_{name}"] = round(statistics.fmean(values), 4)
        figures[f"median_{name}"] = round(statistics.median(values), 4)
    worst = sorted(row["mos"] for row in rows)[: max(1, len(rows) // 10)]
    figures["worst_tenth_mos"] = round(statistics.fmean(worst), 3)
    figures["numbers_per_second"] = round(statistics.fmean(row["numbers_per_second"] for row in rows))
    figures["seconds_per_clip"] = round(statistics.median(row["seconds"] for row in rows), 2)
    figures["clips"] = len(rows)
    return figures


if __name__ == "__main__":
    main()
