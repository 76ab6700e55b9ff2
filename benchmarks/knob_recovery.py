"""Recover the knobs of effects: random targets, from a neutral start.

    python -m benchmarks.knob_recovery                      every row, 20 targets each
    python -m benchmarks.knob_recovery --only freeverb --targets 6 --verbose
    python -m benchmarks.knob_recovery --others              all other processors, too, but for those left out below

Four seconds at 24 kHz: an oboe phrase from data/, white noise and a chirp, in turn. A target counts as found when the
error-to-signal ratio is at most 1e-6 and every knob lies within 1 % of its true value (or of 1 % of the range, for
values near 0), delays within 0.01 sample; knobs that the search itself calls ambiguous are left out of that, since
other settings of them sound the same.
"""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.signal import chirp

from benchmarks.common import ROOT, arguments, save
from ddsp_match.core.audio import read, resample
from ddsp_match.core.settings import EffectSettings
from ddsp_match.effects.processor import Processor
from ddsp_match.effects.rack import Rack
from ddsp_match.effects.registry import processors
from ddsp_match.fitting.candidates import Setting
from ddsp_match.fitting.identify import Identifier

RATE, SECONDS = 24_000, 4.0
SOUNDS = ("oboe", "noise", "chirp")
FOUND_ESR, AIM_ESR = 1e-6, 1e-10
KNOB_SHARE, DELAY_SAMPLES = 0.01, 0.01
CHAINS: dict[str, list[Any]] = {
    "clip": ["clip"],
    "delay": ["delay"],
    "fir": ["fir"],
    "iir": ["iir"],
    "comb": ["feedback_comb"],
    "lowpass comb": ["lowpass_feedback_comb"],
    "allpass": ["allpass"],
    "freeverb": ["freeverb"],
    "iir, clip": ["iir", "clip"],
    "clip, comb": ["clip", "feedback_comb"],
}
LEFT_OUT = {
    "parallel": "holds others, which have their own rows",
    "mix": "holds others, which have their own rows",
    "convolution": "its knobs are a recorded room, which no range draws: benchmarks.rooms has it",
}
KNOWN = {part for chain in CHAINS.values() for part in chain}
OTHERS = [name for name in processors() if name not in KNOWN and name not in LEFT_OUT]
MONO = ("reverb",)  # on a stereo sound its width is chance on chance


@dataclass
class Outcome:
    """One target."""

    chain: str
    sound: str
    esr: float
    worst_knob: str
    knobs_found: bool
    ambiguous: int
    seconds: float
    seconds_to_1e6: float | None


def sound(name: str) -> np.ndarray:
    """Four seconds, mono, float64."""
    n = int(RATE * SECONDS)
    if name == "noise":
        return 0.25 * np.random.default_rng(7).standard_normal((1, n)).clip(-4, 4)
    if name == "chirp":
        t = np.arange(n) / RATE
        return 0.5 * chirp(t, 20.0, t[-1], 11_900.0, method="logarithmic")[None]
    samples = resample(read(ROOT / "data/oboe-phrase.flac")[0], RATE).samples[:1, :n].astype(np.float64)
    return np.pad(samples, ((0, 0), (0, n - samples.shape[1])))


def target(chain: Processor, dry: np.ndarray, seed: int, ranges: dict[str, tuple[float, float]]) -> Setting:
    """Knobs by chance, audible ones: blends at least a fifth of their range from neutral, clips that clip."""
    rng = np.random.default_rng(seed)
    loudest = float(np.abs(dry).max())
    values = chain.arrays(chain.neutral())
    for knob in chain.knobs:
        low, high = 0.05, 0.95
        short = knob.name.rpartition(".")[2]
        if short in ("mix", "wet", "level"):
            low = 0.2 if knob.low == 0 else 0.6
        place = rng.uniform(low, high, knob.size or ())
        value = knob.at(torch.as_tensor(place)).numpy()
        if knob.unit == "ms" and short in ranges:
            value = np.asarray(rng.uniform(*ranges[short]))
        if short in ("low", "high") and "clip" in knob.name:
            value = np.asarray(rng.uniform(0.2, 0.8) * loudest * (1 if short == "high" else -1))
        values[knob.name] = value
    return values


