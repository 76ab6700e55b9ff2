"""Short-time spectra and the magnitude distances of the multi-resolution STFT loss, with their gradients.

Same definition as auraloss (Steinmetz and Reiss 2020): centred frames with reflected edges, a periodic Hann window,
hop of a quarter, magnitudes floored at 1e-4. The gradient is written out, because the elementwise steps between two
FFTs are most of the loss's cost and autograd would keep and revisit every one of them. `spectra_compiled` does the
same in one pass, for float32 on the CPU.

A batch may hold rows of several lengths, padded behind: `ends` are then the lengths, each row is reflected at its own
end, and the frames that it would not have alone are zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int

from ddsp_match.dsp.rows import Rows, before

POWER_FLOOR = 1e-8
# Least root mean square of the target's magnitudes that an error is divided by: -60 dB, well below any audible
# sound; without it silence against silence would give distances of 1e5.
NORM_FLOOR = 1e-3
INVERSE_FLOOR = (1 - 1e-6) * POWER_FLOOR**-0.5
LEAST_NORM_PRODUCT = 1e-20
OVERLAP = 4
Ends = Int[torch.Tensor, " batch"] | None


def frame_count(n: int, size: int) -> int:
    """Frames of a row of `n` samples."""
    return 1 + n // (size // OVERLAP)


def padded(x: Float[torch.Tensor, "batch samples"], size: int, ends: Ends = None) -> torch.Tensor:
    """The signal with half a window of its own reflection on either side (zeros where it is too short for that)."""
    half = size // 2
    if ends is not None:
        sources, targets, long = _mirrors(ends, half)
        x = torch.where(before(ends, x.shape[1]), x, 0)
        mirrored = torch.where(long, x.gather(1, sources.clamp(max=x.shape[1] - 1)), 0)
        return torch.nn.functional.pad(x, (half, half)).scatter(1, targets, mirrored)
    if x.shape[1] > half:
        return torch.nn.functional.pad(x.unsqueeze(1), (half, half), mode="reflect").squeeze(1)
    return torch.nn.functional.pad(x, (half, half))


def unpadded(
    g: Float[torch.Tensor, "batch more"], size: int, n: int, ends: Ends = None
) -> Float[torch.Tensor, "batch samples"]:
    """The adjoint of `padded`: what falls on a reflection is folded back to where it came from."""
    half = size // 2
    inner = g[:, half : half + n].clone()
    if ends is not None:
        sources, targets, long = _mirrors(ends, half)
        mirrored = torch.where(long, g.gather(1, targets), 0)
        inner = torch.where(before(ends, n), inner, 0)
        return inner.scatter_add_(1, sources.clamp(max=n - 1), mirrored)
    if n > half:
        inner[:, 1 : half + 1] += g[:, :half].flip(1)
        inner[:, n - half - 1 : n - 1] += g[:, half + n : 2 * half + n].flip(1)
    return inner


def _mirrors(ends: torch.Tensor, half: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Samples that are mirrored at either end, where they go to in the padded row, and which rows are long enough."""
    place, ends = torch.arange(half, device=ends.device).expand(len(ends), -1), ends.unsqueeze(1)
    sources = torch.cat([half - place, (ends - 2 - place).clamp(min=0)], 1)
    return sources, torch.cat([place, half + ends + place], 1), ends > half


