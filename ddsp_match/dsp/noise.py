"""Time-varying filtered noise, as in DDSP: a zero-phase FIR a frame, and white noise through it.

Engel et al. 2020, "DDSP: Differentiable Digital Signal Processing", section 3.4 (after Serra and Smith's stochastic
part of 1990). Here the filter is crossfaded from frame to frame instead of switched, so that a slow change of the
bands makes no steps; the result is linear in the bands.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch.autograd.function import once_differentiable


def white_noise(
    batch: int, n_samples: int, seed: int, streams: Sequence[int] | None = None
) -> Float[torch.Tensor, "batch samples"]:
    """Unit-variance Gaussian noise, on the CPU, that depends on the seed alone.

    Each signal of the batch draws from its own stream, so that a channel sounds the same alone and among others,
    and a longer draw begins with the shorter one. NumPy draws it (PCG64 seeded with the pair of seed and stream),
    because torch promises neither that nor the same numbers on every device.

    Args:
        batch: Number of signals.
        n_samples: Samples of each.
        seed: Of all of them.
        streams: The stream of each signal; by default its place in the batch. Sounds that are worked on together draw
            as if alone where each signal's stream is the number of its channel.
    """
    streams = range(batch) if streams is None else streams
    if len(streams) != batch:
        raise ValueError(f"{len(streams)} streams do not match {batch} signals")
    drawn = {
        stream: np.random.default_rng([seed, stream]).standard_normal(n_samples, dtype=np.float32)
        for stream in sorted(set(streams))
    }
    return torch.from_numpy(np.stack([drawn[stream] for stream in streams]))


def fir_response(n_bands: int, n_fft: int) -> Float[torch.Tensor, "bands bins"]:
    """Return the share of each band in the frequency response of the windowed zero-phase FIR.

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
    blocks: Float[torch.Tensor, "batch frames block"], hop: int, first: int = 0
) -> Float[torch.Tensor, "batch samples"]:
    """Sum of blocks, each one hop after the one before; a block is a whole number of hops long.

    Args:
        blocks: What to add.
        hop: Samples between two blocks.
        first: The hop of each block that comes first; those before it wrap around to the block's end.
    """
    batch, n_frames, length = blocks.shape
    pieces = length // hop
    split = blocks.reshape(batch, n_frames, pieces, hop)
    out = blocks.new_zeros(batch, n_frames + pieces - 1, hop)
    for place in range(pieces):
        out[:, place : place + n_frames] += split[:, :, (place + first) % pieces]
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
        blocks = torch.fft.irfft(_scaled(spectra, magnitudes.mT @ response), n=n_fft)
        # The filter is centred on time zero of its block, so its first half, a whole number of hops of ringing, wraps
        # to the block's end.
        pieces = n_fft // hop
        ringing = (pieces - 2) // 2
        out = overlap_add(blocks, hop, first=pieces - ringing)
        lead = (1 + ringing) * hop
        return out[:, lead : lead + n_samples]

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        spectra, response = ctx.saved_tensors
        hop, n_fft = ctx.hop, 2 * (response.shape[1] - 1)
        pieces, frames = n_fft // hop, spectra.shape[1]
        ringing = (pieces - 2) // 2
        lead = (1 + ringing) * hop
        room = (frames - 1) * hop + n_fft
        wide = torch.nn.functional.pad(gradient, (lead, max(0, room - lead - gradient.shape[1])))[:, :room]
        hops = wide.unflatten(1, (-1, hop))
        order = [(piece + ringing) % pieces for piece in range(pieces)]
        blocks = torch.cat([hops[:, piece : piece + frames] for piece in order], -1)
        gain = _inner(torch.fft.rfft(blocks), spectra)
        # irfft counts every bin but the first and the last twice, and divides by its length.
        back = response * (2 / n_fft)
        back[:, 0] /= 2
        back[:, -1] /= 2
        return back @ gain.mT, None, None, None, None


def _scaled(spectra: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
    """Complex spectra times real gains."""
    if spectra.device.type != "cpu":
        return spectra * gain
    out = torch.empty_like(spectra)
    _kernels().scaled(_pairs(spectra), gain.flatten(0, 1).numpy(), _pairs(out))
    return out


def _inner(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """The real part of one spectrum times the other's conjugate."""
    if left.device.type != "cpu":
        return (left.real * right.real).addcmul_(left.imag, right.imag)
    out = left.real.new_empty(left.shape)
    _kernels().inner(_pairs(left), _pairs(right), out.flatten(0, 1).numpy())
    return out


def _pairs(spectra: torch.Tensor) -> np.ndarray:
    return torch.view_as_real(spectra).flatten(0, 1).numpy()


def _kernels() -> ModuleType:
    from ddsp_match.dsp import noise_kernels

    return noise_kernels
