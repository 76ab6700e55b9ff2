"""How close the matches are: every NSynth clip fitted with default settings, scored by the reference scorer.

    python -m benchmarks.quality                     all clips, phases tracked and phase=zero
    python -m benchmarks.quality --limit 8 --phase tracked

Each fit runs in this process, one after the other, as `ddsp-match fit CLIP phase=…` would run it.
"""

from __future__ import annotations

import json
import multiprocessing
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.common import RESULTS, arguments, load, save

NAMES = ("mrstft", "mos", "mel", "lsd")


def fit_all(clips: list[Path], phase: str, folder: Path) -> list[dict]:
    import ddsp_match
    from ddsp_match import audio
    from ddsp_match.settings import FitSettings

    rows = []
    for clip in clips:
        settings = FitSettings()
        settings.synth.phase = phase
        began = time.perf_counter()
        result = ddsp_match.fit(clip, settings=settings)
        seconds = time.perf_counter() - began
        audio.write(folder / f"{clip.stem}.{phase}.wav", result.match, "FLOAT")
        rows.append(
            {
                "clip": clip.stem,
                "seconds": round(seconds, 2),
                "numbers_per_second": round(result.patch.numbers_per_second()),
                "f0_median_hz": round(float(result.features.f0_hz.median()), 2),
                "notes": result.notes,
                "ours": {k: round(v, 4) for k, v in result.metrics.items()},
            }
        )
        print(f"{clip.stem} {phase} {seconds:.1f} s  mrstft {result.metrics['mrstft']:.3f}", flush=True)
    return rows


def score_one(job: tuple[str, str, str]) -> list[float]:
    scorer, target, match = job
    import torch

    torch.set_num_threads(1)
    return [float(x) for x in load(Path(scorer)).score(target, match)]


def means(rows: list[dict]) -> dict[str, float]:
    figures = {}
    for name in NAMES:
        values = [row[name] for row in rows]
        figures[f"mean_{name}"] = round(statistics.fmean(values), 4)
        figures[f"median_{name}"] = round(statistics.median(values), 4)
    figures["numbers_per_second"] = round(statistics.fmean(row["numbers_per_second"] for row in rows))
    figures["seconds_per_clip"] = round(statistics.median(row["seconds"] for row in rows), 2)
    figures["clips"] = len(rows)
    return figures


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--limit", type=int, help="only every so many-th clip, so many in all")
    parser.add_argument("--phase", action="append", choices=("tracked", "static", "zero"))
    parser.add_argument("--keep", type=Path, default=RESULTS.parent / "matches", help="where the matches are left")
    said = parser.parse_args()
    clips = sorted((said.data / "nsynth").glob("*.wav"))
    if not clips:
        raise SystemExit(f"{said.data}/nsynth: no .wav files; needed: NSynth clips; try --data")
    if said.limit:
        clips = clips[:: max(1, len(clips) // said.limit)][: said.limit]
    said.keep.mkdir(parents=True, exist_ok=True)
    kept = RESULTS / "quality.json"
    figures = json.loads(kept.read_text())["phases"] if kept.exists() and not said.limit else {}
    for phase in said.phase or ["tracked", "zero"]:
        rows = fit_all(clips, phase, said.keep)
        jobs = [
            (str(said.reference / "score.py"), str(clip), str(said.keep / f"{clip.stem}.{phase}.wav")) for clip in clips
        ]
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            for row, values in zip(rows, pool.map(score_one, jobs), strict=True):
                row.update(dict(zip(NAMES, (round(v, 4) for v in values), strict=True)))
        figures[phase] = {**means(rows), "rows": rows}
        for row in sorted(rows, key=lambda row: -row["mrstft"])[:10]:
            print("{mrstft:.3f} mrstft {mos:.2f} mos {mel:.2f} mel  {clip}".format(**row))
        print(phase, means(rows))
        if not said.limit:
            save("quality", {"phases": figures})


if __name__ == "__main__":
    main()
