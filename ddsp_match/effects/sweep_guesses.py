"""First guesses for filters whose frequency swings: the swing that short stretches of the sounds agree on.

A slow sweep leaves a filter at rest over a few milliseconds. So the dry sound is filtered once at each of a grid of
frequencies, and for each stretch of time the products of the filter's outputs with one another and with the wet sound
are kept. The error of any swing, at the best levels of the outputs, is then a sum of such products along its course
(variable projection: G. H. Golub and V. Pereyra, 1973), cheap enough for tens of thousands of swings. The best are
judged by the moving filter itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from ddsp_match.core.params import Parameter
from ddsp_match.effects.lfo import sweep_knobs, swept

LONGEST = 96_000  # samples that are analysed
FRAME_S = 0.01
PER_OCTAVE = 5  # of the grid of frequencies
LOWEST_HZ = 8.0  # below, a moving filter changes nothing audible
DRAWN, CLIMBERS, ROUNDS, TRIES = 12_000, 240, 12, 8  # random swings, those that climb, and how
TOGETHER = 400  # swings whose errors are summed together
JUDGED, KEPT = 12, 5  # swings that the moving filter judges, and those that are returned
NEAR = 0.1  # of the reach of a coordinate: two swings nearer than that count as one

# The filter's outputs with that frequency at every sample and that shape (resonance, feedback), stacked.
Outputs = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], Float[torch.Tensor, "batch outputs samples"]]


@dataclass(frozen=True)
class Swing:
    """A swing, and the levels of the outputs that make the wet sound with it.

    Attributes:
        centre_hz: Middle of the swing, geometric.
        octaves: To either side.
        hz: Swings in a second.
        phase: Where it begins, turns.
        shape: What else the outputs depend on.
        levels: Of each output.
        error: Error-to-signal ratio by the moving filter.
    """

    centre_hz: float
    octaves: float
    hz: float
    phase: float
    shape: float
    levels: Float[np.ndarray, " outputs"]
    error: float

    @property
    def knobs(self) -> dict[str, float]:
        """The knobs of `ddsp_match.effects.lfo.sweep_knobs`."""
        return {"sweep_octaves": self.octaves, "sweep_hz": self.hz, "sweep_phase": self.phase}


@dataclass(frozen=True)
class _Table:
    """Products of the outputs and the wet sound by shape, frequency and stretch of time."""

    products: Float[np.ndarray, "shapes pitches frames products"]
    times: Float[np.ndarray, " frames"]
    outputs: int
    levels: tuple[float, float]
    energy: float

    def errors(self, places: Float[np.ndarray, "swings 5"]) -> Float[np.ndarray, " swings"]:
        """Error-to-signal ratio of swings: octave above the lowest, octaves, rate, phase, number of the shape."""
        shapes, pitches, frames, width = self.products.shape
        flat, sums = self.products.reshape(-1, width), []
        for first in range(0, len(places), TOGETHER):
            some = places[first : first + TOGETHER]
            angle = 2 * np.pi * (some[:, 2:3] * self.times + some[:, 3:4])
            octave = some[:, :1] + some[:, 1:2] * np.sin(angle)
            pitch = np.rint(octave * PER_OCTAVE).clip(0, pitches - 1).astype(np.int64)
            shape = np.rint(some[:, 4]).clip(0, shapes - 1).astype(np.int64)
            row = (shape[:, None] * pitches + pitch) * frames + np.arange(frames)
            sums.append(np.take(flat, row.ravel(), axis=0).reshape(len(some), frames, width).sum(1))
        summed = np.concatenate(sums).astype(np.float64).reshape(len(places), self.outputs, self.outputs + 1)
        # With the products summed along the course, levels and error need no samples.
        levels = fitted(summed[..., :-1], summed[..., -1], self.levels)
        gained = 2 * (levels * summed[..., -1]).sum(1) - np.einsum("si,sij,sj->s", levels, summed[..., :-1], levels)
        return 1 - gained / self.energy


def fitted(
    square: Float[np.ndarray, "batch outputs outputs"], cross: np.ndarray, ends: tuple[float, float]
) -> Float[np.ndarray, "batch outputs"]:
    """Levels of least error, held between the ends."""
    size = cross.shape[1]
    ridge = 1e-7 * np.einsum("bii->b", square)[:, None, None] + 1e-30
    return np.linalg.solve(square + ridge * np.eye(size), cross[..., None])[..., 0].clip(*ends)


def swings(
    outputs: Outputs,
    dry: Float[np.ndarray, "channels samples"],
    wet: Float[np.ndarray, "channels samples"],
    sample_rate: int,
    centre: Parameter,
    shapes: Float[np.ndarray, " shapes"],
    levels: tuple[float, float],
) -> list[Swing]:
    """Swings that may make the wet sound from the dry one, the best first.

    Args:
        outputs: The filter.
        dry: Its input; the loudest channel is looked at.
        wet: What a mix of its outputs should be.
        sample_rate: In Hz.
        centre: Where the middle of the swing may lie.
        shapes: Resonances, say, to try.
        levels: Lowest and highest of an output.
    """
    n = min(dry.shape[1], LONGEST)
    channel = int(np.square(wet[:, :n]).sum(1).argmax()) if n else 0
    source, goal = (np.ascontiguousarray(sound[channel, :n]) for sound in (dry, wet))
    if n < 20 * FRAME_S * sample_rate or not source.any() or not goal.any():
        return []
    audio = torch.from_numpy(source)[None, None]
    with torch.inference_mode():
        table = _tabled(outputs, audio, goal, sample_rate, shapes, levels)
        places = _climbed(table, centre, len(shapes))
        candidates = [_judged(outputs, audio, goal, sample_rate, centre, shapes, levels, place) for place in places]
    return sorted(candidates, key=lambda swing: swing.error)[:KEPT]


def _tabled(
    outputs: Outputs, audio: torch.Tensor, goal: np.ndarray, sample_rate: int, shapes: np.ndarray, levels
) -> _Table:
    frame = int(FRAME_S * sample_rate)
    frames = len(goal) // frame
    octaves = np.arange(0, np.log2(0.49 * sample_rate / LOWEST_HZ), 1 / PER_OCTAVE)
    goal_frames = goal[: frames * frame].reshape(frames, frame)
    every, rows = torch.from_numpy(shapes), []
    for octave in octaves:
        hz = torch.full((1, len(goal)), LOWEST_HZ * 2**octave, dtype=torch.float64)
        outs = outputs(audio, hz, every).numpy()[..., : frames * frame]
        parts = outs.reshape(*outs.shape[:2], frames, frame).transpose(0, 2, 1, 3)
        cross = parts @ goal_frames[..., None]
        rows.append(np.concatenate([parts @ parts.transpose(0, 1, 3, 2), cross], axis=-1).astype(np.float32))
    size = rows[0].shape[2]
    products = np.stack(rows, axis=1).reshape(len(shapes), len(octaves), frames, -1)
    times = (np.arange(frames) + 0.5) * frame / sample_rate
    return _Table(products, times, size, levels, float(np.square(goal_frames).sum()))


def _climbed(table: _Table, centre: Parameter, shapes: int) -> Float[np.ndarray, "swings 5"]:
    """Search at random, then climb from the best with smaller and smaller random steps; distinct swings, best first."""
    rng = np.random.default_rng(0)
    span = float(table.times[-1])
    ends = [knob for knob in sweep_knobs(0.0)]
    slowest, fastest = ends[1].low, ends[1].high
    low = np.array([np.log2(centre.low / LOWEST_HZ), *(end.low for end in ends), 0.0])
    high = np.array([np.log2(centre.high / LOWEST_HZ), *(end.high for end in ends), shapes - 1.0])

    def held(places: np.ndarray) -> np.ndarray:
        places[..., 3] %= 1.0
        return places.clip(low, high)

    places = rng.uniform(low, high, (DRAWN, 5))
    # Three in four rates even in ratio; the others even in Hz, for fast rates have many valleys.
    by_ratio = slowest * (fastest / slowest) ** rng.random(DRAWN)
    places[:, 2] = np.where(rng.random(DRAWN) < 0.75, by_ratio, places[:, 2])
    errors = table.errors(places)
    best = np.argsort(errors)[:CLIMBERS]
    places, errors = places[best], errors[best]
    # As far as a swing moves before another's valley begins: the rate by a part of a turn over the whole sound.
    reach = np.array([1.5, 1.0, 0.4 / span, 0.15, 1.2])
    for turn in range(ROUNDS):
        step = rng.standard_normal((len(places), TRIES, 5)) * reach * 0.75**turn
        step *= rng.random(step.shape) < 0.6
        near = held(places[:, None] + step)
        values = table.errors(near.reshape(-1, 5)).reshape(len(places), TRIES)
        best_try = values.argmin(1)
        rows = np.arange(len(places))
        better = values[rows, best_try] < errors
        places = np.where(better[:, None], near[rows, best_try], places)
        errors = np.where(better, values[rows, best_try], errors)
        if turn in (2, 5):
            survivors = np.argsort(errors)[: len(errors) // 2]
            places, errors = places[survivors], errors[survivors]
    candidates: list[np.ndarray] = []
    for place in places[np.argsort(errors)]:
        if all(np.abs((place - other) / reach).max() > NEAR for other in candidates):
            candidates.append(place)
        if len(candidates) == JUDGED:
            break
    return np.stack(candidates)


def _judged(
    outputs: Outputs,
    audio: torch.Tensor,
    goal: np.ndarray,
    sample_rate: int,
    centre: Parameter,
    shapes: np.ndarray,
    levels: tuple[float, float],
    place: Float[np.ndarray, " coordinates"],
) -> Swing:
    """Score one swing with the moving filter itself."""
    middle = float(np.clip(LOWEST_HZ * 2 ** place[0], centre.low, centre.high))
    # The table is coarse in the shape: those between its entries are tried, too.
    near = np.rint(place[4]) + np.array([-0.4, 0.0, 0.4])
    tried = np.interp(near, np.arange(len(shapes)), shapes)
    knobs = {
        name: torch.tensor([[value]], dtype=torch.float64)
        for name, value in zip(("sweep_octaves", "sweep_hz", "sweep_phase"), place[1:4], strict=True)
    }
    hz = swept(torch.tensor([[middle]], dtype=torch.float64), knobs, sample_rate, len(goal))
    outs = outputs(audio, hz, torch.from_numpy(tried)).numpy()
    best = fitted(outs @ outs.transpose(0, 2, 1), outs @ goal, levels)
    errors = np.square(np.einsum("sk,skn->sn", best, outs) - goal).sum(1) / np.square(goal).sum()
    row = int(errors.argmin())
    return Swing(
        middle, float(place[1]), float(place[2]), float(place[3]), float(tried[row]), best[row], float(errors[row])
    )
