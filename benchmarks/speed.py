"""Time a fit beside the seed's recipe in the same run.

    python -m benchmarks.speed

The seed's clip, its first two seconds at 16 kHz. Three figures, each as a ratio to the seed's: optimising to the
seed's final loss (our first guess included), the whole command stopped at that loss, and the whole command at default
quality. The commands of ours are run three times and the median counts; the seed's recipe is run once.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from pathlib import Path

import soundfile

from benchmarks.common import SEED_CLIP, arguments, ddsp_match, save, timed

SECONDS = 2.0


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples, rate = soundfile.read(options.data / SEED_CLIP, dtype="float32")
        clip = folder / "clip.wav"
        soundfile.write(clip, samples[: int(SECONDS * rate)], rate)
        seed_s, seed_mb, seed = run_seed(options.reference / "seed_recipe.py", clip, folder)
        final = seed["loss"][-1]
        stopped, _, stopped_loss = run_ours(clip, folder, options.runs, f"optimizer.target_loss={final:.6f}")
        default, default_mb, _ = run_ours(clip, folder, options.runs)
        figures = {
            "seed_whole_s": round(seed_s, 2),
            "seed_fit_s": round(seed["fit_s"], 2),
            "seed_pitch_s": round(seed["pitch_s"], 2),
            "seed_loss": round(final, 4),
            "seed_peak_mb": round(seed_mb),
            "to_seed_loss_s": round(stopped_loss["optimise_s"], 3),
            "to_seed_loss_steps": stopped_loss["steps"],
            "loss_at_start": round(stopped_loss["start"], 4),
            "stopped_whole_s": round(stopped, 2),
            "default_whole_s": round(default, 2),
            "default_peak_mb": round(default_mb),
            "ratio_optimisation": round(seed["fit_s"] / stopped_loss["optimise_s"], 1),
            "ratio_stopped": round(seed_s / stopped, 2),
            "ratio_default": round(seed_s / default, 2),
        }
    print(json.dumps(figures, indent=1))
    save("speed", figures)


def run_seed(recipe: Path, clip: Path, folder: Path) -> tuple[float, float, dict]:
    import sys

    seconds, peak = timed([sys.executable, str(recipe), str(clip), "--out", str(folder / "seed")])
    return seconds, peak, json.loads((folder / "seed/seed.json").read_text())


def run_ours(clip: Path, folder: Path, runs: int, *overrides: str) -> tuple[float, float, dict]:
    times, peaks, courses = [], [], []
    for index in range(runs + 1):
        out = folder / f"ours-{len(overrides)}-{index}"
        seconds, peak = timed(ddsp_match("fit", clip, "-o", out, "--quiet", *overrides))
        if not index:
            continue  # the first run warms the disk's cache
        times.append(seconds)
        peaks.append(peak)
        result = json.loads((out / "metrics.json").read_text())
        rows = (out / "loss.csv").read_text().splitlines()[1:]
        courses.append(
            {
                "optimise_s": result["seconds"]["first guess"] + result["seconds"]["optimise"],
                "steps": result["steps"],
                "start": float(rows[0].split(",")[1]),
            }
        )
    middle = sorted(courses, key=lambda course: course["optimise_s"])[len(courses) // 2]
    return statistics.median(times), max(peaks), middle


if __name__ == "__main__":
    main()
