"""Runs every benchmark and writes benchmarks/results.md.

    python -m benchmarks                  all of them: about an hour on two cores
    python -m benchmarks --table          only write results.md from what was measured before

Peers that are programs of their own are left out where they are missing: `opusenc` (opus-tools), `rubberband`
(rubberband-cli), and sms-tools, which needs an environment of its own (see `benchmarks/stem_truth.py`).
"""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks import effect_tables, many_tables, play_tables
from benchmarks.common import HERE, RESULTS, SEED_CLIP, arguments

PARTS = (
    "crepe_speed", "speed", "rendering", "f0_accuracy", "quality", "closeness", "stem_truth",
    "throughput", "kill", "knob_recovery", "filters", "hardware", "rooms", "rooms_in_fit", "editing",
    "play_truth", "instrument", "held_note", "app", "worklet",
)  # fmt: skip


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--only", action="append", choices=PARTS)
    options = parser.parse_args()
    for part in [] if options.table else options.only or PARTS:
        print(f"== {part}", flush=True)
        words = ["--data", str(options.data), "--reference", str(options.reference)]
        if part == "crepe_speed":
            words = [str(options.data / SEED_CLIP), "--save"]
        elif part == "f0_accuracy":
            song = [options.data / "f0/vocadito_1.wav", options.data / "f0/vocadito_1_f0.csv"]
            words = [str(options.data / "nsynth"), "--verbose", "--save", "--song", *map(str, song)]
        elif part in ("filters", "kill", "worklet"):
            words = ["--save"]
        elif part in ("closeness", "stem_truth", "editing", "play_truth", "instrument", "held_note"):
            words += ["--save"]
        elif part == "app":
            words += ["--fuzz", "1000", "--save"]
        elif part == "rooms":
            words = ["--data", str(options.data), "--save"]
        elif part == "rooms_in_fit":
            words = ["--irs", str(options.data / "ir"), "--heard", "--save"]
        subprocess.run([sys.executable, "-m", f"benchmarks.{part}", *words], check=True)
    (HERE / "results.md").write_text(page(), encoding="utf-8")
    print(f"written: {HERE / 'results.md'}")


def read(name: str) -> dict:
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def page() -> str:
    """The results as a page."""
    lines = [
        "# Benchmarks",
        "",
        "Written by `python -m benchmarks --table` from `benchmarks/results/*.json`; `python -m benchmarks` measures",
        "anew (`--data` and `--reference` name the folders of the sounds, the scorer and the seed's recipe). Speeds",
        "are ratios of two things timed in the same run.",
        "",
    ]
    tables = [("Speed and memory", speed_rows()), ("f0", f0_rows())]
    tables += [*many_tables.sections(read), *effect_tables.sections(read), *play_tables.sections(read)]
    for title, rows in tables:
        if rows:
            lines += [f"## {title}", "", *rows, ""]
    return "\n".join(lines)


def speed_rows() -> list[str]:
    speed, crepe, rendering = read("speed"), read("crepe_speed"), read("rendering")
    rows = ["| what | measured | seed's recipe | ratio | at least | aim |", "|---|---|---|---|---|---|"]
    if crepe:
        rows.append(
            f"| CREPE full, {crepe['seconds_of_sound']:g} s of sound, largest error {crepe['max_error']:.0e} "
            f"| {crepe['fast_s']:.2f} s | {crepe['plain_s']:.2f} s (plain network) | **{crepe['ratio']:.1f}×** "
            "| 4× | 8× |"
        )
    if speed:
        s = speed
        steps = s["to_seed_loss_steps"]
        rows += [
            f"| optimisation to the seed's final loss {s['seed_loss']:.3f} (first guess and {steps} steps; "
            f"the first guess has {s['loss_at_start']:.3f}) | {s['to_seed_loss_s']:.2f} s | {s['seed_fit_s']:.1f} s "
            f"| **{s['ratio_optimisation']:.0f}×** | 60× | 200× |",
            f"| whole command, stopped at that loss | {s['stopped_whole_s']:.1f} s | {s['seed_whole_s']:.1f} s "
            f"| **{s['ratio_stopped']:.1f}×** | 6× | 12× |",
            f"| whole command, default quality | {s['default_whole_s']:.1f} s | {s['seed_whole_s']:.1f} s "
            f"| **{s['ratio_default']:.1f}×** | 3.5× | 6× |",
        ]
    if rendering:
        r = rendering
        rows += [
            f"| rendering a patch, one thread, 16 kHz | **{r['clip_realtime']:.0f}×** real time | | | 50× | 200× |",
            f"| the same, {r['long_minutes']:g} min of 44.1 kHz stereo | {r['long_realtime']:.0f}× real time | | | | |",
            f"| peak memory, 4-s clip at 16 kHz | **{r['clip_peak_mb'] / 1000:.2f} GB** | "
            + (f"{speed['seed_peak_mb'] / 1000:.2f} GB (2 s)" if speed else "")
            + " | | 1.0 GB | 0.7 GB |",
            f"| peak memory, {r['long_minutes']:g} min of 44.1 kHz stereo | **{r['long_peak_mb'] / 1000:.2f} GB** "
            "| | | 4 GB | 2 GB |",
        ]
    commands = [part["command"] for part in (crepe, speed, rendering) if part]
    machine = (speed or crepe or rendering or {}).get("machine", "")
    return [*rows, "", f"Commands: `{'`, `'.join(commands)}`. Machine: {machine}."] if commands else []


def f0_rows() -> list[str]:
    f0 = read("f0_accuracy")
    if not f0:
        return []
    rows = ["| clips | voiced frames within 50 cents | octave errors | at least | aim |", "|---|---|---|---|---|"]
    for name, figures in f0["sets"].items():
        what = f"{figures['clips']} NSynth clips, against the pitch in their names" if "clips" in figures else name
        rows.append(
            f"| {what} | **{100 * figures['within_50_cents']:.1f} %** | **{100 * figures['octave_errors']:.2f} %** "
            + ("| 95 %; 1.5 % | 98 %; 0.5 % |" if "clips" in figures else "| | |")
        )
    remark = (
        "`vocadito_1` is an annotated song. Of the clips' errors most are no errors of hearing: mallet_037 and "
        "organ_113-026 sound an octave above their names (the named fundamental lies 60 dB down or below the noise), "
        "keyboard_synthetic_000 an octave below, flute_028, mallet_064 and half of reed_023 are out of tune with "
        "theirs; `--verbose` lists them. vocal_synthetic_003-102 and -108 are several aliased glides at once."
    )
    return [*rows, "", remark, "", f"Command: `{f0['command']}`."]


if __name__ == "__main__":
    main()
