"""Harmonics: closed forms, the fast reader against the plain definition, gradients."""

from __future__ import annotations

import math

import pytest
import torch

from ddsp_match.dsp.harmonics import WaveformReader, read_waveforms, running_phase, waveform_size, waveforms
from tests.compare import assert_close

RATE, HOP = 16000, 160


def additive(phase: torch.Tensor, amplitudes: torch.Tensor, hop: int) -> torch.Tensor:
    """The plain definition: sum of ``|c| sin(2 pi k phase + arg c)``, complex amplitudes interpolated linearly."""
    sample = torch.arange(phase.shape[1])
    left = (sample // hop).clamp(max=amplitudes.shape[2] - 2)
    weight = (sample - left * hop).to(amplitudes.real.dtype) / hop
    out = torch.zeros(phase.shape, dtype=amplitudes.real.dtype)
    for k in range(amplitudes.shape[1]):
        c = amplitudes[:, k, left] * (1 - weight) + amplitudes[:, k, left + 1] * weight
        angle = (2 * math.pi * (k + 1) * phase.double()).remainder(2 * math.pi).to(out.dtype)
        out = out + c.real * torch.sin(angle) + c.imag * torch.cos(angle)
    return out


def gliding_f0(frames: int, low_hz: float = 80.0, high_hz: float = 700.0) -> torch.Tensor:
    return (low_hz * (high_hz / low_hz) ** torch.linspace(0, 1, frames)).unsqueeze(0)


def random_amplitudes(batch: int, harmonics: int, frames: int, dtype=torch.complex64) -> torch.Tensor:
    return torch.randn(batch, harmonics, frames, dtype=dtype, generator=torch.Generator().manual_seed(1))


def test_constant_f0_gives_the_exact_ramp():
    n = 5 * HOP
    phase = running_phase(torch.full((1, 6), 437.0), HOP, RATE, n)
    assert_close(phase, (torch.arange(n).double().unsqueeze(0) * 437 / RATE) % 1, 1e-9)


def test_gliding_f0_is_summed_sample_by_sample():
    f0 = gliding_f0(8)
    n = 7 * HOP + 1
    per_sample = torch.nn.functional.interpolate(
        f0.double().unsqueeze(1), size=n, mode="linear", align_corners=True
    ).squeeze(1)
    summed = torch.cumsum(per_sample / RATE, 1) - per_sample / RATE
    assert_close(running_phase(f0, HOP, RATE, n), summed % 1, 1e-8)


def test_ten_minutes_stay_in_tune():
    frames = 60_001
    n = (frames - 1) * HOP
    f0 = 440.0  # 264 000 cycles: float32 sums would be off by whole periods
    phase = running_phase(torch.full((1, frames), f0), HOP, RATE, n)
    assert_close(phase[0, -1], (n - 1) * f0 / RATE % 1, 1e-6)


def test_one_harmonic_is_a_sine():
    n = 4 * HOP
    phase = running_phase(torch.full((1, 5), 1000.0), HOP, RATE, n)
    result = additive(phase, torch.full((1, 1, 5), 0.5 + 0j, dtype=torch.complex128), HOP)
    expected = 0.5 * torch.sin(2 * math.pi * 1000 / RATE * torch.arange(n).double())
    assert_close(result, expected.unsqueeze(0), 1e-9)


def test_an_imaginary_amplitude_is_a_cosine():
    n = 4 * HOP
    phase = running_phase(torch.full((1, 5), 1000.0), HOP, RATE, n)
    result = additive(phase, torch.full((1, 1, 5), 0.5j, dtype=torch.complex128), HOP)
    expected = 0.5 * torch.cos(2 * math.pi * 1000 / RATE * torch.arange(n).double())
    assert_close(result, expected.unsqueeze(0), 1e-9)


@pytest.mark.parametrize("harmonics", [1, 2, 17, 99])
@pytest.mark.parametrize("reader", ["built", "once"])
def test_reading_waveforms_equals_the_plain_sum(harmonics, reader):
    frames, n = 30, 29 * HOP
    phase = running_phase(gliding_f0(frames), HOP, RATE, n)
    c = random_amplitudes(2, harmonics, frames)
    expected = additive(phase.repeat(2, 1), c.to(torch.complex128), HOP)
    if reader == "built":
        result = WaveformReader(phase[0], frames, HOP, harmonics).read(c)
    else:
        result = read_waveforms(phase[0], c, HOP)
    assert_close(result, expected, 3e-6 * float(expected.abs().max()))


def test_gradient_equals_that_of_the_plain_sum():
    frames, n = 12, 11 * HOP
    phase = running_phase(gliding_f0(frames), HOP, RATE, n)
    reader = WaveformReader(phase[0], frames, HOP, 9)
    weight = torch.randn(2, n, generator=torch.Generator().manual_seed(2))
    gradients = []
    for play in (reader, lambda c: additive(phase.repeat(2, 1), c, HOP)):
        c = random_amplitudes(2, 9, frames).requires_grad_()
        (play(c) * weight).sum().backward()
        gradients.append(c.grad)
    assert_close(gradients[0], gradients[1], 1e-5 * float(gradients[1].abs().max()))


def test_gradcheck_of_amplitudes_and_f0_through_phase():
    f0 = torch.tensor([[300.0, 310.0, 305.0]], dtype=torch.float64, requires_grad=True)
    c = random_amplitudes(1, 3, 3, torch.complex128).requires_grad_()

    def play(f0_hz, amplitudes):
        # remainder has no gradient of its own at the wrap, so the phase is compared before it reaches one.
        return additive(running_phase(f0_hz, 8, 16000, 16), amplitudes, 8)

    assert torch.autograd.gradcheck(play, (f0, c), eps=1e-6, atol=1e-5)


def test_gradcheck_of_the_reader():
    phase = running_phase(torch.full((1, 3), 700.0), 8, 16000, 17)
    reader = WaveformReader(phase[0], 3, 8, 4, dtype=torch.float64)
    c = random_amplitudes(1, 4, 3, torch.complex128).requires_grad_()
    assert torch.autograd.gradcheck(reader, (c,), eps=1e-6, atol=1e-7)


def test_waveforms_hold_twice_the_band():
    for harmonics in (1, 5, 64, 290):
        assert waveform_size(harmonics) >= 2 * (2 * harmonics + 1)
        assert waveform_size(harmonics) % 2 == 0


def test_fft_sizes_are_quick_ones():
    for harmonics in (20, 122, 240, 1000):
        assert waveform_size(harmonics) % 32 == 0
        assert waveform_size(harmonics) <= 1.35 * 2 * (2 * harmonics + 1)


def test_signals_with_their_own_phase_are_read_as_alone():
    frames, n = 14, 13 * HOP + 1
    f0 = torch.cat([gliding_f0(frames), gliding_f0(frames, 300.0, 200.0), gliding_f0(frames, 90.0, 95.0)])
    phase = running_phase(f0, HOP, RATE, n)
    c = random_amplitudes(3, 9, frames)
    together = WaveformReader(phase, frames, HOP, 9)
    samples = torch.randn(3, n, generator=torch.Generator().manual_seed(3))
    for row in range(3):
        alone = WaveformReader(phase[row], frames, HOP, 9)
        one = slice(row, row + 1)
        assert_close(together.read(c)[one], alone.read(c[one]), 0.0)
        assert_close(together.adjoint(samples)[one], alone.adjoint(samples[one]), 0.0)


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("n", [12 * HOP, 12 * HOP + 1, 12 * HOP - 159, 700])
def test_what_runs_on_a_gpu_equals_the_compiled_loops(rows, n):
    frames = 13
    phase = running_phase(torch.cat([gliding_f0(frames), gliding_f0(frames, 250.0)])[:rows], HOP, RATE, n)
    reader = WaveformReader(phase, frames, HOP, 11)
    c = random_amplitudes(2, 11, frames)
    waves = waveforms(c, reader._gain, reader.size)
    assert_close(reader._gathered(waves), reader.read(c), 1e-5)
    samples = torch.randn(2, n, generator=torch.Generator().manual_seed(3))
    spectrum = torch.fft.rfft(reader._scattered(samples))[..., 1:12]
    assert_close((spectrum * 2j * reader._gain).mT, reader.adjoint(samples), 2e-4)