def run(label: str, spec: list[Any], index: int, ranges: dict[str, tuple[float, float]]) -> Outcome:
    """Makes a target, searches, compares."""
    name = SOUNDS[index % len(SOUNDS)]
    dry = sound(name)
    rack = Rack.of(spec, RATE)
    if rack.chain.stereo and label not in MONO:
        dry = np.concatenate([dry, np.roll(dry, 977, axis=1)])
    truth = target(rack.chain, dry, 1000 + index, ranges)
    wet = Rack(rack.chain, truth, RATE).process(dry, RATE)
    began = time.perf_counter()
    hits: list[float] = []

    def on_step(step: int, steps: int, loss: float, best: float) -> None:
        if best <= FOUND_ESR and not hits:
            hits.append(time.perf_counter() - began)

    result = Identifier(rack.chain, {}, dry, wet, RATE, EffectSettings(effects=spec), on_step=on_step).run()
    seconds = time.perf_counter() - began
    worst, share = "", 0.0
    for knob in rack.chain.knobs:
        pairs = zip(knob.labels, np.ravel(result.knobs[knob.name]), np.ravel(truth[knob.name]), strict=True)
        for title, value, true in pairs:
            off = 0.0 if title in result.ambiguous else _off(knob, float(value), float(true))
            if off > share:
                worst, share = f"{title} {off:.2g}", off
    return Outcome(
        label, name, result.loss, worst, share <= 1, len(result.ambiguous), seconds, hits[0] if hits else None
    )


def _off(knob: Any, result: float, true: float) -> float:
    """Distance in units of what is allowed."""
    if knob.unit == "ms":
        return abs(result - true) * RATE / 1000 / DELAY_SAMPLES
    return abs(result - true) / (KNOB_SHARE * max(abs(true), 0.01 * (knob.high - knob.low)))


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--targets", type=int, default=20)
    parser.add_argument("--only", action="append", choices=(*CHAINS, *OTHERS))
    parser.add_argument("--others", action="store_true", help="the processors that are not in the table, too")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--delays", type=int, default=50, help="delays from anywhere, over 0-40 ms and over 0-1 s")
    options = parser.parse_args()
    table: dict[str, dict[str, Any]] = {}
    for label in options.only or [*CHAINS, *(OTHERS if options.others else [])]:
        spec = CHAINS.get(label, [label])
        table[label] = summed([once(label, spec, i, {}, options.verbose) for i in range(options.targets)])
        print(label, json.dumps(table[label]), flush=True)
    for longest_ms in () if options.only else (40.0, 1000.0):
        label = f"delay, 0-{longest_ms:g} ms"
        ranges = {"delay_ms": (0.05, longest_ms)}
        table[label] = summed([once(label, ["delay"], i, ranges, options.verbose) for i in range(options.delays)])
        print(label, json.dumps(table[label]), flush=True)
    if not options.only:
        save("knob_recovery", {"rows": table})


def once(label: str, spec: list[Any], index: int, ranges: dict[str, tuple[float, float]], verbose: bool) -> Outcome:
    outcome = run(label, spec, index, ranges)
    if verbose or outcome.esr > FOUND_ESR or not outcome.knobs_found:
        print(f"  {index}: {outcome}", flush=True)
    return outcome


def summed(outcomes: list[Outcome]) -> dict[str, Any]:
    """Counts and medians of one row."""
    hits = [o.seconds_to_1e6 for o in outcomes if o.seconds_to_1e6 is not None]
    return {
        "targets": len(outcomes),
        "found": sum(o.esr <= FOUND_ESR and o.knobs_found for o in outcomes),
        "esr_1e-6": sum(o.esr <= FOUND_ESR for o in outcomes),
        "esr_1e-10": sum(o.esr <= AIM_ESR for o in outcomes),
        "median_esr": statistics.median(o.esr for o in outcomes),
        "worst_esr": max(o.esr for o in outcomes),
        "ambiguous_in": sum(o.ambiguous > 0 for o in outcomes),
        "median_s": round(statistics.median(o.seconds for o in outcomes), 2),
        "median_s_to_1e-6": round(statistics.median(hits), 2) if hits else None,
    }


if __name__ == "__main__":
    main()
