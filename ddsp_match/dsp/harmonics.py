"""Harmonics with slowly varying complex amplitudes, and the adjoint, at a cost that does not grow with their number.

Between two frames the sound is a crossfade of two periodic waveforms read at the running phase of f0. Each
waveform is one inverse FFT of its frame's harmonics, and reading it at an arbitrary phase is a short interpolation:
a non-uniform FFT (Fessler and Sutton 2003, "Nonuniform fast Fourier transforms using min-max interpolation";
Barnett, Magland and af Klinteberg 2019, for the kernel). So for a fixed f0 the whole synthesis is one small batch of
FFTs and one pass over the samples, and its gradient is the transposed pass and the same FFTs.
"""

from __future__ import annotations

from types import ModuleType

import torch
from jaxtyping import Complex, Float
from torch.autograd.function import once_differentiable

from ddsp_match.dsp.waveform_taps import KERNEL_TAPS, deconvolution, taps, waveform_size


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
        float64 phases in cycles, 0 at the first sample; on the CPU where f0's own device has no float64 (mps).
    """
    if f0_hz.device.type == "mps":
        f0_hz = f0_hz.cpu()
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


class WaveformReader:
    """Harmonics to samples along fixed running phases: linear in the complex amplitudes, with its adjoint.

    On the CPU compiled loops read and write the waveforms; elsewhere torch gathers and adds, tap by tap, which needs
    neither a matrix nor memory beyond a few signals' worth (not measured on a GPU). There `adjoint` adds in whatever
    order the device likes, so that repeated fits may differ in their last digits.

    Args:
        phase: Running phase of f0 in cycles (0 to 1) at each sample, from `running_phase`: one for all signals,
            ``(samples,)`` or ``(1, samples)``, or one for each, ``(batch, samples)``.
        n_frames: Frames of the complex amplitudes; frame ``k`` belongs to the ``k * hop``-th of the samples.
        hop: Samples between two frames.
        n_harmonics: Number of harmonics, at least 1.
        dtype: Precision of the samples.
        device: Where to work; by default where the phase is.
    """

    def __init__(
        self,
        phase: Float[torch.Tensor, "*rows samples"],
        n_frames: int,
        hop: int,
        n_harmonics: int,
        dtype: torch.dtype = torch.float32,
        device: torch.device | None = None,
    ) -> None:
        phase = phase.reshape(-1, phase.shape[-1])
        self.n_samples, self.n_frames, self.hop, self.n_harmonics = phase.shape[1], n_frames, hop, n_harmonics
        self.dtype, self.device = dtype, phase.device if device is None else torch.device(device)
        self.size = waveform_size(n_harmonics)
        self._gain = deconvolution(n_harmonics, self.size).to(self.device, dtype)
        # Where the phase is: its float64 may not exist on the device.
        first, values = taps(phase, self.size)
        self._first, self._values = first.to(self.device), values.to(self.device, dtype)

    def read(
        self, amplitudes: Complex[torch.Tensor, "batch harmonics frames"]
    ) -> Float[torch.Tensor, "batch samples"]:
        """``sum_k |c_k| sin(2 pi k phase + arg c_k)``, with ``c`` interpolated linearly between frames."""
        waves = waveforms(amplitudes, self._gain, self.size)
        if self.device.type != "cpu":
            return self._gathered(waves)
        out = waves.new_empty(len(waves), self.n_samples)
        _kernels().read(waves.detach().numpy(), self._first.numpy(), self._values.numpy(), self.hop, out.numpy())
        return out

    def adjoint(
        self, samples: Float[torch.Tensor, "batch samples"]
    ) -> Complex[torch.Tensor, "batch harmonics frames"]:
        """The gradient of ``(read(c) * samples).sum()`` with respect to ``c``: real part and imaginary part."""
        samples = samples.detach()
        if self.device.type != "cpu":
            waves = self._scattered(samples)
        else:
            waves = samples.new_empty(len(samples), self.n_frames, self.size)
            contiguous = samples.contiguous().numpy()
            _kernels().adjoint(contiguous, self._first.numpy(), self._values.numpy(), self.hop, waves.numpy())
        # The adjoint of the inverse FFT in `waveforms`, with its gain and its -1j turned back.
        spectrum = torch.fft.rfft(waves)[..., 1 : self.n_harmonics + 1]
        return torch.mul(spectrum, 2j * self._gain).mT

    def _gathered(self, waves: Float[torch.Tensor, "batch frames size"]) -> Float[torch.Tensor, "batch samples"]:
        batch, stride = len(waves), self.size + KERNEL_TAPS
        # With the first points again behind the last, no tap has to wrap.
        flat = torch.cat([waves, waves[..., :KERNEL_TAPS]], -1).flatten()
        index, share = self._places(batch)
        out = waves.new_zeros(batch, self.n_samples)
        for tap, value in enumerate(self._values):
            early = flat[tap:].index_select(0, index).view_as(out)
            late = flat[tap + stride :].index_select(0, index).view_as(out)
            out.addcmul_(torch.lerp(early, late, share), value)
        return out

    def _scattered(self, samples: Float[torch.Tensor, "batch samples"]) -> Float[torch.Tensor, "batch frames size"]:
        batch, stride = len(samples), self.size + KERNEL_TAPS
        index, share = self._places(batch)
        late = samples * share
        early = samples - late
        flat = samples.new_zeros(batch * self.n_frames * stride)
        for tap, value in enumerate(self._values):
            flat[tap:].index_add_(0, index, (early * value).flatten())
            flat[tap + stride :].index_add_(0, index, (late * value).flatten())
        waves = flat.view(batch, self.n_frames, stride)
        waves[..., :KERNEL_TAPS] += waves[..., self.size :]
        return waves[..., : self.size]

    def _places(self, batch: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The first point of each sample among all waveforms, padded, and how far it is on the way to the later."""
        stride = self.size + KERNEL_TAPS
        sample = torch.arange(self.n_samples, device=self.device)
        frame = (sample // self.hop).clamp_(max=self.n_frames - 2)
        share = (sample - frame * self.hop).to(self.dtype) / self.hop
        signal = torch.arange(batch, device=self.device).unsqueeze(1)
        return ((signal * self.n_frames + frame) * stride + self._first).flatten(), share

    def __call__(
        self, amplitudes: Complex[torch.Tensor, "batch harmonics frames"]
    ) -> Float[torch.Tensor, "batch samples"]:
        """As `read`, inside autograd."""
        samples: torch.Tensor = _Read.apply(amplitudes, self)  # pyright: ignore[reportAssignmentType]
        return samples


class _Read(torch.autograd.Function):
    @staticmethod
    def forward(ctx, amplitudes, reader: WaveformReader):  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx.reader = reader
        return reader.read(amplitudes)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):  # pyright: ignore[reportIncompatibleMethodOverride]
        return ctx.reader.adjoint(gradient), None


