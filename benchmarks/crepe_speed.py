"""Time the CREPE network against the plain layers, and compare the activations.

    python -m benchmarks.crepe_speed [SOUND.wav] [--model full] [--repeats 3]

Without a sound, four seconds of a synthetic glide in noise. The plain network is torch's own convolutions,
with the same weights, the same frames and the same threads in the same process; best of the repeats for both.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.common import save
from ddsp_match.analysis.crepe_network import CrepeNetwork
from ddsp_match.analysis.crepe_plain import plain_activations
from ddsp_match.analysis.crepe_weights import load_weights

SECONDS = 4


def glide(seconds: float = SECONDS) -> np.ndarray:
    """A harmonic glide from 150 to 600 Hz in a little noise, at 16 kHz."""
    n = round(16000 * seconds)
    phase = 2 * np.pi * np.cumsum(np.geomspace(150, 600, n)) / 16000
    harmonics = sum(0.3 / k * np.sin(k * phase) for k in range(1, 9))
    return (harmonics + 0.003 * np.random.default_rng(0).standard_normal(n)).astype(np.float32)


def seconds_of(function: object, repeats: int) -> tuple[float, torch.Tensor]:
    """The best of some wall times, and what the function returned."""
    best, result = np.inf, None
    for _ in range(repeats):
        start = time.perf_counter()
        result = function()
        best = min(best, time.perf_counter() - start)
    return best, result


def run(
    samples: np.ndarray | None = None, model: str = "full", repeats: int = 3
) -> dict[str, float | int | str]:
    """Times both networks on 16-kHz samples; returns seconds, their ratio and the largest difference."""
    sound = torch.from_numpy(glide() if samples is None else samples)
    start = time.perf_counter()
    weights = load_weights(model)
    load_s = time.perf_counter() - start
    start = time.perf_counter()
    network = CrepeNetwork(weights)
    build_s = time.perf_counter() - start
    first_s, _ = seconds_of(lambda: network.activations(sound), 1)
    fast_s, fast = seconds_of(lambda: network.activations(sound), repeats)
    plain_s, plain = seconds_of(lambda: plain_activations(sound, weights), repeats)
    return {
        "model": model,
        "threads": torch.get_num_threads(),
        "seconds_of_sound": len(sound) / 16000,
        "load_s": load_s,
        "build_s": build_s,
        "first_run_s": first_s,
        "fast_s": fast_s,
        "plain_s": plain_s,
        "ratio": plain_s / fast_s,
        "ratio_with_build": plain_s / (first_s + build_s),
        "max_error": float((fast - plain).abs().max()),
    }


def row(result: dict[str, float | int | str]) -> str:
    """One line of a Markdown table."""
    return (
        f"| CREPE {result['model']}, {result['seconds_of_sound']:.1f} s, {result['threads']} threads "
        f"| {result['plain_s']:.2f} s | {result['fast_s']:.2f} s | {result['ratio']:.1f}× "
        f"({result['ratio_with_build']:.1f}× the first time) | {result['max_error']:.1e} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sound", nargs="?", type=Path, help="a 16-kHz sound file; its first 4 s are used")
    parser.add_argument("--model", choices=("full", "tiny"), default="full")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--save", action="store_true", help="keep the figures for results.md")
    arguments = parser.parse_args()
    samples = None
    if arguments.sound:
        import soundfile

        samples, rate = soundfile.read(arguments.sound, dtype="float32", always_2d=True)
        if rate != 16000:
            parser.error(f"{arguments.sound} has {rate} Hz; the network hears 16000 Hz")
        samples = np.ascontiguousarray(samples[: SECONDS * 16000].mean(1))
    result = run(samples, arguments.model, arguments.repeats)
    if arguments.save:
        save("crepe_speed", result)
    if arguments.json:
        print(json.dumps(result))
        return
    print("| network | layer by layer | here | faster | largest difference |")
    print("|---|---|---|---|---|")
    print(row(result))


if __name__ == "__main__":
    main()
