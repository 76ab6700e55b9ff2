"""Short-time spectra and the two magnitude distances of the multi-resolution STFT loss, with their gradients.

Same definition as auraloss (Steinmetz and Reiss 2020): centred frames with reflected edges, a periodic Hann window,
hop of a quarter, magnitudes floored at 1e-4. The gradient is written out, because the elementwise steps between two
FFTs are most of the loss's cost and autograd would keep and revisit every one of them.
"""

from __future__ import annotations

import torch
from jaxtyping import Float

POWER_FLOOR = 1e-8
# Least root mean square of the target's magnitudes that an error is divided by: -60 dB, well below any sound that can
# be heard, so that silence against silence is no matter of 1e5.
NORM_FLOOR = 1e-3
INVERSE_FLOOR = (1 - 1e-6) * POWER_FLOOR**-0.5
OVERLAP = 4


def padded(x: Float[torch.Tensor, "batch samples"], size: int) -> Float[torch.Tensor, "batch more"]:
    """The signal with half a window of its own reflection on either side (zeros where it is too short for that)."""
    half = size // 2
    if x.shape[1] > half:
        return torch.nn.functional.pad(x.unsqueeze(1), (half, half), mode="reflect").squeeze(1)
    return torch.nn.functional.pad(x, (half, half))


def unpadded(g: Float[torch.Tensor, "batch more"], size: int, n: int) -> Float[torch.Tensor, "batch samples"]:
    """The adjoint of `padded`: what falls on a reflection is folded back to where it came from."""
    half = size // 2
    inner = g[:, half : half + n].clone()
    if n > half:
        inner[:, 1 : half + 1] += g[:, :half].flip(1)
        inner[:, n - half - 1 : n - 1] += g[:, half + n : 2 * half + n].flip(1)
    return inner


def stft(
    x: Float[torch.Tensor, "batch samples"], window: Float[torch.Tensor, " size"]
) -> torch.Tensor:
    """Complex spectra ``(batch, frames, bins)`` at a hop of a quarter window."""
    size = window.shape[0]
    blocks = padded(x, size).unfold(1, size, size // OVERLAP)
    return torch.fft.rfft(blocks * window)


def magnitudes(x: Float[torch.Tensor, "batch samples"], window: Float[torch.Tensor, " size"]) -> torch.Tensor:
    """Floored magnitudes ``(batch, frames, bins)``; differentiable by autograd."""
    spectrum = torch.view_as_real(stft(x, window))
    return spectrum.square().sum(-1).clamp(min=POWER_FLOOR).sqrt()


def adjoint_stft(g: torch.Tensor, window: Float[torch.Tensor, " size"], n: int) -> Float[torch.Tensor, "batch samples"]:
    """Gradient of a real function of `stft`'s output with respect to the signal.

    Args:
        g: ``dL/d re + 1j dL/d im`` for every bin; overwritten.
        window: The window of the forward transform.
        n: Samples of the signal.
    """
    size, hop = window.shape[0], window.shape[0] // OVERLAP
    # irfft counts the bins between DC and Nyquist twice, once for their mirror image.
    g[..., 1:-1] *= 0.5
    blocks = torch.fft.irfft(g, n=size, norm="forward").mul_(window)
    batch, frames, _ = blocks.shape
    split = blocks.view(batch, frames, OVERLAP, hop)
    total = -(-(n + 2 * (size // 2)) // hop) + OVERLAP
    out = g.new_zeros(batch, total, hop, dtype=blocks.dtype)
    for i in range(OVERLAP):
        out[:, i : i + frames] += split[:, :, i]
    return unpadded(out.flatten(1)[:, : n + 2 * (size // 2)], size, n)


def magnitude_distance(
    x: Float[torch.Tensor, "batch samples"],
    window: Float[torch.Tensor, " size"],
    target: torch.Tensor,
    log_target: torch.Tensor,
    weights: tuple[float, float, float],
) -> tuple[torch.Tensor, torch.Tensor]:
    """One resolution of the loss and its gradient.

    Args:
        x: The signal that is fitted.
        window: Its length is the FFT size.
        target: Floored magnitudes of the target, as by `magnitudes`.
        log_target: Their natural logarithm.
        weights: Of the mean absolute difference of magnitudes, of log magnitudes, and of the spectral convergence
            (Frobenius norm of the difference over that of the target).

    Returns:
        The three unweighted distances, and the gradient of their weighted sum with respect to `x`.
    """
    linear, log, convergence = weights
    spectrum = stft(x, window)
    parts = torch.view_as_real(spectrum)
    power = parts[..., 0].square().addcmul_(parts[..., 1], parts[..., 1]).clamp_(min=POWER_FLOOR)
    log_difference = power.log().mul_(0.5).sub_(log_target)
    magnitude = power.sqrt_()
    difference = magnitude - target
    count = target.numel()
    distances = [_l1(difference) / count, _l1(log_difference) / count]
    off = torch.linalg.vector_norm(difference)
    scale = torch.linalg.vector_norm(target).clamp(min=NORM_FLOOR * count**0.5)
    distances.append(off / scale)
    # A floored magnitude does not move with the signal: where its inverse is at its largest, it counts as nothing.
    inverse = torch.nn.functional.threshold(magnitude.reciprocal_().neg_(), -INVERSE_FLOOR, 0.0).neg_()
    slope = log_difference.sign_().mul_(inverse).mul_(log / count)
    if convergence:
        slope.add_(difference, alpha=convergence / max(float(off * scale), 1e-20))
    slope.add_(difference.sign_(), alpha=linear / count)
    gradient = spectrum.mul_(slope.mul_(inverse))
    return torch.stack(distances), adjoint_stft(gradient, window, x.shape[1])


def _l1(x: torch.Tensor) -> torch.Tensor:
    return torch.linalg.vector_norm(x, 1)


def mel_filters(n_mels: int, n_fft: int, sample_rate: int, low_hz: float = 0.0, high_hz: float | None = None):
    """Triangular mel filters with unit area (Slaney's scale), ``(n_mels, n_fft // 2 + 1)``; equal to librosa's."""
    high_hz = sample_rate / 2 if high_hz is None else high_hz
    knee_hz, per_mel_hz, log_step = 1000.0, 200.0 / 3, torch.log(torch.tensor(6.4, dtype=torch.float64)) / 27

    def to_mel(hz: torch.Tensor) -> torch.Tensor:
        above = knee_hz / per_mel_hz + torch.log(hz.clamp(min=1e-9) / knee_hz) / log_step
        return torch.where(hz < knee_hz, hz / per_mel_hz, above)

    ends = to_mel(torch.tensor([low_hz, high_hz], dtype=torch.float64))
    mels = ends[0] + (ends[1] - ends[0]) * torch.arange(n_mels + 2, dtype=torch.float64) / (n_mels + 1)
    above = knee_hz * torch.exp((mels - knee_hz / per_mel_hz) * log_step)
    edges = torch.where(mels < knee_hz / per_mel_hz, mels * per_mel_hz, above)
    bins = torch.arange(n_fft // 2 + 1, dtype=torch.float64) * sample_rate / n_fft
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    triangles = torch.minimum(rising, falling).clamp(min=0)
    return (triangles * (2 / (edges[2:] - edges[:-2]))[:, None]).float()
