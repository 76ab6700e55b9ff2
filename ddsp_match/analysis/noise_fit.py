"""A first guess of the filtered noise: the spectrum over time of what the harmonics leave."""

from __future__ import annotations

import torch
from jaxtyping import Float

from ddsp_match.timebase import Timebase

MAGNITUDE_FLOOR = 1e-7


def noise_magnitudes(
    residual: Float[torch.Tensor, "batch samples"], timebase: Timebase, n_frames: int, n_bands: int
) -> Float[torch.Tensor, "batch bands frames"]:
    """The gain white noise needs in each band to have the residual's power there.

    Args:
        residual: The sound without its harmonics.
        timebase: Frame grid.
        n_frames: Frames wanted.
        n_bands: Bands, evenly spaced from 0 Hz to Nyquist inclusive.
    """
    size = 4 * (n_bands - 1)
    window = torch.hann_window(size, device=residual.device)
    long = torch.nn.functional.pad(residual, (size // 2, size // 2 + timebase.hop))
    blocks = long.unfold(1, size, timebase.hop)[:, :n_frames]
    power = torch.view_as_real(torch.fft.rfft(blocks * window)).square().sum(-1) / window.square().sum()
    bins = torch.arange(power.shape[-1], device=residual.device) / 2
    bands = torch.arange(n_bands, device=residual.device)
    triangles = (1 - (bins.unsqueeze(1) - bands).abs()).clamp(min=0)
    mean = power @ (triangles / triangles.sum(0, keepdim=True))
    return mean.mT.sqrt().clamp(min=MAGNITUDE_FLOOR)
