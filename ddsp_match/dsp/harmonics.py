"""Harmonics with slowly varying complex amplitudes, and the adjoint, at a cost that does not grow with their number.

Between two frames the sound is a crossfade of two periodic waveforms read at the running phase of f0. Each
waveform is one inverse FFT of its frame's harmonics, and reading it at an arbitrary phase is a short interpolation:
a non-uniform FFT (Fessler and Sutton 2003, "Nonuniform fast Fourier transforms using min-max interpolation";
Barnett, Magland and af Klinteberg 2019, for the kernel). So for a fixed f0 the whole synthesis is one small batch of
FFTs and one sparse matrix, and its gradient is the transposed matrix and the same FFTs.
"""

from __future__ import annotations

import math
import warnings
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Complex, Float

# 7 taps at an oversampling of 2 leave an error of about 1e-6 of the largest waveform value (tested).
KERNEL_TAPS = 7
OVERSAMPLING = 2.0
KERNEL_SHAPE = 2.30 * KERNEL_TAPS  # the "exponential of semicircle" kernel's beta for an oversampling of 2


def running_phase(
    f0_hz: Float[torch.Tensor, "batch frames"], hop: int, sample_rate: int, n_samples: int
) -> Float[torch.Tensor, "batch samples"]:
    """The phase of f0 in cycles at every sample, wrapped to 0 … 1.

    f0 is interpolated linearly between frames and summed in float64, so that a tone of ten minutes stays in tune.

    Args:
        f0_hz: Fundamental frequency in Hz; frame ``k`` belongs to sample ``k * hop``.
        hop: Samples between two frames.
        sample_rate: In Hz.
        n_samples: Samples to return, at most ``(frames - 1) * hop + 1``.

    Returns:
        float64 phases in cycles, 0 at the first sample.
    """
    per_sample = f0_hz.double() / sample_rate
    here, step = per_sample[:, :-1], per_sample.diff(dim=1) / hop
    # The sum of a ramp over the first m samples of a frame has a closed form, so no error builds up inside a frame.
    whole = here * hop + step * (hop * (hop - 1) / 2)
    start = torch.cumsum(whole, 1) - whole
    m = torch.arange(hop, dtype=torch.float64, device=f0_hz.device)
    inside = torch.addcmul(here.unsqueeze(2) * m, step.unsqueeze(2), m * (m - 1) / 2)
    # In place: ten minutes of float64 are worth it.
    phase = inside.add_(start.remainder(1.0).unsqueeze(2)).remainder_(1.0).flatten(1)
    if n_samples > phase.shape[1]:
        last = (start + whole)[:, -1:].remainder(1.0)
        phase = torch.cat([phase, last], 1)
    return phase[:, :n_samples]


