"""A note by hand, so that what an edit should make of it is known."""

from __future__ import annotations

import math

import torch

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase

TIMEBASE = Timebase(16_000, 160)


def note(
    frames: int = 201,
    f0_hz: float = 220.0,
    partials: int = 12,
    *,
    channels: int = 1,
    divisions: int = 1,
    bands: int = 33,
    attack: int = 10,
    release: int = 20,
    vibrato_cents: float = 0.0,
    period: int = 20,
    decay_db_per_s: float = 0.0,
    swell: float = 0.0,
) -> Controls:
    """A note that rises, stays, and goes; vibrato and a swell of the odd partials return every `period` frames."""
    k = torch.arange(frames, dtype=torch.float64)
    envelope = (k / attack).clamp(max=1) * ((frames - 1 - k) / release).clamp(max=1)
    envelope = envelope * 10 ** (-decay_db_per_s * k / 100 / 20)
    wave = torch.sin(2 * math.pi * k / period)
    f0 = f0_hz * 2 ** (vibrato_cents * wave / 1200)
    numbers = torch.arange(1, partials + 1).view(1, -1, 1)
    shares = (1 / numbers) * (1 + swell * wave.view(1, 1, -1) * (numbers % 2))
    shares = shares.expand(channels, -1, -1).float()
    shares = shares / shares.sum(1, keepdim=True)
    row = envelope.float().expand(channels, -1)
    return Controls(
        f0.float().expand(channels, -1).contiguous(),
        0.3 * row,
        shares.contiguous(),
        (0.01 * row).unsqueeze(1).expand(-1, bands, -1).contiguous(),
        (0.3 * numbers).float().expand(channels, -1, frames).contiguous(),
        divisions,
    )
