"""Say what to try after an identification, each point with its reason in the figures or the knobs."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import torch
from jaxtyping import Float

from ddsp_match.core.params import Parameter
from ddsp_match.effects.rack import Rack
from ddsp_match.fitting.identify import Identification
from ddsp_match.fitting.optimise import StopReason
from ddsp_match.fitting.verdict import Verdict
from ddsp_match.report.effect_verdict import Ratios, error_to_signal, no_better_than_gain

AT_AN_END = 1e-5  # of the range; the search reaches the ends themselves
RESTORED = 0.8  # of the error: a level that leaves no more than this was missing
LINEAR = 0.5  # of the error: a filter that leaves no more than this would explain much


def advice(
    verdict: Verdict,
    ratios: Ratios,
    search: Identification,
    rack: Rack,
    fixed: Collection[str],
    wet: Float[np.ndarray, "channels samples"],
    output: Float[np.ndarray, "channels samples"],
    by_filter: float,
) -> list[str]:
    """Say what to try next, most promising first.

    Args:
        verdict: On the chain.
        ratios: Its figures.
        search: The search.
        rack: The chain with its knobs.
        fixed: Names of knobs that the user fixed.
        wet: The target.
        output: `dry` through the chain.
        by_filter: Share of wet's energy that a linear filter explains.
    """
    if not verdict.matched:
        return ["Check that wet was made from dry: the same performance, from the same moment on."]
    points = list(_ends(rack, fixed))
    if verdict.level == "excellent":
        return points
    if search.reason in (StopReason.BUDGET, StopReason.INTERRUPTED):
        points.append("The search ended before it had settled: give it more time with a larger `--budget`.")
    if not verdict.by_ear:
        points += _level_points(ratios, rack, wet, output)
        if 1 - by_filter < LINEAR * ratios.judged:
            points.append(f"A linear filter explains {100 * by_filter:.0f} % of wet: try `eq`, or a longer `fir`.")
        elif rack.chain.linear:
            points.append("No short linear filter explains the rest: try `soft_clip`, `waveshaper` or `compressor`.")
    return points or ["Try other processors or another order: `--multirun effects='[...],[...]'` compares chains."]


def _level_points(ratios: Ratios, rack: Rack, wet: np.ndarray, output: np.ndarray) -> Iterator[str]:
    """Say what a gain would mend."""
    level = float((output * wet).sum()) / max(float(np.square(output).sum()), 1e-30)
    if error_to_signal(level * output, wet, slice(0, wet.shape[1])) < RESTORED * ratios.esr:
        nearer = f"{20 * np.log10(max(abs(level), 1e-30)):+.1f} dB"
        yield f"The output has the wrong level ({nearer} would be nearer): add `gain` at the end of the chain."
    elif no_better_than_gain(ratios) and not any("gain." in name for name in rack.knobs):
        yield "A gain alone does as well or better: add `gain` to the chain."
    elif no_better_than_gain(ratios) and rack.chain.numbers > 1:
        yield "Start from `effects=[gain]` and add one processor at a time, to see which one brings anything."


def _ends(rack: Rack, fixed: Collection[str]) -> Iterator[str]:
    """Name the knobs that stand at an end of their range where they are not neutral."""
    for knob in rack.chain.knobs:
        # The effect alone is no limit that a wider range would lift.
        if knob.name in fixed or knob.name.endswith("mix"):
            continue
        values, neutral = np.atleast_1d(rack.knobs[knob.name]), np.atleast_1d(knob.default)
        place, still = (knob.position(torch.from_numpy(x.astype(np.float64))).numpy() for x in (values, neutral))
        stuck = (np.minimum(place, 1 - place) < AT_AN_END) & (np.abs(place - still) > AT_AN_END)
        if not stuck.any():
            continue
        unit = f" {knob.unit}" if knob.unit else ""
        if knob.size:
            where = f"{int(stuck.sum())} of the {knob.size} numbers of `{knob.name}` stand at an end of their range"
        else:
            where = f"`{knob.name}` stands at {float(values[0]):g}{unit}, the end of its range"
        yield f"{where}: {_cure(knob)}."


def _cure(knob: Parameter) -> str:
    name = knob.name.rpartition(".")[2]
    if name == "gain_db" and knob.name.startswith("gain"):
        return "bring one of the two sounds nearer to the other's level first"
    if name.endswith("_db") or name in ("dry", "wet", "level", "levels", "taps", "curve"):
        return "if more is needed, add `gain` to the chain"
    return "another processor may reach further; `ddsp-match effects` lists them"