def read_waveforms(
    phase: Float[torch.Tensor, " samples"],
    amplitudes: Complex[torch.Tensor, "batch harmonics frames"],
    hop: int,
) -> Float[torch.Tensor, "batch samples"]:
    """Synthesise as `WaveformReader` does, once and without compiling anything.

    Every sum runs in a fixed order inside elementwise operations, so the same amplitudes give the same samples, bit
    for bit, whatever the number of threads.
    """
    n_harmonics, n_frames = amplitudes.shape[1:]
    size, device, n = waveform_size(n_harmonics), amplitudes.device, phase.shape[0]
    waves = waveforms(amplitudes, deconvolution(n_harmonics, size).to(device), size).flatten(1)
    first, values = (part[..., 0, :].to(device) for part in taps(phase.unsqueeze(0), size))
    sample = torch.arange(n, device=device)
    frame = (sample // hop).clamp(max=n_frames - 2)
    late = values * ((sample - frame * hop).float() / hop)
    out = torch.zeros(amplitudes.shape[0], n, device=device)
    for later, weights in enumerate((values - late, late)):
        for tap, weight in enumerate(weights):
            out.addcmul_(waves.index_select(1, (frame + later) * size + (first + tap) % size), weight)
    return out


def waveforms(
    amplitudes: Complex[torch.Tensor, "batch harmonics frames"], gain: Float[torch.Tensor, " harmonics"], size: int
) -> Float[torch.Tensor, "batch frames size"]:
    """One period of each frame's sound, predistorted for the interpolation that reads it."""
    batch, n_harmonics, n_frames = amplitudes.shape
    spectrum = torch.zeros(batch, n_frames, size // 2 + 1, dtype=amplitudes.dtype, device=amplitudes.device)
    torch.mul(amplitudes.mT, -1j * gain, out=spectrum[..., 1 : n_harmonics + 1])
    return torch.fft.irfft(spectrum, n=size, norm="forward")


def _kernels() -> ModuleType:
    from ddsp_match.dsp import waveform_kernels

    return waveform_kernels