def additive(
    phase: Float[torch.Tensor, "batch samples"], amplitudes: Complex[torch.Tensor, "batch harmonics frames"], hop: int
) -> Float[torch.Tensor, "batch samples"]:
    """Sum of ``|c| sin(2 pi k phase + arg c)`` with complex amplitudes interpolated linearly: the plain definition.

    Slow and exact; `WaveformReader` computes the same (tested). Works in the precision of `amplitudes`.
    """
    sample = torch.arange(phase.shape[1], device=phase.device)
    left = (sample // hop).clamp(max=amplitudes.shape[2] - 2)
    weight = (sample - left * hop).to(amplitudes.real.dtype) / hop
    out = torch.zeros(phase.shape, dtype=amplitudes.real.dtype, device=phase.device)
    for k in range(amplitudes.shape[1]):
        c = amplitudes[:, k, left] * (1 - weight) + amplitudes[:, k, left + 1] * weight
        angle = (2 * math.pi * (k + 1) * phase.double()).remainder(2 * math.pi).to(out.dtype)
        out = out + c.real * torch.sin(angle) + c.imag * torch.cos(angle)
    return out


class WaveformReader:
    """Harmonics to samples along one fixed running phase: linear in the complex amplitudes, with its adjoint.

    Args:
        phase: Running phase of f0 in cycles (0 to 1) at each sample, from `running_phase`.
        n_frames: Frames of the complex amplitudes; frame ``k`` belongs to the ``k * hop``-th of the samples.
        hop: Samples between two frames.
        n_harmonics: Number of harmonics, at least 1.
        dtype: Precision of the samples.
    """

    def __init__(
        self,
        phase: Float[torch.Tensor, " samples"],
        n_frames: int,
        hop: int,
        n_harmonics: int,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.n_samples, self.n_frames, self.n_harmonics = phase.shape[0], n_frames, n_harmonics
        self.dtype, self.device = dtype, phase.device
        self.size = waveform_size(n_harmonics)
        self._gain = _deconvolution(n_harmonics, self.size).to(self.device, dtype)
        columns, values = _taps(phase, n_frames, hop, self.size)
        self._matrix, self._adjoint = _sparse_pair(
            columns, values.to(dtype), self.n_samples, n_frames * self.size
        )

    def read(
        self, amplitudes: Complex[torch.Tensor, "batch harmonics frames"]
    ) -> Float[torch.Tensor, "batch samples"]:
        """``sum_k |c_k| sin(2 pi k phase + arg c_k)``, with ``c`` interpolated linearly between frames."""
        waves = waveforms(amplitudes, self._gain, self.size).flatten(1)
        return self._each(self._matrix, waves)

    def adjoint(
        self, samples: Float[torch.Tensor, "batch samples"]
    ) -> Complex[torch.Tensor, "batch harmonics frames"]:
        """The gradient of ``(read(c) * samples).sum()`` with respect to ``c``: real part and imaginary part."""
        waves = self._each(self._adjoint, samples).unflatten(1, (self.n_frames, self.size))
        spectrum = torch.fft.rfft(waves)[..., 1 : self.n_harmonics + 1]
        return torch.mul(spectrum, 2j * self._gain).mT

    @staticmethod
    def _each(matrix: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        # One matrix-vector product a row takes a third of the time of their matrix-matrix product.
        return torch.stack([torch.mv(matrix, row) for row in rows])

    def __call__(
        self, amplitudes: Complex[torch.Tensor, "batch harmonics frames"]
    ) -> Float[torch.Tensor, "batch samples"]:
        """As `read`, inside autograd."""
        return _Read.apply(amplitudes, self)


class _Read(torch.autograd.Function):
    @staticmethod
    def forward(ctx, amplitudes, reader: WaveformReader):
        ctx.reader = reader
        return reader.read(amplitudes)

    @staticmethod
    def backward(ctx, gradient):
        return ctx.reader.adjoint(gradient), None


def read_waveforms(
    phase: Float[torch.Tensor, " samples"],
    amplitudes: Complex[torch.Tensor, "batch harmonics frames"],
    hop: int,
) -> Float[torch.Tensor, "batch samples"]:
    """What `WaveformReader` reads, once and without building its matrices.

    Every sum runs in a fixed order inside elementwise operations, so the same amplitudes give the same samples, bit
    for bit, whatever the number of threads.
    """
    n_harmonics, n_frames = amplitudes.shape[1:]
    size = waveform_size(n_harmonics)
    waves = waveforms(amplitudes, _deconvolution(n_harmonics, size).to(phase.device), size).flatten(1)
    columns, values = _taps(phase, n_frames, hop, size)
    out = torch.zeros(amplitudes.shape[0], phase.shape[0], device=phase.device)
    for column, value in zip(columns.T.contiguous(), values.T.contiguous(), strict=True):
        out.addcmul_(waves.index_select(1, column), value)
    return out


def waveform_size(n_harmonics: int) -> int:
    """Points of one oversampled waveform: an even product of small primes."""
    least = math.ceil(OVERSAMPLING * (2 * n_harmonics + 1))
    candidates = (2 * 2**a * 3**b * 5**c for a in range(14) for b in range(6) for c in range(4))
    return min(size for size in candidates if size >= max(least, 2 * KERNEL_TAPS))


def waveforms(
    amplitudes: Complex[torch.Tensor, "batch harmonics frames"], gain: Float[torch.Tensor, " harmonics"], size: int
) -> Float[torch.Tensor, "batch frames size"]:
    """One period of each frame's sound, predistorted for the interpolation that reads it."""
    batch, n_harmonics, n_frames = amplitudes.shape
    spectrum = torch.zeros(batch, n_frames, size // 2 + 1, dtype=amplitudes.dtype, device=amplitudes.device)
    torch.mul(amplitudes.mT, -1j * gain, out=spectrum[..., 1 : n_harmonics + 1])
    return torch.fft.irfft(spectrum, n=size, norm="forward")


@lru_cache(maxsize=64)
def _deconvolution(n_harmonics: int, size: int) -> Float[torch.Tensor, " harmonics"]:
    # Gauss-Legendre quadrature of the kernel's Fourier transform, which has no closed form.
    nodes, weights = np.polynomial.legendre.leggauss(80)
    x = torch.from_numpy(nodes) * KERNEL_TAPS / 2
    k = torch.arange(1, n_harmonics + 1, dtype=torch.float64)
    density = torch.from_numpy(weights) * KERNEL_TAPS / 2 * _kernel(x)
    return (0.5 / (density @ torch.cos(2 * math.pi / size * torch.outer(x, k)))).float()


def _kernel(offset: torch.Tensor) -> torch.Tensor:
    """The "exponential of semicircle" of Barnett et al., 1 in the middle, zero beyond half the taps."""
    inside = 1 - (offset * (2 / KERNEL_TAPS)).square()
    return torch.exp(KERNEL_SHAPE * (inside.clamp_(min=0).sqrt_() - 1))


def _taps(
    phase: Float[torch.Tensor, " samples"], n_frames: int, hop: int, size: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Which points of which waveforms make each sample, and with what weights."""
    n, device = phase.shape[0], phase.device
    position = phase * size
    first = torch.ceil(position - KERNEL_TAPS / 2)
    offset = (first - position).float().unsqueeze(1) + torch.arange(KERNEL_TAPS, device=device)
    values = _kernel(offset)
    points = (first.int().unsqueeze(1) + torch.arange(KERNEL_TAPS, device=device, dtype=torch.int32)) % size
    sample = torch.arange(n, device=device, dtype=torch.int32)
    left = (sample // hop).clamp(max=n_frames - 2)
    after = ((sample - left * hop).float() / hop).unsqueeze(1)
    columns = (left * size).unsqueeze(1) + points
    late = values * after
    return torch.cat([columns, columns + size], 1), torch.cat([values - late, late], 1)


def _sparse_pair(columns: torch.Tensor, values: torch.Tensor, n_rows: int, n_columns: int):
    """A sparse matrix with the same number of entries in each row, and its transpose."""
    import scipy.sparse

    starts = np.arange(0, columns.numel() + 1, columns.shape[1], dtype=np.int32)
    matrix = scipy.sparse.csr_matrix(
        (values.cpu().numpy().ravel(), columns.cpu().numpy().ravel(), starts), shape=(n_rows, n_columns), copy=False
    )

    def to_torch(m):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sparse (CSR|invariant)")  # said once a process, whatever we do
            return torch.sparse_csr_tensor(
                torch.from_numpy(m.indptr), torch.from_numpy(m.indices), torch.from_numpy(m.data), size=m.shape,
                device=values.device, check_invariants=False,
            )  # fmt: skip

    return to_torch(matrix), to_torch(matrix.T.tocsr())
