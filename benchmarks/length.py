"""Measure time and memory of a fit for longer and longer sounds.

    python -m benchmarks.length

The bundled sounds in a row, at 44.1 kHz; `ddsp_match/tasks/estimate.py` has its constants from here.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from benchmarks.common import ROOT, arguments, ddsp_match, save, timed
from ddsp_match.config import build
from ddsp_match.core.audio import Audio, read, resample, write
from ddsp_match.core.audio.headers import Header
from ddsp_match.tasks.estimate import MEASURED_RATE, fit_cost

LENGTHS_S, QUALITIES = (10, 30, 100), ("draft", "default")


def main() -> None:
    arguments(__doc__).parse_args()
    clips = [resample(read(path)[0], MEASURED_RATE).mono() for path in sorted((ROOT / "data").glob("*.flac"))]
    sounds = np.concatenate(clips)
    figures = {}
    with tempfile.TemporaryDirectory() as name:
        for length_s in LENGTHS_S:
            clip = Path(name) / f"{length_s}.wav"
            samples = np.resize(sounds, length_s * MEASURED_RATE)
            write(clip, Audio(samples[None], MEASURED_RATE))
            for quality in QUALITIES:
                out = Path(name) / f"{length_s}-{quality}"
                seconds, peak_mb = timed(ddsp_match("fit", clip, f"quality={quality}", "-q", "-o", out))
                steps = build([f"quality={quality}"]).optimizer.n_steps
                expected_s, expected_gb = fit_cost(Header(MEASURED_RATE, 1, samples.size), steps)
                figures[f"{length_s} s, {quality}"] = {
                    "s": round(seconds, 1), "gb": round(peak_mb / 1024, 2),
                    "estimate_s": round(expected_s, 1), "estimate_gb": round(expected_gb, 2),
                }  # fmt: skip
    save("length", figures)


if __name__ == "__main__":
    main()
