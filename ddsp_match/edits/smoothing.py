"""Weighted means along the frames."""

from __future__ import annotations

import torch
from jaxtyping import Float

from ddsp_match.core.timebase import Timebase


def hann(seconds: float, timebase: Timebase) -> Float[torch.Tensor, " taps"]:
    """A Hann window of odd length without its zeros, summing to one."""
    half = max(1, round(seconds * timebase.frame_rate / 2))
    window = torch.hann_window(2 * half + 1, periodic=False)
    window = window[1:-1] if half > 1 else torch.ones(1)
    return window / window.sum()


def smooth(x: torch.Tensor, window: Float[torch.Tensor, " taps"]) -> torch.Tensor:
    """A weighted mean along the last axis; at the ends over what there is."""
    weights = window.view(-1, 1).expand(-1, x.shape[-1])
    return windowed(x, weights) / windowed(torch.ones(x.shape[-1]), weights)


def windowed(x: torch.Tensor, window: Float[torch.Tensor, "taps frames"]) -> torch.Tensor:
    """The sum of neighbours along the last axis with weights of each frame's own."""
    taps, half, n = len(window), len(window) // 2, x.shape[-1]
    out = torch.zeros_like(x)
    for tap in range(taps):
        shift = tap - half
        a, b = max(0, -shift), min(n, n - shift)
        if a < b:
            out[..., a:b] += x[..., a + shift : b + shift] * window[tap, a:b]
    return out