def stft(
    x: Float[torch.Tensor, "batch samples"], window: Float[torch.Tensor, " size"], ends: Ends = None
) -> torch.Tensor:
    """Complex spectra ``(batch, frames, bins)`` at a hop of a quarter window."""
    size = window.shape[0]
    blocks = padded(x, size, ends).unfold(1, size, size // OVERLAP) * window
    return torch.fft.rfft(_own_frames(blocks, ends))


def _own_frames(blocks: torch.Tensor, ends: Ends) -> torch.Tensor:
    """Blocks ``(batch, frames, size)`` with zeros for the frames that a row would not have alone."""
    if ends is None:
        return blocks
    _, frames, size = blocks.shape
    own = before(1 + ends.div(size // OVERLAP, rounding_mode="floor"), frames)
    return torch.where(own.unsqueeze(2), blocks, 0)


def magnitudes(
    x: Float[torch.Tensor, "batch samples"], window: Float[torch.Tensor, " size"], ends: Ends = None
) -> torch.Tensor:
    """Floored magnitudes ``(batch, frames, bins)``; differentiable by autograd."""
    spectrum = torch.view_as_real(stft(x, window, ends))
    return spectrum.square().sum(-1).clamp(min=POWER_FLOOR).sqrt()


def adjoint_stft(
    g: torch.Tensor, window: Float[torch.Tensor, " size"], n: int, ends: Ends = None
) -> Float[torch.Tensor, "batch samples"]:
    """Gradient of a real function of `stft`'s output with respect to the signal.

    Args:
        g: ``dL/d re + 1j dL/d im`` for every bin; overwritten.
        window: The window of the forward transform.
        n: Samples of the signal.
        ends: Lengths of the rows, where they differ.
    """
    size, hop = window.shape[0], window.shape[0] // OVERLAP
    # irfft counts the bins between DC and Nyquist twice, once for their mirror image.
    g[..., 1:-1] *= 0.5
    blocks = _own_frames(torch.fft.irfft(g, n=size, norm="forward").mul_(window), ends)
    batch, frames, _ = blocks.shape
    split = blocks.view(batch, frames, OVERLAP, hop)
    total = -(-(n + 2 * (size // 2)) // hop) + OVERLAP
    out = g.new_zeros(batch, total, hop, dtype=blocks.dtype)
    for i in range(OVERLAP):
        out[:, i : i + frames] += split[:, :, i]
    return unpadded(out.flatten(1)[:, : n + 2 * (size // 2)], size, n, ends)


@dataclass(frozen=True)
class TargetSpectra:
    """The target's side of one resolution.

    Attributes:
        rows: Whose rows they are.
        window: Its length is the FFT size.
        magnitude: Floored magnitudes, as by `magnitudes`.
        log_magnitude: Their natural logarithm.
        count: Bins of each sound, in all its rows and frames.
        norm: Frobenius norm of each sound's magnitudes, floored.
    """

    rows: Rows
    window: Float[torch.Tensor, " size"]
    magnitude: Float[torch.Tensor, "batch frames bins"]
    log_magnitude: Float[torch.Tensor, "batch frames bins"]
    count: Float[torch.Tensor, " sounds"]
    norm: Float[torch.Tensor, " sounds"]

    @classmethod
    def of(cls, target: Float[torch.Tensor, "batch samples"], size: int, rows: Rows) -> TargetSpectra:
        """The spectra of a target with a Hann window of `size` samples."""
        window = torch.hann_window(size, device=target.device, dtype=target.dtype)
        magnitude = magnitudes(target, window, rows.ends)
        frames = [frame_count(n, size) for n in rows.lengths]
        count = torch.tensor(rows.counts([f * magnitude.shape[2] for f in frames])).to(target)
        squares = magnitude.square().sum(2)
        if rows.ends is not None:
            squares = torch.where(before(torch.tensor(frames, device=target.device), squares.shape[1]), squares, 0)
        norm = torch.maximum(rows.summed(squares.sum(1)).sqrt(), NORM_FLOOR * count.sqrt())
        return cls(rows, window, magnitude, magnitude.log(), count, norm)


def magnitude_distance(
    x: Float[torch.Tensor, "batch samples"], target: TargetSpectra, weights: tuple[float, float, float]
) -> tuple[Float[torch.Tensor, "sounds 3"], Float[torch.Tensor, "batch samples"]]:
    """One resolution of the loss of each sound, and the gradient of their sum.

    Args:
        x: The signals that are fitted.
        target: What they are compared with.
        weights: Of the mean absolute difference of magnitudes, of log magnitudes, and of the spectral convergence
            (Frobenius norm of the difference over that of the target).

    Returns:
        The three unweighted distances, and the gradient of their weighted sum with respect to `x`.
    """
    linear, log, convergence = weights
    rows = target.rows
    spectrum = stft(x, target.window, rows.ends)
    parts = torch.view_as_real(spectrum)
    power = parts[..., 0].square().addcmul_(parts[..., 1], parts[..., 1]).clamp_(min=POWER_FLOOR)
    log_difference = power.log().mul_(0.5).sub_(target.log_magnitude)
    magnitude = power.sqrt_()
    # Frames that a row would not have alone are floored on both sides: they count as nothing in every sum.
    difference = magnitude - target.magnitude
    off = rows.summed(torch.linalg.vector_norm(difference, dim=(1, 2)).square()).sqrt()
    distances = [rows.summed(torch.linalg.vector_norm(d, 1, dim=(1, 2))) for d in (difference, log_difference)]
    # A floored magnitude does not move with the signal: where its inverse is at its largest, it counts as nothing.
    inverse = torch.nn.functional.threshold(magnitude.reciprocal_().neg_(), -INVERSE_FLOOR, 0.0).neg_()
    share = rows.spread(1 / target.count).view(-1, 1, 1)
    slope = log_difference.sign_().mul_(inverse).mul_(log)
    if convergence:
        pull = convergence * target.count / (off * target.norm).clamp(min=LEAST_NORM_PRODUCT)
        slope.addcmul_(difference, rows.spread(pull).view(-1, 1, 1))
    slope.add_(difference.sign_(), alpha=linear)
    gradient = spectrum.mul_(slope.mul_(inverse).mul_(share))
    result = torch.stack([distances[0] / target.count, distances[1] / target.count, off / target.norm], 1)
    return result, adjoint_stft(gradient, target.window, x.shape[1], rows.ends)


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
