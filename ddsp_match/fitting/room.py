"""Blind estimates of effects from a sound alone, before anything is fitted, by the kind of the effect.

A reverberation shows in its decay. Others have no estimator: their knobs start beside neutral, and gradient descent
fits them together with the source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from ddsp_match.analysis.blind_decay import blind_decay
from ddsp_match.analysis.dereverberate import dereverberated, reverberation_db
from ddsp_match.dsp.octave_bands import octave_centres
from ddsp_match.effects.chain import Serial
from ddsp_match.effects.parametric_reverb import ParametricReverb
from ddsp_match.effects.processor import Processor, Value

KNOWN = 0.25  # up to this spread of its logarithm a decay time is known well enough to take a room out


@dataclass(frozen=True)
class RoomEstimate:
    """Effects as estimated from a sound.

    Attributes:
        values: All knobs of the estimated effects, by their names in the chain. A spectral distance cannot better them:
            it sees a room's fine structure, which no noise has, and would rather have less of the room.
        dry: The sound without these effects, or None where none was estimated.
        notes: The estimate in words.
    """

    values: dict[str, Value] = field(default_factory=dict)
    dry: Float[np.ndarray, "channels samples"] | None = None
    notes: tuple[str, ...] = ()


def estimate_room(
    chain: Processor, fixed: Mapping[str, Any], samples: Float[np.ndarray, "channels samples"], sample_rate: int
) -> RoomEstimate:
    """Estimate the effects of a chain from a sound, from the last to the first.

    Args:
        chain: The effects.
        fixed: Knobs that are set, by their names in the chain.
        samples: The sound.
        sample_rate: In Hz.
    """
    whole, dry = RoomEstimate(), samples
    for name, part in reversed(list(_named(chain))):
        estimator = ESTIMATORS.get(type(part))
        if estimator is None:
            continue
        own = {key.removeprefix(f"{name}."): value for key, value in fixed.items() if key.startswith(f"{name}.")}
        estimate = estimator(part, own, dry, sample_rate)
        values = {f"{name}.{key}": value for key, value in estimate.values.items() if key not in own}
        dry = dry if estimate.dry is None else estimate.dry
        whole = RoomEstimate({**whole.values, **values}, dry, (*whole.notes, *estimate.notes))
    return whole


def _named(chain: Processor) -> Iterator[tuple[str, Processor]]:
    if isinstance(chain, Serial):
        yield from chain.named


def _reverb(part: Processor, own: Mapping[str, Any], samples: np.ndarray, sample_rate: int) -> RoomEstimate:
    assert isinstance(part, ParametricReverb)
    ranges = {knob.name: knob for knob in part.knobs}
    bands_hz = octave_centres(part.bands, part.lowest_hz)
    decay = blind_decay(samples, sample_rate, bands_hz)
    unsure = bool(np.min(decay.spread[bands_hz < sample_rate / 2], initial=1.0) > KNOWN)
    if unsure and not {"rt60_s", "level"} & set(own):
        return RoomEstimate({**part.neutral(), **own}, notes=(_hidden(part),))
    rt60_s = np.asarray(own.get("rt60_s", decay.rt60_s), dtype=np.float64)
    rt60_s = rt60_s.clip(ranges["rt60_s"].low, ranges["rt60_s"].high)
    if "level" in own:
        level_db = 20 * np.log10(np.maximum(np.asarray(own["level"], dtype=np.float64), 1e-6))
    else:
        level_db = reverberation_db(replace(decay, rt60_s=rt60_s))
    level = (10 ** (level_db / 20)).clip(ranges["level"].low, ranges["level"].high)
    values = {**part.neutral(), **own, "rt60_s": rt60_s, "level": level}
    with torch.inference_mode():
        knobs = part.tensors(values, torch.float32)
        response = part.impulse_response(knobs, sample_rate, len(samples), samples.shape[1])[0].numpy()
    response[:, 0] += float(knobs["dry"])
    return RoomEstimate(values, dereverberated(samples, sample_rate, bands_hz, rt60_s, level_db, response))


def _hidden(part: ParametricReverb) -> str:
    rings = ", ".join(["0.5"] * part.bands)
    return (
        "this sound hardly reveals a room (it never dies away freely), so reverb stays neutral and the rest is fitted "
        f"without it; if you know how long the room rings, say so: effects='[{{reverb: {{rt60_s: [{rings}]}}}}]'"
    )


ESTIMATORS: dict[type[Processor], Callable[[Processor, Mapping[str, Any], np.ndarray, int], RoomEstimate]] = {
    ParametricReverb: _reverb
}


def described(chain: Processor, values: Mapping[str, Any], sample_rate: int) -> list[str]:
    """The rooms of a chain in words: how long each octave rings."""
    words = []
    for name, part in _named(chain):
        if isinstance(part, ParametricReverb) and np.any(values[f"{name}.level"]):
            bands_hz = octave_centres(part.bands, part.lowest_hz)
            rings = np.asarray(values[f"{name}.rt60_s"], dtype=np.float64)
            pairs = zip(bands_hz, rings, strict=True)
            octaves = [f"{rt60_s:.2f} s at {hz:g} Hz" for hz, rt60_s in pairs if hz < sample_rate / 2]
            words.append(f"the room of {name} decays by 60 dB in " + ", ".join(octaves))
    return words
