"""Time the fit of many sounds: a folder in one command, beside one command a sound, and beside the seed's recipe.

    python -m benchmarks.throughput                   all 88 clips, each also alone, the seed's recipe on 3 of them
    python -m benchmarks.throughput --alone 12        only every so many-th clip alone, extrapolated
    python -m benchmarks.throughput --scaling         memory and time over the number of sounds instead

Everything is the command as a user would type it, with default settings, in one run on one machine; the recipe is
extrapolated from its clips to all of them. The folder's matches are what the quality benchmark would have scored.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import statistics
import tempfile
from pathlib import Path

import soundfile

from benchmarks.common import RESULTS, arguments, ddsp_match, save, timed
from benchmarks.speed import run_seed

SIZES = (1, 8, 64, 512)
SCALING_S = 1.0  # seconds of each repeated sound


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--alone", type=int, help="clips that are also fitted one command at a time (default: all)")
    parser.add_argument("--seed-clips", type=int, default=3, help="clips that the seed's recipe fits")
    parser.add_argument("--scaling", action="store_true", help="measure 1, 8, 64 and 512 sounds instead")
    options = parser.parse_args()
    clips = sorted((options.data / "nsynth").glob("*.wav"))
    if not clips:
        raise SystemExit(f"{options.data}/nsynth: no .wav files; needed: NSynth clips; try --data")
    stored = json.loads((RESULTS / "throughput.json").read_text()) if (RESULTS / "throughput.json").exists() else {}
    stored = {name: stored[name] for name in ("together", "scaling") if name in stored}
    with tempfile.TemporaryDirectory() as name:
        if options.scaling:
            stored["scaling"] = scaling(clips, Path(name))
        else:
            stored["together"] = together(clips, options, Path(name))
    print(json.dumps(stored, indent=1))
    save("throughput", stored)


def together(clips: list[Path], options, folder: Path) -> dict:
    warm = folder / "warm"
    timed(ddsp_match("fit", clips[0], "-o", warm, "--quiet"))  # caches of the disk and of compiled kernels
    many_s, many_mb = timed(ddsp_match("fit", clips[0].parent, "-o", folder / "many", "--quiet"))
    print(f"{len(clips)} clips in one command: {many_s:.1f} s", flush=True)
    subset = clips if options.alone is None else clips[:: max(1, len(clips) // options.alone)][: options.alone]
    times = []
    for clip in subset:
        seconds, _ = timed(ddsp_match("fit", clip, "-o", folder / "alone", "--quiet", "--force"))
        times.append(seconds)
    alone_s = statistics.fmean(times)
    print(f"one command a clip: {alone_s:.2f} s each", flush=True)
    recipe, spread = options.reference / "seed_recipe.py", clips[:: max(1, len(clips) // 3)][: options.seed_clips]
    seeds = [run_seed(recipe, clip, folder)[0] for clip in spread]
    seed_s = statistics.fmean(seeds) if seeds else float("nan")
    return {
        "clips": len(clips),
        "many_s": round(many_s, 1),
        "many_peak_mb": round(many_mb),
        "clips_a_minute": round(60 * len(clips) / many_s, 1),
        "alone_clips": len(subset),
        "alone_s_a_clip": round(alone_s, 2),
        "seed_clips": len(seeds),
        "seed_s_a_clip": round(seed_s, 1),
        "ratio_alone": round(alone_s * len(clips) / many_s, 2),
        "ratio_seed": round(seed_s * len(clips) / many_s, 1),
    }


def scaling(clips: list[Path], folder: Path) -> dict:
    """Time over the number of sounds, and memory over the size of a batch, in one process."""
    samples, rate = soundfile.read(clips[0], dtype="float32")
    short = samples[: int(SCALING_S * rate)]
    rows = []
    for size in SIZES:
        source = folder / f"{size}"
        source.mkdir()
        for number in range(size):
            soundfile.write(source / f"{number:03}.wav", short, rate)
        seconds, peak = timed(ddsp_match("fit", source, "-o", folder / f"out-{size}", "--quiet"))
        rows.append({"sounds": size, "seconds": round(seconds, 1), "peak_mb": round(peak)})
        print(rows[-1], flush=True)
    batches = []
    source = folder / f"{SIZES[2]}"
    for size in (1, 4, 16, 64):
        out = folder / f"batch-{size}"
        settings = (f"batch_size={size}", "engine=inline")
        seconds, _ = timed(ddsp_match("fit", source, "-o", out, "--quiet", *settings))
        batches.append({"batch": size, "seconds": round(seconds, 1), "peak_mb": round(most_mb(out))})
        print(batches[-1], flush=True)
        shutil.rmtree(out)
    slope = (rows[-1]["seconds"] - rows[1]["seconds"]) / (rows[-1]["sounds"] - rows[1]["sounds"])
    between = (rows[2]["seconds"] - rows[1]["seconds"]) / (rows[2]["sounds"] - rows[1]["sounds"])
    return {
        "seconds_of_sound": SCALING_S,
        "rows": rows,
        "batches": batches,
        "s_a_sound_8_to_64": round(between, 3),
        "s_a_sound_8_to_512": round(slope, 3),
        "mb_a_sound_in_a_batch": round((batches[-1]["peak_mb"] - batches[0]["peak_mb"]) / (64 - 1), 2),
    }


def most_mb(run: Path) -> float:
    with sqlite3.connect(run / "index.sqlite") as index:
        columns = [row[1] for row in index.execute("PRAGMA table_info(sounds)")]
        facts = [json.loads(row[0]) for row in index.execute("SELECT facts FROM sounds")] if "facts" in columns else []
    return max((fact.get("peak_mb") or 0.0 for fact in facts), default=float("nan"))


if __name__ == "__main__":
    main()
