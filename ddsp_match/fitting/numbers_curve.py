"""Closeness over numbers: how close timbre frames of other sizes begin, before any descent."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from ddsp_match.fitting.first_guess import FirstGuess, Target
from ddsp_match.fitting.result import FitResult
from ddsp_match.losses.metrics import mel_distances_db
from ddsp_match.models.frame_plan import Plan
from ddsp_match.models.frames_model import controls_of
from ddsp_match.models.registry import settled
from ddsp_match.synth.harmonic_noise import play

PRICES = (64.0, 12.0, 2.0, 0.3)  # of a number, around the usual one; each costs a render
LONGEST_S, LEAST_STEPS = 12.0, 50  # of longer sounds, and of drafts, it would take too large a share of the time


@dataclass(frozen=True)
class Size:
    """A number of numbers and what it buys.

    Attributes:
        per_second: Numbers a second.
        steady_db: ``mel_steady_db`` of the first guess that holds so many.
    """

    per_second: float
    steady_db: float


@torch.no_grad()
def closeness_over_numbers(result: FitResult) -> list[Size]:
    """How close the first guess is with fewer and with more numbers, the fewest first.

    The guess is made again on the f0 that was found, and compacted in closed form.

    Returns:
        None at all where the patch holds no frames, has effects, or is too long or too quick a fit.
    """
    patch, settings = result.patch, settled(result.settings)
    short = patch.seconds <= LONGEST_S and len(result.trace.steps) >= LEAST_STEPS
    if patch.frames is None or patch.effects is not None or settings.init.kind == "random" or not short:
        return []
    settings = replace(settings, f0=replace(settings.f0, refine=False))
    sound = torch.from_numpy(result.target.samples)
    offset = torch.tensor(patch.offset).unsqueeze(1)
    f0_hz = patch.frames.f0_hz.float().expand(patch.channels, -1)
    guess = FirstGuess(Target(sound - offset, f0_hz, result.pitched), patch.timebase, settings)
    controls = guess.run()[1]
    if len(controls) > 1:
        return []
    plan, sizes = Plan(controls[0], patch.timebase), {}
    for price in PRICES:
        frames = plan.at(price)
        played = play(controls_of(frames), patch.timebase, patch.n_samples, patch.noise_seed).mix + offset
        steady_db = mel_distances_db(sound, played, patch.timebase.sample_rate)["mel_steady_db"]
        sizes[frames.numbers] = Size(frames.numbers / patch.seconds, steady_db)
    return [sizes[numbers] for numbers in sorted(sizes)]


def knee(sizes: list[Size]) -> Size:
    """The size from which more numbers buy less: that farthest below the line between both ends.

    Numbers on a logarithmic axis (Satopää et al. 2011, "Finding a 'kneedle' in a haystack").
    """
    logs = torch.tensor([one.per_second for one in sizes]).log()
    db = torch.tensor([one.steady_db for one in sizes])
    share = (logs - logs[0]) / (logs[-1] - logs[0]).clamp(min=1e-9)
    return sizes[int((db[0] + share * (db[-1] - db[0]) - db).argmax())]
