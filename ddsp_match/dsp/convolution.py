"""Convolution by FFT, and the frequency response of long impulse responses at any frequencies."""

from __future__ import annotations

import math

import torch
from jaxtyping import Complex, Float
from scipy.fft import next_fast_len

KERNEL = 12  # lines of the spectrum that make one point between them


def fast_length(n: int, *, real: bool = True) -> int:
    """The next length from `n` on whose Fourier transform is quick, of real sounds or of complex ones."""
    return int(next_fast_len(n, real) or 0)


def convolve(
    audio: Float[torch.Tensor, "batch1 channels1 samples"], ir: Float[torch.Tensor, "batch2 channels2 taps"]
) -> Float[torch.Tensor, "batch channels samples"]:
    """Causal convolution, as long as the sound; batches and channels broadcast."""
    n = audio.shape[-1]
    ir = ir[..., :n]
    size = fast_length(n + ir.shape[-1] - 1)
    return torch.fft.irfft(torch.fft.rfft(audio, size) * torch.fft.rfft(ir, size), size)[..., :n]


def spectrum_at(
    ir: Float[torch.Tensor, "batch taps"], hz: Float[torch.Tensor, " points"], sample_rate: int
) -> Complex[torch.Tensor, "batch points"]:
    """Frequency response of an impulse response, anywhere, to about 1e-10 of its largest.

    The transform of a non-uniform grid (Fessler and Sutton 2003, "Nonuniform fast Fourier transforms using min-max
    interpolation", with their Kaiser-Bessel kernel at twice the lines): the impulse response is divided by the
    kernel's transform, an FFT follows, and each point is a sum over the kernel's width of the lines next to it.
    """
    # Centred on time zero first: the kernel's transform, which divides it, is then real and nowhere near zero.
    taps = ir.shape[-1]
    lines = fast_length(max(2 * taps, 4 * KERNEL), real=False)
    beta = math.pi * KERNEL * 0.75
    ir = ir.to(torch.float64)
    around = torch.arange(taps, dtype=torch.float64) - taps // 2
    root = torch.sqrt(beta**2 - (math.pi * KERNEL * around / lines) ** 2)
    flat = ir * (root / torch.sinh(root)) / KERNEL
    centred = torch.zeros(*ir.shape[:-1], lines, dtype=torch.float64)
    centred[..., : taps - taps // 2] = flat[..., taps // 2 :]
    centred[..., lines - taps // 2 :] = flat[..., : taps // 2]
    spectrum = torch.fft.fft(centred)
    where = hz.to(torch.float64) * (lines / sample_rate)
    nearest = torch.floor(where).long() - KERNEL // 2 + 1
    total = torch.zeros(*ir.shape[:-1], len(hz), dtype=torch.complex128)
    # Kaiser-Bessel kernel in frequency: each point is a sum over the lines next to it.
    for step in range(KERNEL):
        line = nearest + step
        share = 1 - ((where - line) * (2 / KERNEL)) ** 2
        kernel = torch.special.i0(beta * torch.sqrt(share.clamp(min=0.0))) * (share >= 0)
        total = total + kernel * spectrum[..., line % lines]
    turn = -2 * math.pi * (taps // 2) * hz.to(torch.float64) / sample_rate
    return total * torch.polar(torch.ones_like(turn), turn)
