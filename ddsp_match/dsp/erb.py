"""Bands on the ERB-rate scale, as wide as the ear's (Glasberg and Moore 1990), and curves over them in dB."""

from __future__ import annotations

import torch
from jaxtyping import Float

LOWEST_HZ = 40.0


def erb_rate(hz: torch.Tensor) -> torch.Tensor:
    """Frequency in Hz as a number of equivalent rectangular bandwidths."""
    return 21.4 * torch.log10(1 + 0.00437 * hz)


def erb_hz(rate: torch.Tensor) -> torch.Tensor:
    """The frequency in Hz of a number of equivalent rectangular bandwidths."""
    return (10 ** (rate / 21.4) - 1) / 0.00437


def _centres(n_erb: int, nyquist_hz: float) -> Float[torch.Tensor, " erb"]:
    ends = erb_rate(torch.tensor([LOWEST_HZ, nyquist_hz], dtype=torch.float64))
    return torch.linspace(float(ends[0]), float(ends[1]), n_erb, dtype=torch.float64)


def edges_hz(n_erb: int, nyquist_hz: float) -> Float[torch.Tensor, " edges"]:
    """Where the bands of `noise_basis` meet, halfway between them on the ERB-rate scale; the last ends at Nyquist."""
    centres = _centres(n_erb, nyquist_hz)
    half = (centres[1] - centres[0]) / 2
    return erb_hz(torch.cat([centres[:1] - half, centres + half])).clamp(max=nyquist_hz)


def between_bands(
    places: Float[torch.Tensor, " points"], centres: Float[torch.Tensor, " bands"]
) -> Float[torch.Tensor, "points bands"]:
    """The share of each band in each point: linear between the rising centres, level beyond the outer ones."""
    weights = places.new_zeros(len(places), len(centres))
    if len(centres) == 1:
        return weights + 1
    left = (torch.searchsorted(centres.contiguous(), places.contiguous(), right=True) - 1).clamp(0, len(centres) - 2)
    share = ((places - centres[left]) / (centres[left + 1] - centres[left])).clamp(0, 1)
    point = torch.arange(len(places))
    weights[point, left] = 1 - share
    weights[point, left + 1] = share
    return weights


def noise_basis(n_linear: int, n_erb: int, nyquist_hz: float) -> Float[torch.Tensor, "linear erb"]:
    """The share of `n_erb` bands, even on the ERB-rate scale from 40 Hz to Nyquist, in bands even in Hz from 0."""
    centres = _centres(n_erb, nyquist_hz)
    return between_bands(erb_rate(torch.linspace(0, nyquist_hz, n_linear, dtype=torch.float64)), centres).float()
