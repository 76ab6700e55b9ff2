"""Time-varying filtered noise, as in DDSP: a zero-phase FIR a frame, and white noise through it.

Engel et al. 2020, "DDSP: Differentiable Digital Signal Processing", section 3.4 (after Serra and Smith's stochastic
part of 1990). Here the filter is crossfaded from frame to frame instead of switched, so that a slow change of the
bands makes no steps; the result is linear in the bands.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Complex, Float


def white_noise(batch: int, n_samples: int, seed: int) -> Float[torch.Tensor, "batch samples"]:
    """Unit-variance Gaussian noise that depends on the seed alone.

    Each signal of the batch draws from its own stream, so that a channel sounds the same alone and among others,
    and a longer draw begins with the shorter one. NumPy draws it (PCG64 seeded with the pair of seed and row), because
    torch promises neither that nor the same numbers on every device.
    """
    rows = [
        np.random.default_rng([seed, row]).standard_normal(n_samples, dtype=np.float32) for row in range(batch)
    ]
    return torch.from_numpy(np.stack(rows))


def fir_response(n_bands: int, n_fft: int) -> Float[torch.Tensor, "bands bins"]:
    """What each band contributes to the frequency response of the windowed zero-phase FIR.

    Band ``b`` sits at ``b / (bands - 1)`` of Nyquist. The FIR has ``2 (bands - 1)`` taps under a Hann window, which
    smooths the response over neighbouring bands.

    Args:
        n_bands: Number of bands, at least 2.
        n_fft: Length of the transform the response is wanted for, at least ``2 (bands - 1)``.

    Returns:
        Real responses on the ``n_fft // 2 + 1`` bins; their weighted sum is the filter.
    """
    taps = 2 * (n_bands - 1)
    impulse = torch.fft.irfft(torch.eye(n_bands, dtype=torch.float64), n=taps)
    windowed = torch.roll(impulse, taps // 2, dims=-1) * torch.hann_window(taps, dtype=torch.float64)
    padded = torch.zeros(n_bands, n_fft, dtype=torch.float64)
    padded[:, :taps] = windowed
    centred = torch.roll(padded, -(taps // 2), dims=-1)
    return torch.fft.rfft(centred).real.float()


def noise_fft_size(n_bands: int, hop: int) -> int:
    """Transform length that holds a crossfaded block (two hops) and the filter's ringing, a whole number of hops."""
    taps = 2 * (n_bands - 1)
    hops = -(-(2 * hop + taps) // hop)
    return hop * (hops + hops % 2)


def noise_spectra(
    noise: Float[torch.Tensor, "batch samples"], n_frames: int, hop: int, n_fft: int
) -> Complex[torch.Tensor, "batch frames bins"]:
    """Spectra of the noise under a triangular window two hops long around each frame's centre."""
    n = noise.shape[1]
    room = (n_frames + 1) * hop
    padded = torch.nn.functional.pad(noise, (hop, max(0, room - n - hop)))[:, :room]
    blocks = padded.unfold(1, 2 * hop, hop)[:, :n_frames]
    ramp = torch.arange(2 * hop, device=noise.device) / hop
    return torch.fft.rfft(blocks * torch.minimum(ramp, 2 - ramp), n=n_fft)


def overlap_add(
    blocks: Float[torch.Tensor, "batch frames block"], hop: int
) -> Float[torch.Tensor, "batch samples"]:
    """Sum of blocks, each one hop after the one before; a block is a whole number of hops long."""
    batch, n_frames, length = blocks.shape
    pieces = length // hop
    split = blocks.reshape(batch, n_frames, pieces, hop)
    out = blocks.new_zeros(batch, n_frames + pieces - 1, hop)
    for i in range(pieces):
        out[:, i : i + n_frames] += split[:, :, i]
    return out.flatten(1)


def filtered_noise(
    spectra: Complex[torch.Tensor, "batch frames bins"],
    magnitudes: Float[torch.Tensor, "batch bands frames"],
    response: Float[torch.Tensor, "bands bins"],
    hop: int,
    n_samples: int,
) -> Float[torch.Tensor, "batch samples"]:
    """White noise with a given spectrum over time.

    Args:
        spectra: From `noise_spectra`.
        magnitudes: Gain of each band at each frame, linear.
        response: From `fir_response`, for the same transform length.
        hop: Samples between two frames.
        n_samples: Samples to return.
    """
    return _Filtered.apply(magnitudes, spectra, response, hop, n_samples)


class _Filtered(torch.autograd.Function):
    # The way from bands to samples is linear, so its gradient is its adjoint, written out: autograd would keep the
    # complex spectra of every step and take four times as long.
    @staticmethod
    def forward(ctx, magnitudes, spectra, response, hop: int, n_samples: int):
        ctx.save_for_backward(spectra, response)
        ctx.hop = hop
        n_fft = 2 * (response.shape[1] - 1)
        blocks = torch.fft.irfft(spectra * (magnitudes.mT @ response), n=n_fft)
        # The filter is centred on time zero of its block, so its first half wraps to the block's end.
        ringing = (n_fft - 2 * hop) // 2
        lead = hop + ringing
        return overlap_add(torch.roll(blocks, ringing, dims=-1), hop)[:, lead : lead + n_samples]

    @staticmethod
    def backward(ctx, gradient):
        spectra, response = ctx.saved_tensors
        hop, n_fft = ctx.hop, 2 * (response.shape[1] - 1)
        ringing, frames = (n_fft - 2 * hop) // 2, spectra.shape[1]
        lead = hop + ringing
        room = (frames - 1) * hop + n_fft
        wide = torch.nn.functional.pad(gradient, (lead, max(0, room - lead - gradient.shape[1])))[:, :room]
        blocks = torch.roll(wide.unfold(1, n_fft, hop), -ringing, dims=-1)
        image = torch.fft.rfft(blocks)
        gain = (image.real * spectra.real).addcmul_(image.imag, spectra.imag)
        # irfft counts every bin but the first and the last twice, and divides by its length.
        gain[..., 1:-1] *= 2
        return (gain @ (response.mT / n_fft)).mT, None, None, None, None
