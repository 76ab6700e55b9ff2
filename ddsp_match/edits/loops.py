"""Find loops: two moments that sound, and go on, alike, so that a jump between them is not heard."""

from __future__ import annotations

import itertools
import math

import torch
from jaxtyping import Float

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.edits.notes import notes
from ddsp_match.edits.onsets import attack_frames, level_db

Loop = tuple[int, int]

SHORTEST_S = 0.25  # loops below it sound like a motor
LENGTH_S = 1.0  # a loop this long costs as much as LENGTH_DB of difference between its ends, a longer one less
LENGTH_DB = 2.0
CENTS_A_DB = 10.0  # cents of f0 that are heard as much as one dB of level
NEAR = 3  # frames on either side that must be alike too, so that slopes and vibrato agree
SMOOTH = 2  # frames on either side that features are averaged over
SUSTAIN_DB = 12.0  # below its loudest a sound counts as released
STEADY_DB_PER_S = 4.0  # what falls faster is struck or plucked, and has no sustain
FLOOR_DB = 60.0
MOST_PARTIALS, MOST_FRAMES, NOISE_GROUPS = 64, 500, 12


def find_loop(
    controls: Controls, timebase: Timebase, missing: int | None = None, within: Loop | None = None
) -> Loop:
    """The best loop in the sustain of one note: alike at both ends in spectrum, level and f0, and long enough.

    Every sound gets one; whether it should be looped is for `has_sustain` to say.

    Args:
        controls: Separated controls.
        timebase: Frame grid.
        missing: Frames that a whole number of rounds of the loop should take; by default its length is free.
        within: First and last frame of the note; by default the notes are looked for, and the best one is taken.

    Returns:
        Its first and its last frame: what comes after the last is what came after the first.
    """
    begin, end = sustain(controls, timebase)
    shortest = max(2, min(timebase.frame_at(SHORTEST_S), (end - begin) // 2))
    # Of a phrase one note: around several it would be heard as a loop.
    of = [within] if within else [(note.first, note.last - 1) for note in notes(controls, timebase)]
    spans = [(max(first, begin), min(last, end)) for first, last in of]
    spans = [span for span in spans if span[1] - span[0] > shortest] or [(begin, end)]
    seen = features(controls)
    return min(_best_within(seen, span, shortest, missing, timebase) for span in spans)[1]


def _best_within(
    seen: torch.Tensor, span: Loop, shortest: int, missing: int | None, timebase: Timebase
) -> tuple[float, Loop]:
    """The best loop within a region, and what its length and the difference of its ends cost in dB."""
    begin, end = span
    if missing is not None:
        rounds = range(max(1, math.ceil(missing / (end - begin))), max(1, missing // shortest) + 1)
        lags = sorted({-(-missing // n) for n in rounds}) or [missing]
        found = [_best_of(seen, lag, begin, end) for lag in lags if lag <= end - begin]
        if found:
            return min((cost + _length_cost(last - first, timebase), (first, last)) for cost, (first, last) in found)
    step = max(1, -(-(end - begin) // MOST_FRAMES))
    moments = torch.arange(begin, end + 1, step)
    apart = torch.zeros(len(moments), len(moments))
    for offset in range(-NEAR, NEAR + 1):
        near = seen[(moments + offset).clamp(0, len(seen) - 1)]
        apart += torch.cdist(near, near).square() / (2 * NEAR + 1)
    lag = (moments.view(1, -1) - moments.view(-1, 1)).float()
    cost = apart.sqrt() + LENGTH_DB * LENGTH_S * timebase.frame_rate / lag.clamp(min=1)
    cost[lag < shortest] = math.inf
    first, last = divmod(int(cost.argmin()), len(moments))
    if first >= last:
        return math.inf, span
    return float(cost[first, last]), (int(moments[first]), int(moments[last]))


def best_jump(controls: Controls, timebase: Timebase, lag: int) -> Loop:
    """The two moments `lag` frames apart, after the attack, that are most alike."""
    last = controls.n_frames - 1
    begin = min(attack_frames(controls, timebase), last - lag)
    return _best_of(features(controls), lag, begin, last)[1]


def has_sustain(controls: Controls, timebase: Timebase) -> bool:
    """Return whether a sound holds its level for a while, as blown and bowed ones do, and can be held longer."""
    begin, end = sustain(controls, timebase)
    if end - begin < timebase.frame_at(SHORTEST_S):
        return False
    return slope_db_per_s(controls, timebase, (begin, end)) > -STEADY_DB_PER_S


def slope_db_per_s(controls: Controls, timebase: Timebase, region: Loop) -> float:
    """Measure how fast the level rises within a region."""
    level = _level(controls)[region[0] : region[1] + 1]
    time = torch.arange(len(level), dtype=torch.float32) / timebase.frame_rate
    time = time - time.mean()
    return float((time * (level - level.mean())).sum() / time.square().sum().clamp(min=1e-9))


def sustain(controls: Controls, timebase: Timebase) -> Loop:
    """First and last frame of what lies between attack and release, at least two frames apart if there are so many."""
    last = controls.n_frames - 1
    level = _level(controls)
    # By most of the sound, not by one accent in it.
    usual = float(level[level > level.max() - FLOOR_DB].quantile(0.9))
    loud = torch.nonzero(level >= usual - SUSTAIN_DB).flatten()
    swelled = int(torch.nonzero(level >= usual - SUSTAIN_DB / 2)[0])  # where a long crescendo is still under way
    begin = min(attack_frames(controls, timebase), swelled + timebase.frame_at(SHORTEST_S), max(0, last - 2))
    end = int(loud[-1]) if len(loud) else last
    if end < last:
        end -= timebase.frame_at(0.02)
    if end - begin < 2:
        end = min(last, begin + 2)
    return begin, end


def features(controls: Controls) -> Float[torch.Tensor, "frames features"]:
    """Compute the features by which two moments are compared: their distance is about the audible one, in dB."""
    partials = controls.partial_amplitudes.square().sum(0)
    keep = partials.mean(1).argsort(descending=True)[:MOST_PARTIALS]
    columns = [_weighted_db(partials[keep])]
    if controls.n_bands > 1:
        noise = controls.noise.square().sum(0) / (controls.n_bands - 1)
        edges = torch.logspace(0, math.log10(controls.n_bands), NOISE_GROUPS + 1).round().long().unique()
        groups = [noise[a - 1 : b - 1].sum(0) for a, b in itertools.pairwise(edges.tolist())]
        columns.append(_weighted_db(torch.stack(groups)))
    powers = [float(partials.sum()), float(noise.sum()) if controls.n_bands > 1 else 0.0]
    whole = math.sqrt(sum(powers)) or 1.0
    columns = [column * math.sqrt(math.sqrt(power) / whole) for column, power in zip(columns, powers, strict=False)]
    columns.append(_level(controls).view(1, -1))
    columns.append(1200 / CENTS_A_DB * torch.log2(controls.f0_hz[:1]))
    return torch.cat([column.float() for column in columns]).mT.contiguous()


def _level(controls: Controls) -> Float[torch.Tensor, " frames"]:
    return _smooth(level_db(controls).view(1, -1))[0]


def _weighted_db(power: Float[torch.Tensor, "rows frames"]) -> Float[torch.Tensor, "rows frames"]:
    """Levels in dB, so weighted that the sum of their squares is a mean in which strong rows count more."""
    mean = power.mean(1, keepdim=True)
    smooth = _smooth(power)
    floor = float(mean.max()) * 10 ** (-FLOOR_DB / 10) + 1e-16
    weight = mean.sqrt() / mean.sqrt().sum().clamp(min=1e-20)
    return 10 * torch.log10(smooth + floor) * weight.sqrt()


def _smooth(rows: Float[torch.Tensor, "rows frames"]) -> Float[torch.Tensor, "rows frames"]:
    width = 2 * SMOOTH + 1
    padded = torch.nn.functional.pad(rows.unsqueeze(0), (SMOOTH, SMOOTH), mode="replicate")
    return torch.nn.functional.avg_pool1d(padded, width, 1)[0]


def _best_of(seen: torch.Tensor, lag: int, begin: int, end: int) -> tuple[float, Loop]:
    """The best pair of frames at a given distance within a region, and how far apart they sound in dB."""
    starts = torch.arange(begin, max(begin, end - lag) + 1)
    apart = torch.zeros(len(starts))
    for offset in range(-NEAR, NEAR + 1):
        a, b = ((starts + shift + offset).clamp(0, len(seen) - 1) for shift in (0, lag))
        apart += (seen[a] - seen[b]).square().sum(1) / (2 * NEAR + 1)
    best = int(apart.argmin())
    return float(apart[best].sqrt()), (begin + best, min(begin + best + lag, len(seen) - 1))


def _length_cost(frames: int, timebase: Timebase) -> float:
    return LENGTH_DB * LENGTH_S * timebase.frame_rate / max(1, frames)
