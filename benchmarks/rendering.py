"""Measure the speed of rendering against real time, on one thread, and the memory of a fit.

    python -m benchmarks.rendering

Memory is the peak of the whole command: a 4-s clip at 16 kHz, and five minutes of stereo at 44.1 kHz made by repeating
a bundled phrase (5 optimisation steps, since memory does not grow with them).
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.common import ROOT, SEED_CLIP, arguments, ddsp_match, save, timed


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    options = parser.parse_args()
    figures = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _, peak = timed(ddsp_match("fit", options.data / SEED_CLIP, "-o", folder / "clip", "--quiet"))
        figures["clip_peak_mb"] = round(peak)
        figures["clip_realtime"] = realtime(next((folder / "clip").glob("*.safetensors")))
        phrase, rate = soundfile.read(ROOT / "data/violin-phrase.flac", dtype="float32", always_2d=True)
        repeats = -(-int(options.minutes * 60 * rate) // len(phrase))
        long = np.tile(phrase[:, :1], (repeats, 2))[: int(options.minutes * 60 * rate)]
        long[:, 1] = 0.5 * np.roll(long[:, 1], 100)
        soundfile.write(folder / "long.wav", long, rate)
        seconds, peak = timed(
            ddsp_match("fit", folder / "long.wav", "-o", folder / "long", "--quiet", "optimizer.steps=5")
        )
        figures |= {"long_minutes": options.minutes, "long_rate": rate, "long_peak_mb": round(peak)}
        figures["long_seconds"] = round(seconds, 1)
        figures["long_realtime"] = realtime(next((folder / "long").glob("*.safetensors")), runs=1)
    print(json.dumps(figures, indent=1))
    save("rendering", figures)


def realtime(path: Path, runs: int = 20) -> float:
    import torch

    from ddsp_match import load_patch, render

    torch.set_num_threads(1)
    patch = load_patch(path)
    render(patch)
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        render(patch)
        times.append(time.perf_counter() - began)
    return round(patch.seconds / sorted(times)[len(times) // 2], 1)


if __name__ == "__main__":
    main()
