"""Sounds made of straight lines in dB, so that the frames that hold them are known."""

from __future__ import annotations

import math

import torch

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.dsp.knots import hats

TIMEBASE = Timebase.at(16000)


def lines(frames: int = 151, channels: int = 1, partials: int = 8, bands: int = 65, f0_hz: float = 220.0) -> Controls:
    """Partials that rise and fall at the same moments, at slopes of their own; noise that fades; a start phase each."""
    k = torch.arange(partials).view(-1, 1)
    times = torch.tensor([0, 10, 80, 150]) * (frames - 1) // 150 if frames > 15 else torch.zeros(1, dtype=torch.int64)
    knots = torch.cat([-60.0 + 0 * k, -20.0 - 2 * k, -24.0 - 4 * k, -50.0 - 3 * k], 1)[:, : len(times)]
    levels = knots @ hats(times, frames)
    sizes = (10 ** (levels / 20)).expand(channels, -1, -1) / torch.arange(1, channels + 1).view(-1, 1, 1)
    total = sizes.sum(1)
    fade = 10 ** ((-60 - 20 * torch.arange(frames) / max(frames - 1, 1)) / 20)
    return Controls(
        torch.full((channels, frames), f0_hz),
        total,
        sizes / total.unsqueeze(1),
        fade.expand(channels, bands, frames).contiguous(),
        (0.4 * k % math.pi).float().expand(channels, -1, frames).contiguous(),
    )


def error_db(a: torch.Tensor, b: torch.Tensor) -> float:
    """The largest difference of levels, in dB."""
    return float((20 * (a / b).log10()).abs().max())
