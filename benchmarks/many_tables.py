"""The part of results.md about closeness and about many sounds."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from benchmarks import closeness, stem_truth

Read = Callable[[str], dict]


def sections(read: Read) -> list[tuple[str, list[str]]]:
    """Titles and lines of all tables about closeness and many sounds."""
    return [
        ("Closeness over numbers", closeness_rows(read)),
        ("Stems against known parts", stem_rows(read)),
        ("Closeness of the exact model", quality_rows(read)),
        ("What each part of the exact model brings", ablation_rows(read)),
        ("Many sounds", throughput_rows(read)),
        ("Killed at random moments", kill_rows(read)),
    ]


def closeness_rows(read: Read) -> list[str]:
    """Numbers and kbit a second, and how close they come, with noise that the fit has not seen."""
    result = read("closeness")
    if not result:
        return []
    rows = [
        "Played with noise that the fit has not seen. Steady is mel on powers averaged over 100 ms, fair to noise.",
        "kbit/s are those of whole files, headers included.",
        *closeness.rows_of(result["sets"]),
    ]
    commands = "python -m benchmarks.closeness --save`, `… --numbers 250,500,1000,2000,4000`, `… --opus 6,9,12,18,24,36"
    return [*rows, "", _command(result, commands)]


def stem_rows(read: Read) -> list[str]:
    """The noise and the harmonic stem against those that a mixture was made of."""
    result = read("stem_truth")
    if not result:
        return []
    rows = [
        "Mixtures of a tone and a noise, made and recorded ones, 3 s at 16 kHz; their number stands behind the level.",
        "",
        *stem_truth.rows_of(result),
    ]
    return [*rows, "", _command(result, result["command"])]


def quality_rows(read: Read) -> list[str]:
    """The exact model, and the seed's without phases."""
    variants = read("quality").get("variants", {})
    if "default" not in variants:
        return []
    rows = [
        "Fits with `model=exact`, scored by the reference scorer: mrstft (0 is identical), mel in dB, mos (Zimtohrli,",
        "5 is indistinguishable).",
        "Seconds are those of a clip in a worker of one thread, two at work.",
        "",
        "| phases | clips | mean mrstft / mel / mos | median mrstft / mel | at least | aim | numbers a second "
        "| s a clip |",
        "|---|---|---|---|---|---|---|---|",
    ]
    wanted = {
        "default": ("tracked", "0.25 / 0.60 / 4.70 (0.18 / 0.32)", "0.15 / 0.30 / 4.88 (0.10 / 0.20)"),
        "zero phases": ("zero", "0.50 / 1.10 / 4.65", "0.38 / 0.70 / 4.80"),
    }
    for key, (name, least, aim) in wanted.items():
        f = variants.get(key)
        if f:
            rows.append(
                f"| {name} | {f['clips']} | **{f['mean_mrstft']:.3f} / {f['mean_mel']:.2f} / {f['mean_mos']:.3f}** "
                f"| {f['median_mrstft']:.3f} / {f['median_mel']:.2f} | {least} | {aim} "
                f"| {f['numbers_per_second']} | {f['seconds_per_clip']} |"
            )
    rows += ["", "The ten worst by default:", "", "| clip | mrstft | mel | mos |", "|---|---|---|---|"]
    for row in sorted(variants["default"]["rows"], key=lambda row: row["mos"])[:10]:
        rows.append(f"| {row['clip']} | {row['mrstft']:.3f} | {row['mel']:.2f} | {row['mos']:.2f} |")
    return [*rows, "", _command(read("quality"), "python -m benchmarks.quality")]


def ablation_rows(read: Read) -> list[str]:
    """Each variant beside the default, pair by pair."""
    variants = read("quality").get("variants", {})
    if len(variants) < 2 or "default" not in variants:
        return []
    default = {row["clip"]: row for row in variants["default"]["rows"]}
    rows = [
        "Beside each mean, after the stroke, the default's over the same clips.",
        "",
        "| variant | settings | clips | mean mos | mean mrstft | mean mel | better / worse than default "
        "(mos, by more than 0.01) | numbers a second |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, f in variants.items():
        same = [default[row["clip"]] for row in f["rows"]]
        pairs = [(row["mos"], other["mos"]) for row, other in zip(f["rows"], same, strict=True)]
        cells = [
            f"**{f[f'mean_{metric}']:.3f}** / {statistics.fmean(row[metric] for row in same):.3f}"
            for metric in ("mos", "mrstft", "mel")
        ]
        settings = f"`{f['settings']}`" if f["settings"] else ""
        counts = f"{sum(a > b + 0.01 for a, b in pairs)} / {sum(a < b - 0.01 for a, b in pairs)}"
        rows.append(
            f"| {name} | {settings} | {f['clips']} | {' | '.join(cells)} "
            f"| {counts if name != 'default' else ''} | {f['numbers_per_second']} |"
        )
    return [*rows, "", _command(read("quality"), "python -m benchmarks.quality")]


def throughput_rows(read: Read) -> list[str]:
    """A folder beside single commands and the seed's recipe; memory and time over the number of sounds."""
    result = read("throughput")
    rows: list[str] = []
    t = result.get("together")
    if t:
        rows += [
            "| what | measured | beside | ratio | at least | aim |",
            "|---|---|---|---|---|---|",
            f"| {t['clips']} NSynth clips in one command: {t['clips_a_minute']:.1f} a minute | {t['many_s']:.0f} s "
            f"| {t['alone_s_a_clip']:.2f} s a clip, one command each ({t['alone_clips']} clips timed) "
            f"| **{t['ratio_alone']:.1f}×** | 4× | 8× |",
            f"| the same | | {t['seed_s_a_clip']:.1f} s a clip by the seed's recipe ({t['seed_clips']} clips timed) "
            f"| **{t['ratio_seed']:.0f}×** | 25× | 60× |",
            "| GPU | not measured: none was at hand | | | 20 clips a second | 100 |",
        ]
    s = result.get("scaling")
    if s:
        rows += [
            "",
            f"Time over the number of sounds ({s['seconds_of_sound']:g} s each, one command), and memory of the "
            "process over the size of a batch:",
            "",
            "| sounds | s | | batch | peak, MB | s for 64 |",
            "|---|---|---|---|---|---|",
        ]
        for a, b in zip(s["rows"], s["batches"], strict=True):
            rows.append(f"| {a['sounds']} | {a['seconds']} | | {b['batch']} | {b['peak_mb']} | {b['seconds']} |")
        rows += [
            "",
            f"Each further sound takes {s['s_a_sound_8_to_64']:.3f} s between 8 and 64 sounds and "
            f"{s['s_a_sound_8_to_512']:.3f} s between 8 and 512, and {s['mb_a_sound_in_a_batch']:.1f} MB in a batch.",
        ]
    return [*rows, "", _command(result, "python -m benchmarks.throughput`, `… --scaling")] if rows else []


def kill_rows(read: Read) -> list[str]:
    """Report sounds that were lost, torn or fitted twice."""
    runs = read("kill").get("runs", {})
    if not runs:
        return []
    rows = ["| run | kills | lost | torn | fitted twice |", "|---|---|---|---|---|"]
    for name, run in runs.items():
        cells = " | ".join(f"**{run[key]}**" for key in ("lost", "torn", "fitted_twice"))
        rows.append(f"| {name} | {run['kills']} | {cells} |")
    return [*rows, "", _command(read("kill"), "python -m benchmarks.kill --save`, `… --sounds 1000 --kills 2")]


def _command(result: dict, command: str) -> str:
    return f"Command: `{command}`. Machine: {result.get('machine', '')}."
