"""Measure how closely grey boxes follow real hardware: fitted on the first half of each pair, judged on the second.

    python -m benchmarks.hardware
    python -m benchmarks.hardware --only LA_5analog --chain '[compressor]'

The error-to-signal ratio beside those of a static gain and of a 256-tap least-squares FIR, both fitted on the first
half as well. The whole dry sound is played from its beginning, so that the second half starts in the state the first
one left.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from scipy.linalg import solve_toeplitz
from scipy.signal import fftconvolve

from benchmarks.common import arguments, save
from ddsp_match.core.settings import EffectSettings
from ddsp_match.tasks.effect import EffectResult, effect

PAIRS: dict[str, tuple[str, str, list[list[Any]]]] = {
    "LA_5analog": ("LA_5analog_inp", "LA_5analog_tar", [["optical"], ["compressor"]]),
    "CL_3analog": ("CL_3analog_inp", "CL_3analog_tar", [["optical"], ["compressor"]]),
    "cond1_OD_ex": ("cond1_OD_ex_inp", "cond1_OD_ex_tar", [["sos", "soft_clip", "sos"], ["waveshaper", "eq"]]),
}
BUDGET_S = 240.0
FIR_TAPS = 256
RIDGE = 1e-4  # of the energy, or taps where the sound has no energy would run away


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--only", action="append", choices=tuple(PAIRS))
    parser.add_argument("--chain", action="append", help="in place of those of the table, as in effects=[...]")
    options = parser.parse_args()
    rows = []
    for name in options.only or PAIRS:
        dry, wet, chains = PAIRS[name]
        for chain in [yaml.safe_load(text) for text in options.chain] if options.chain else chains:
            rows.append(row(name, options.data / f"effects/{dry}.wav", options.data / f"effects/{wet}.wav", chain))
            print(json.dumps(rows[-1]), flush=True)
    if not options.only and not options.chain:
        save("hardware", {"rows": rows})


def row(name: str, dry: Path, wet: Path, chain: list[Any]) -> dict[str, Any]:
    began = time.perf_counter()
    result = effect(dry, wet, settings=EffectSettings(effects=chain, holdout=0.5, budget_s=BUDGET_S))
    return {
        "pair": name,
        "chain": chain,
        "numbers": result.rack.chain.numbers,
        "seen": result.esr_seen,
        "unseen": result.esr_unseen,
        "gain": result.esr_gain,
        "fir": fir(result),
        "seconds": round(time.perf_counter() - began, 1),
    }


def fir(result: EffectResult) -> float:
    """Return the error on the second half of a least-squares FIR of the first."""
    dry, wet = (audio.samples.mean(0).astype(np.float64) for audio in (result.dry, result.wet))
    last = result.seen[1]
    x, y = dry[:last], wet[:last]
    own = fftconvolve(x, x[::-1])[last - 1 :][:FIR_TAPS]
    cross = fftconvolve(y, x[::-1])[last - 1 :][:FIR_TAPS]
    own[0] *= 1 + RIDGE
    out = fftconvolve(dry, solve_toeplitz(own, cross))[: len(dry)]
    return float(np.square(out - wet)[last:].sum() / np.square(wet[last:]).sum())


if __name__ == "__main__":
    main()
