"""Measure the effect of edits on pitch, length and attack.

    python -m benchmarks.editing [KEY=VALUE ...] --save     some minutes: 22 notes

- transposed: each note 12 semitones up and down by `ddsp_match.edit`, rendered, and tracked again by CREPE; its f0
  against that of the unedited match, frame by frame, where both are voiced and within CREPE's range (33 to 1975 Hz).
- stretched: each note to 0.5, 1.5, 2 and 4 times its length: samples, median f0 (of the first seconds), and the time
  that the envelope (RMS over 10 ms) takes from 10 to 90 % of its peak.
"""

from __future__ import annotations

import statistics
from pathlib import Path

import numpy as np
import torch

from benchmarks.common import arguments, fits_of, save, some, with_settings
from ddsp_match.analysis.analyse import analyse_batch
from ddsp_match.core.audio import Audio
from ddsp_match.core.settings import FitSettings
from ddsp_match.core.timebase import Timebase
from ddsp_match.patch import Patch
from ddsp_match.tasks.edit import edit
from ddsp_match.tasks.render import render

FACTORS = (0.5, 1.5, 2.0, 4.0)
LOWEST_HZ, HIGHEST_HZ = 33.0, 1975.0  # of CREPE
SURE = 0.6  # least periodicity of a frame that counts
SLOW_S = 0.5  # what takes longer to its peak swells, and is stretched with the rest
LONGEST_S = 4  # of a stretched note that is tracked
HEARD_DB = 30.0  # below the loudest frame


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--limit", type=int, default=22, help="so many notes to transpose and stretch")
    options = with_settings(parser)
    clips = some(sorted((options.data / "nsynth").glob("*.wav")), options.limit)
    if not clips:
        raise SystemExit(f"{options.data}/nsynth: no .wav files; needed: NSynth clips; try --data")
    figures = notes_figures({clip: fit.patch for clip, fit in fits_of(clips, options.settings).items()})
    for line in rows_of(figures):
        print(line)
    if options.save:
        save("editing", figures)


def notes_figures(patches: dict[Path, Patch]) -> dict:
    transposed, stretched = [], []
    for clip, patch in patches.items():
        plain = render(patch)
        f0_hz, sure = tracked(plain)
        if sure.sum() < 20:
            print(f"{clip.stem}: no pitch to compare")
            continue
        for semitones in (-12, 12):
            wanted = f0_hz * 2 ** (semitones / 12)
            again_hz, again = tracked(render(edit(patch, [{"edit": "transpose", "semitones": semitones}])))
            both = sure & again & (wanted > LOWEST_HZ) & (wanted < HIGHEST_HZ)
            if both.sum() < 20:
                continue
            cents = np.abs(1200 * np.log2(again_hz / wanted))[both]
            row = {"clip": clip.stem, "semitones": semitones, "median_cents": float(np.median(cents))}
            transposed.append({**row, "mean_cents": float(cents.mean())})
        for factor in FACTORS:
            longer = edit(patch, [{"edit": "stretch", "factor": factor}])
            sound = render(longer)
            again_hz, again = tracked(Audio(sound.samples[:, : LONGEST_S * sound.sample_rate], sound.sample_rate))
            if again.sum() < 10:
                continue
            cents = 1200 * np.log2(np.median(again_hz[again]) / np.median(f0_hz[sure]))
            stretched.append(
                {
                    "clip": clip.stem,
                    "factor": factor,
                    "frames_off": (sound.n_samples - patch.n_samples * factor) / patch.timebase.hop,
                    "cents": float(abs(cents)),
                    "attack_ms": 1000 * abs(attack_s(sound) - attack_s(plain)),
                    "attack_was_ms": 1000 * attack_s(plain),
                }
            )
            print(stretched[-1], flush=True)
    return {"transposed": transposed, "stretched": stretched}


def tracked(sound: Audio) -> tuple[np.ndarray, np.ndarray]:
    """f0 in Hz at each frame, and whether it is to be relied on there."""
    ((features, _),) = analyse_batch([sound], Timebase.at(sound.sample_rate), FitSettings().f0)
    level = features.loudness_db[0].numpy()
    sure = features.voiced[0].numpy() & (features.periodicity[0].numpy() > SURE) & (level > level.max() - HEARD_DB)
    return features.f0_hz[0].numpy().astype(float), sure


def attack_s(sound: Audio) -> float:
    """Seconds from 10 to 90 % of the envelope's peak."""
    half = round(0.01 * sound.sample_rate)
    window = np.hanning(2 * half + 1)
    envelope = np.sqrt(np.convolve(sound.mono().astype(float) ** 2, window / window.sum(), "same"))
    peak = envelope.max()
    return (int((envelope >= 0.9 * peak).argmax()) - int((envelope >= 0.1 * peak).argmax())) / sound.sample_rate


def rows_of(stored: dict) -> list[str]:
    """The figures as the rows of a table."""
    rows = []
    for semitones in (-12, 12):
        mine = [row for row in stored.get("transposed", []) if row["semitones"] == semitones]
        if mine:
            medians = [row["median_cents"] for row in mine]
            rows.append(
                f"| {len(mine)} notes transposed by {semitones:+d} semitones, tracked again: f0 error, median over "
                f"frames; mean and largest over notes | **{statistics.fmean(medians):.2f}**, {max(medians):.2f} cents "
                "| 5 | 2 |"
            )
    for factor in FACTORS:
        mine = [row for row in stored.get("stretched", []) if row["factor"] == factor]
        if mine:
            frames, cents = (max(abs(row[key]) for row in mine) for key in ("frames_off", "cents"))
            typical = statistics.median(row["cents"] for row in mine)
            attacks = [row["attack_ms"] for row in mine if row["attack_was_ms"] < 1000 * SLOW_S]
            rows.append(
                f"| {len(mine)} notes stretched ×{factor:g}: length off by, largest; f0 error, median and largest "
                f"| **{frames:.2f}** frames; **{typical:.2f}**, {cents:.2f} cents | 1 frame; 3 cents | |"
            )
            rows.append(
                f"| attack time of the {len(attacks)} of them that reach their peak within {SLOW_S:g} s, changed by: "
                f"median, largest, notes above 5 ms | **{statistics.median(attacks):.1f}**, {max(attacks):.0f} ms, "
                f"{sum(attack > 5 for attack in attacks)} | 5 ms | |"
            )
    return rows


if __name__ == "__main__":
    torch.set_num_threads(2)
    main()
