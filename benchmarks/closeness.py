"""Measure how close a match is for the numbers it spends, played with noise that the fit has not seen.

    python -m benchmarks.closeness                          the default over all NSynth clips and the phrases
    python -m benchmarks.closeness model=exact              any settings, as `ddsp-match fit` takes them
    python -m benchmarks.closeness --numbers 250,500,1000   one fit for each `model.numbers`: closeness over numbers
    python -m benchmarks.closeness --ablate --numbers 1000  each part of the model left out, at equal numbers
    python -m benchmarks.closeness --opus 6,9,12,18,24,36   Opus at these kbit/s, over the same sounds

Scored by the reference scorer: mrstft (0 is identical), mos (5 is indistinguishable), mel, and steady, which is mel on
powers averaged over 100 ms and fair to noise. kbit/s are those of the whole file, headers included: a patch, or what
`opusenc` writes. `--save` keeps the figures; those over fewer clips do not replace those over more.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

import soundfile

from benchmarks.common import (
    RESULTS,
    SCORES,
    arguments,
    fits_of,
    means_of,
    played,
    save,
    scores_of,
    some,
    with_settings,
)  # fmt: skip

# A part of the model, and the settings that leave it out; `--numbers` gives all of them as many numbers.
ABLATIONS: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "the loss that is fair to noise": ("loss.steady=0",),
    "the descent": ("optimizer.steps=1",),
    "a descent of the phases": ("optimizer.lr_phase=0",),
    "a refined f0": ("f0.refine=false",),
}
ABLATION, OPUS = "without: ", "opus "  # begin the names of such rows
SETS = {"nsynth": "NSynth clips", "phrases": "phrases at 44.1 kHz"}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--clips", type=int, help="so many NSynth clips, evenly spread, in place of all")
    parser.add_argument("--only", choices=tuple(SETS), help="only these sounds")
    parser.add_argument("--numbers", help="a fit for each of these numbers a second, with commas between")
    parser.add_argument("--ablate", action="store_true", help="leave out one part of the model after the other")
    parser.add_argument("--opus", help="kbit/s of Opus to measure in place of a fit, with commas between")
    options = with_settings(parser)
    sounds = {name: sorted((options.data / name).glob("*.[wo][ag][vg]")) for name in SETS}
    if not sounds["nsynth"]:
        raise SystemExit(f"{options.data}/nsynth: no .wav files; needed: NSynth clips; try --data")
    sounds["nsynth"] = some(sounds["nsynth"], options.clips)
    scorer = options.reference / "score.py"
    path = RESULTS / "closeness.json"
    stored = json.loads(path.read_text())["sets"] if path.exists() else {}
    for name, clips in sounds.items():
        if not clips or options.only not in (None, name):
            continue
        if options.opus:
            jobs = [(OPUS + kbps, partial(opus, clips, kbps, scorer)) for kbps in options.opus.split(",")]
        else:
            fits = variants(options.settings, options.numbers, options.ablate)
            jobs = [(label, partial(fitted, clips, settings, scorer)) for label, settings in fits]
        for label, measure in jobs:
            keep(stored.setdefault(name, {}), label, measure())
            if options.save:
                save("closeness", {"sets": stored})
    for line in rows_of(stored):
        print(line)


def variants(settings: Sequence[str], numbers: str | None, ablate: bool) -> list[tuple[str, list[str]]]:
    """Names and settings of the fits that are asked for."""
    each = [[f"model.numbers={number}"] for number in numbers.split(",")] if numbers else [[]]
    fits = [[*settings, *more] for more in each]
    if ablate:
        parts = ABLATIONS.items()
        return [(" ".join([ABLATION + name, *words]), [*words, *out]) for words in fits for name, out in parts]
    return [(" ".join(words) or "default", words) for words in fits]


def fitted(clips: Sequence[Path], settings: Sequence[str], scorer: Path) -> list[dict]:
    """A row of figures for each clip, fitted with these settings."""
    fits = fits_of(clips, settings)
    scores = scores_of([(clip, played(fit.patch)) for clip, fit in fits.items()], scorer)
    return [
        {
            "clip": clip.stem, "numbers": round(fit.patch.numbers_per_second()), "kbps": round(fit.kbps, 2),
            "seconds": round(fit.seconds, 2), **score,
        }
        for (clip, fit), score in zip(fits.items(), scores, strict=True)
    ]  # fmt: skip


def opus(clips: Sequence[Path], kbps: str, scorer: Path) -> list[dict]:
    """A row of figures for each clip, coded by `opusenc` of opus-tools."""
    with tempfile.TemporaryDirectory() as name:
        pairs, rates = [], []
        for clip in clips:
            wav, coded = Path(name) / f"{clip.stem}.wav", Path(name) / f"{clip.stem}.opus"
            samples, rate = soundfile.read(clip, dtype="float32", always_2d=True)
            soundfile.write(wav, samples, rate)
            command = ["opusenc", "--quiet", "--padding", "0", "--bitrate", kbps, wav, coded]
            try:
                subprocess.run(command, check=True)
            except FileNotFoundError:
                raise SystemExit("opusenc: not found; needed for --opus; try the package opus-tools") from None
            pairs.append((clip, coded))
            rates.append(coded.stat().st_size * 8 / 1000 * rate / len(samples))
        scores = scores_of(pairs, scorer)
    return [
        {"clip": clip.stem, "kbps": round(rate, 2), **score}
        for clip, rate, score in zip(clips, rates, scores, strict=True)
    ]


def rate_at(mos: float, curve: Sequence[tuple[float, float]]) -> float | None:
    """kbit/s that reach a mos, on a line between the measured (kbit/s, mos); None outside of what was measured."""
    for (rate, low), (higher_rate, high) in pairwise(sorted(curve)):
        if low <= mos <= high:
            return rate + (higher_rate - rate) * (mos - low) / max(high - low, 1e-9)
    return None


def keep(kept: dict[str, dict], label: str, rows: list[dict]) -> None:
    """Puts means and rows among what is kept, unless more clips are kept already."""
    means = means_of(rows, [key for key in ("numbers", "kbps", "seconds", *SCORES) if key in rows[0]])
    worst = sorted(row["mos"] for row in rows)[: max(1, len(rows) // 10)]
    means["worst_tenth_mos"] = statistics.fmean(worst)
    figures = {"clips": len(rows), **{name: round(value, 3) for name, value in means.items()}}
    print(label, figures, flush=True)
    if len(rows) >= kept.get(label, {}).get("clips", 0):
        kept[label] = {**figures, "rows": rows}


def rows_of(stored: dict[str, dict[str, dict]]) -> list[str]:
    """Tables of the sets: a row for each settings, with the Opus that has the same mos beside it."""
    rows = []
    for name, title in SETS.items():
        kept = stored.get(name, {})
        coded = [figures for label, figures in kept.items() if label.startswith(OPUS)]
        curve = [(figures["kbps"], figures["mos"]) for figures in coded]
        if not kept:
            continue
        rows += [
            "", f"{title[0].upper()}{title[1:]}:", "",
            "| settings | sounds | numbers a second | kbit/s | Opus of that mos, kbit/s "
            "| mos / mel / steady dB / mrstft | worst tenth, mos | s a sound |",
            "|---|---|---|---|---|---|---|---|",
        ]  # fmt: skip
        for label, f in sorted(kept.items(), key=lambda item: (item[0].startswith((ABLATION, OPUS)), -item[1]["kbps"])):
            equal = None if label.startswith(OPUS) else rate_at(f["mos"], curve)
            what = "Opus" if label.startswith(OPUS) else label if label.startswith(ABLATION) else f"`{label}`"
            rows.append(
                f"| {what} | {f['clips']} | {round(f['numbers']) if 'numbers' in f else ''} | **{f['kbps']:.1f}** "
                f"| {f'{equal:.1f}' if equal else ''} "
                f"| **{f['mos']:.3f} / {f['mel']:.2f} / {f['steady']:.2f} / {f['mrstft']:.3f}** "
                f"| {f['worst_tenth_mos']:.2f} | {f.get('seconds', '')} |"
            )
    return rows


if __name__ == "__main__":
    main()
