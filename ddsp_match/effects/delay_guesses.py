"""Where the delay of a pair of sounds lies, from anywhere in its range: starting points for one delay line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from scipy.signal import lfilter

from ddsp_match.dsp.deconvolution import LagFit, matched, valleys
from ddsp_match.dsp.levels import levelled
from ddsp_match.effects.processor import Value

if TYPE_CHECKING:
    from ddsp_match.effects.delay_line import DelayLine

LONGEST_S = 10.0  # of a pair that is looked at
LOOKED_AT = 64  # valleys that are followed up between whole samples
TRIED = 10  # of them that are played
KEPT = 5  # starting points from the dry sound as it is
KEPT_MATCHED = 3  # and from the dry sound with the filter that brings it nearest to the wet one


def guess_line(
    part: DelayLine, dry: Float[np.ndarray, "channels samples"], wet: np.ndarray, sample_rate: int
) -> list[dict[str, Value]]:
    """Settings of a delay line that may make `wet` from `dry`, the best first."""
    began = int(np.argmax(np.abs(dry).max(0) > 0))
    dry, wet = (sound[:, began : began + int(LONGEST_S * sample_rate)] for sound in (dry, wet))
    if dry.shape[1] < 64 or not dry.any() or not wet.any():
        return []
    found: list[dict[str, Value]] = []
    for source, kept in ((dry, KEPT), (matched(dry, wet), KEPT_MATCHED)):
        settings = _from_source(part, source, wet, sample_rate)
        found += _nearest(part, source, wet, sample_rate, settings)[:kept]
    return found


def _from_source(part: DelayLine, dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> list[dict[str, Value]]:
    delay = part.knob("delay_ms")
    longest = int(np.ceil(delay.high * sample_rate / 1000)) + 2
    ranked: list[tuple[float, dict[str, Value]]] = []
    lags: np.ndarray | None = None
    # The middle one first: its valleys are then looked at under the others too.
    for damping in part.dampings:
        fit = LagFit(wet, [dry], _terms(part, dry, wet, damping), longest)
        if lags is None:
            steps, left = fit.everywhere()
            allowed = steps >= delay.low * sample_rate / 1000
            lags = steps[allowed][valleys(left[allowed], LOOKED_AT)]
        near, left, coefficients = fit.refined(lags)
        order = np.argsort(left, kind="stable")[:TRIED]
        for place in order:
            found = part.solved(coefficients[place])
            found["delay_ms"] = float(near[place]) * 1000 / sample_rate
            if len(part.dampings) > 1:
                found["damping"] = damping
            inside: dict[str, Value] = {name: _inside(part, name, value) for name, value in found.items()}
            ranked.append((float(left[place]), inside))
        lags = near[order]
    ranked.sort(key=lambda entry: entry[0])
    return [setting for _, setting in ranked[:TRIED]]


def _terms(part: DelayLine, dry: np.ndarray, wet: np.ndarray, damping: float) -> list[np.ndarray]:
    """The sounds whose late copies make up the wet one."""
    if not damping:
        return [{"dry": dry, "wet": wet}[name] for name in part.repeats]
    dull = [np.asarray(lfilter([1 - damping], [1.0, -damping], sound)) for sound in (dry, wet)]
    return [dry, dull[1], dull[0]]


def _inside(part: DelayLine, name: str, value: float) -> float:
    bounds = part.knob(name)
    return float(np.clip(np.nan_to_num(value), bounds.low, bounds.high))


def _nearest(
    part: DelayLine, dry: np.ndarray, wet: np.ndarray, sample_rate: int, settings: list[dict[str, Value]]
) -> list[dict[str, Value]]:
    """The settings by what they leave of the wet sound, at the best overall level each."""
    names = [knob.name for knob in part.knobs]
    with torch.inference_mode():
        stacked = {name: torch.tensor([float(s[name]) for s in settings], dtype=torch.float64) for name in names}  # pyright: ignore[reportArgumentType]
        heard = part(torch.from_numpy(np.ascontiguousarray(dry))[None], sample_rate, **stacked).numpy()
    return [settings[place] for place in np.argsort(levelled(heard, wet)[1], kind="stable")]
