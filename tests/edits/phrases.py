"""A phrase by hand: notes in a row, with rests, that swell and die away."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.dsp.notes import hz_of
from ddsp_match.patch import Patch

TIMEBASE = Timebase(16_000, 160)
PARTIALS, BANDS = 8, 33


def phrase(
    keys: Sequence[tuple[float, int, float]],
    *,
    fall_db_per_s: float = 0.0,
    jitter_cents: float = 0.0,
    rate: int = 16_000,
    channels: int = 1,
    pitched: bool = True,
) -> Patch:
    """Notes one after the other.

    Args:
        keys: MIDI note, frames and amplitude of each; an amplitude of 0 is a rest.
        fall_db_per_s: How fast each note falls from its beginning.
        jitter_cents: How far f0 is off, up and down from one frame to the next.
        rate: Sample rate.
        channels: All alike.
        pitched: Whether it has a pitch.
    """
    timebase = Timebase.at(rate)
    f0, level = [], []
    for key, frames, amplitude in keys:
        k = torch.arange(frames, dtype=torch.float64)
        rise = ((k + 1) / 4).clamp(max=1) * ((frames - k) / 4).clamp(max=1)
        f0.append(torch.full((frames,), hz_of(key), dtype=torch.float64))
        level.append(amplitude * rise * 10 ** (-fall_db_per_s * k / 100 / 20))
    f0_hz, amplitude = torch.cat([*f0, f0[-1][:1]]).float(), torch.cat([*level, torch.zeros(1)]).float()
    frames = len(f0_hz)
    f0_hz = f0_hz * 2 ** (jitter_cents / 1200 * (1 - 2 * (torch.arange(frames) % 2)))
    shares = 1 / torch.arange(1, PARTIALS + 1)
    controls = Controls(
        f0_hz.expand(channels, -1).contiguous(),
        amplitude.expand(channels, -1).contiguous(),
        (shares / shares.sum()).view(1, -1, 1).expand(channels, -1, frames).contiguous(),
        (0.003 * amplitude).view(1, 1, -1).expand(channels, BANDS, -1).contiguous(),
        torch.zeros(channels, PARTIALS, frames),
    )
    n_samples = timebase.samples(frames) + 1
    given = {"noise_seed": 1, "phase": "tracked", "provenance": {"sound": "phrase.wav"}}
    return Patch.of(controls, timebase, n_samples, pitched=pitched, **given)
