"""Small patches, made by hand, that instruments are made from."""

from __future__ import annotations

import math

import torch

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.effects.rack import Rack
from ddsp_match.patch import Patch

RATE = 16_000


def blown(
    f0_hz: float = 220.0,
    seconds: float = 1.6,
    *,
    rate: int = RATE,
    channels: int = 1,
    noise: float = 0.003,
    vibrato_cents: float = 15.0,
    effects: Rack | None = None,
    level: float = 0.3,
) -> Patch:
    """A tone that swells in 50 ms, stands with a vibrato of 5 Hz, and ends in 100 ms; six harmonics and breath."""
    timebase = Timebase.at(rate)
    frames = timebase.frames(round(seconds * rate))
    t = torch.arange(frames) / timebase.frame_rate
    envelope = (t / 0.05).clamp(max=1) * ((t[-1] - t) / 0.1).clamp(0, 1)
    f0 = f0_hz * 2 ** (vibrato_cents / 1200 * torch.sin(2 * math.pi * 5 * t))
    shares = torch.tensor([1.0, 0.6, 0.4, 0.3, 0.2, 0.1])
    return Patch.of(
        Controls(
            f0.expand(channels, -1).contiguous(),
            (level * envelope).expand(channels, -1).contiguous(),
            (shares / shares.sum()).view(1, -1, 1).expand(channels, -1, frames).contiguous(),
            (noise * envelope).view(1, 1, -1).expand(channels, 33, -1).contiguous(),
        ),
        timebase,
        round(seconds * rate),
        noise_seed=3,
        phase="zero",
        effects=effects,
        provenance={"sound": "reed", "edits": []},
    )


def plucked(f0_hz: float = 220.0, seconds: float = 1.0) -> Patch:
    """A tone that falls by 40 dB a second."""
    timebase = Timebase.at(RATE)
    frames = timebase.frames(round(seconds * RATE))
    fall = 0.4 * 10 ** (-2 * torch.arange(frames) / timebase.frame_rate)
    shares = torch.tensor([0.5, 0.3, 0.2]).view(1, -1, 1).expand(1, -1, frames).contiguous()
    controls = Controls(torch.full((1, frames), f0_hz), fall.unsqueeze(0), shares, torch.zeros(1, 9, frames))
    return Patch.of(controls, timebase, round(seconds * RATE), noise_seed=3, phase="zero")


def knocked(seconds: float = 0.3) -> Patch:
    """A knock on a steady grid, half the frame rate, where a fit puts what has no pitch."""
    timebase = Timebase.at(RATE)
    frames = timebase.frames(round(seconds * RATE))
    fall = 0.4 * 10 ** (-8 * torch.arange(frames) / timebase.frame_rate)
    shares = torch.full((1, 20, frames), 0.05)
    controls = Controls(torch.full((1, frames), 50.0), fall.unsqueeze(0), shares, torch.full((1, 9, frames), 1e-3))
    return Patch.of(controls, timebase, round(seconds * RATE), noise_seed=3, phase="zero", pitched=False, grid="steady")
