"""Design second-order filters: cutoff in Hz, Q and gain to the coefficients of the recursion.

The shapes are those of Robert Bristow-Johnson's *Audio EQ Cookbook* (W3C note, 2021): the analogue prototypes by the
bilinear transform, warped so that the cutoff is exact. Each function takes tensors of one shape and returns ``b`` and
``a`` with three coefficients on a last axis, `a_0` = 1. Every finite Q above 0 and cutoff inside (0, half the sample
rate) has its poles inside the unit circle. Cutoffs are held below `HIGHEST` of the sample rate, so that one range of
knobs serves every rate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch

HIGHEST = 0.49  # of the sample rate: the highest cutoff

Coefficients: TypeAlias = tuple[torch.Tensor, torch.Tensor]
Design: TypeAlias = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, int], Coefficients]


def angle(cutoff_hz: torch.Tensor, sample_rate: int) -> torch.Tensor:
    """The cutoff in radians per sample, in float64, held below half the sample rate."""
    return 2 * torch.pi / sample_rate * cutoff_hz.double().clamp(max=HIGHEST * sample_rate)


def lowpass(cutoff_hz: torch.Tensor, q: torch.Tensor, gain_db: torch.Tensor, sample_rate: int) -> Coefficients:
    """12 dB per octave above the cutoff, where the level is Q; `gain_db` is not used."""
    cosine, alpha = _terms(cutoff_hz, q, sample_rate)
    half = (1 - cosine) / 2
    return _normal((half, 2 * half, half), (1 + alpha, -2 * cosine, 1 - alpha))


def highpass(cutoff_hz: torch.Tensor, q: torch.Tensor, gain_db: torch.Tensor, sample_rate: int) -> Coefficients:
    """12 dB per octave below the cutoff, where the level is Q; `gain_db` is not used."""
    cosine, alpha = _terms(cutoff_hz, q, sample_rate)
    half = (1 + cosine) / 2
    return _normal((half, -2 * half, half), (1 + alpha, -2 * cosine, 1 - alpha))


def bandpass(cutoff_hz: torch.Tensor, q: torch.Tensor, gain_db: torch.Tensor, sample_rate: int) -> Coefficients:
    """6 dB per octave on both sides of the cutoff, where the level is 1; `gain_db` is not used."""
    cosine, alpha = _terms(cutoff_hz, q, sample_rate)
    return _normal((alpha, 0 * alpha, -alpha), (1 + alpha, -2 * cosine, 1 - alpha))


def notch(cutoff_hz: torch.Tensor, q: torch.Tensor, gain_db: torch.Tensor, sample_rate: int) -> Coefficients:
    """Notch: 0 at the cutoff, 1 away from it; `gain_db` is not used."""
    cosine, alpha = _terms(cutoff_hz, q, sample_rate)
    one = torch.ones_like(cosine)
    return _normal((one, -2 * cosine, one), (1 + alpha, -2 * cosine, 1 - alpha))


def peak(cutoff_hz: torch.Tensor, q: torch.Tensor, gain_db: torch.Tensor, sample_rate: int) -> Coefficients:
    """`gain_db` at the cutoff, nothing away from it."""
    cosine, alpha = _terms(cutoff_hz, q, sample_rate)
    level = _amplitude(gain_db)
    return _normal(
        (1 + alpha * level, -2 * cosine, 1 - alpha * level), (1 + alpha / level, -2 * cosine, 1 - alpha / level)
    )


def low_shelf(cutoff_hz: torch.Tensor, q: torch.Tensor, gain_db: torch.Tensor, sample_rate: int) -> Coefficients:
    """`gain_db` far below the cutoff, half of it there, nothing far above."""
    return _shelf(cutoff_hz, q, gain_db, sample_rate, 1.0)


def high_shelf(cutoff_hz: torch.Tensor, q: torch.Tensor, gain_db: torch.Tensor, sample_rate: int) -> Coefficients:
    """`gain_db` far above the cutoff, half of it there, nothing far below."""
    return _shelf(cutoff_hz, q, gain_db, sample_rate, -1.0)


def state_variable(
    cutoff_hz: torch.Tensor,
    q: torch.Tensor,
    levels: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    sample_rate: int,
) -> Coefficients:
    """The mixed low, band and high output of a state-variable filter that stands still.

    ``H(s) = (low + band s/Q + high s^2) / (1 + s/Q + s^2)`` by the bilinear transform; with all levels 1 nothing is
    changed. Source: Zavalishin, *The Art of VA Filter Design*, 2018, sections 4.1 and 4.4.
    """
    g = torch.tan(angle(cutoff_hz, sample_rate) / 2)
    low, band, high = (level.double() for level in levels)
    damped = g / q.double()
    square = g * g
    return _normal(
        (high + damped * band + square * low, 2 * (square * low - high), high - damped * band + square * low),
        (1 + damped + square, 2 * (square - 1), 1 - damped + square),
    )


def one_pole(cutoff_hz: torch.Tensor, sample_rate: int) -> Coefficients:
    """``y[n] = (1 - p) x[n] + p y[n-1]`` with ``p = exp(-2 pi cutoff / rate)``: 6 dB per octave."""
    p = torch.exp(-angle(cutoff_hz, sample_rate))
    one, zero = torch.ones_like(p), torch.zeros_like(p)
    return torch.stack([1 - p, zero, zero], dim=-1), torch.stack([one, -p, zero], dim=-1)


def blended(mix: torch.Tensor, coefficients: Coefficients) -> Coefficients:
    """Blend a filter with its input: ``(1 - mix) x + mix y``."""
    b, a = coefficients
    return a + mix.double()[..., None] * (b - a), a


def _terms(cutoff_hz: torch.Tensor, q: torch.Tensor, sample_rate: int) -> tuple[torch.Tensor, torch.Tensor]:
    w = angle(cutoff_hz, sample_rate)
    return torch.cos(w), torch.sin(w) / (2 * q.double())


def _amplitude(gain_db: torch.Tensor) -> torch.Tensor:
    """The cookbook's A: the square root of the gain."""
    return 10 ** (gain_db.double() / 40)


def _shelf(
    cutoff_hz: torch.Tensor, q: torch.Tensor, gain_db: torch.Tensor, sample_rate: int, side: float
) -> Coefficients:
    """Low with `side` 1, high with -1: the two mirror each other about a quarter of the sample rate."""
    cosine, alpha = _terms(cutoff_hz, q, sample_rate)
    level = _amplitude(gain_db)
    more, less, bend = level + 1, side * (level - 1), 2 * level.sqrt() * alpha
    return _normal(
        (
            level * (more - less * cosine + bend),
            2 * level * (less - more * cosine),
            level * (more - less * cosine - bend),
        ),
        (more + less * cosine + bend, -2 * (less + more * cosine), more + less * cosine - bend),
    )


def _normal(b: tuple[torch.Tensor, ...], a: tuple[torch.Tensor, ...]) -> Coefficients:
    feed, back = (torch.stack(torch.broadcast_tensors(*row), dim=-1) for row in (b, a))
    return feed / back[..., :1], back / back[..., :1]
