"""Spectra: torch and librosa as references, the written-out gradient against autograd."""

from __future__ import annotations

import pytest
import torch

from ddsp_match.dsp.rows import Rows
from ddsp_match.dsp.spectra import (
    TargetSpectra,
    adjoint_stft,
    magnitude_distance,
    magnitudes,
    mel_filters,
    padded,
    stft,
    unpadded,
)
from tests.compare import assert_close


def noise(n: int, seed: int = 0, dtype=torch.float64) -> torch.Tensor:
    return torch.randn(2, n, dtype=dtype, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", [64, 192, 256])
def test_stft_is_torch_s(size):
    x, window = noise(1000), torch.hann_window(size, dtype=torch.float64)
    expected = torch.stft(x, size, size // 4, window=window, center=True, return_complex=True)
    assert_close(stft(x, window), expected.mT, 1e-9)


@pytest.mark.parametrize("n", [20, 32, 33, 100])  # shorter than, equal to and longer than half a window
def test_unpadded_is_the_adjoint_of_padded(n):
    x = noise(n)
    wide = padded(x, 64)
    g = torch.randn(wide.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert_close((wide * g).sum(), (x * unpadded(g, 64, n)).sum(), 1e-9)


@pytest.mark.parametrize("n", [500, 512, 1000])
def test_adjoint_stft_is_the_adjoint(n):
    window = torch.hann_window(64, dtype=torch.float64)
    x = noise(n).requires_grad_()
    spectrum = stft(x, window)
    g = torch.randn(spectrum.shape, dtype=torch.complex128, generator=torch.Generator().manual_seed(3))
    (spectrum.real * g.real + spectrum.imag * g.imag).sum().backward()
    assert_close(adjoint_stft(g.clone(), window, n), x.grad, 1e-9)


@pytest.mark.parametrize("weights", [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.7, 1.3, 0.4)])
def test_gradient_of_the_distance_is_autograd_s(weights):
    reference = TargetSpectra.of(noise(900, 5), 128, Rows(2, 900))
    target = reference.magnitude
    x = noise(900, 6).requires_grad_()
    result = magnitudes(x, reference.window)
    terms = (
        (result - target).abs().mean(),
        (result.log() - target.log()).abs().mean(),
        torch.linalg.vector_norm(result - target) / torch.linalg.vector_norm(target),
    )
    sum(w * t for w, t in zip(weights, terms, strict=True)).backward()
    distances, gradient = magnitude_distance(x.detach(), reference, weights)
    assert_close(distances, torch.stack(terms)[None], 1e-9)
    assert_close(gradient, x.grad, 1e-9)


def test_silence_has_no_gradient_and_a_finite_distance():
    target = TargetSpectra.of(noise(400, 7, torch.float32), 64, Rows(2, 400))
    distances, gradient = magnitude_distance(torch.zeros(2, 400), target, (1.0, 1.0, 1.0))
    assert bool(torch.isfinite(distances).all())
    assert_close(gradient, torch.zeros(2, 400), 0.0)


LENGTHS = (1000, 20, 32, 33, 500, 512)  # padded to 1000; half a window is 32


def ragged(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of several lengths with rubbish behind their ends, and the lengths."""
    x = torch.randn(len(LENGTHS), max(LENGTHS), dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return x, torch.tensor(LENGTHS)


def test_a_padded_row_has_the_spectra_that_it_has_alone_and_silence_behind_them():
    x, ends = ragged(0)
    window = torch.hann_window(64, dtype=torch.float64)
    result = stft(x, window, ends)
    for row, n in enumerate(LENGTHS):
        alone = stft(x[row : row + 1, :n], window)[0]
        assert_close(result[row, : len(alone)], alone, 1e-12)
        assert not result[row, len(alone) :].any()


def test_the_adjoint_of_padded_rows():
    x, ends = ragged(1)
    x.requires_grad_()
    window = torch.hann_window(64, dtype=torch.float64)
    spectrum = stft(x, window, ends)
    g = torch.randn(spectrum.shape, dtype=torch.complex128, generator=torch.Generator().manual_seed(3))
    (spectrum.real * g.real + spectrum.imag * g.imag).sum().backward()
    result = adjoint_stft(g.clone(), window, x.shape[1], ends)
    assert_close(result, x.grad, 1e-9)
    for row, n in enumerate(LENGTHS):
        assert not result[row, n:].any()


@pytest.mark.parametrize("weights", [(0.7, 1.3, 0.0), (0.0, 0.0, 1.0)])
def test_each_sound_of_a_batch_has_its_own_distance(weights):
    x, _ = ragged(2)
    target = ragged(3)[0]
    owners = (0, 1, 1, 2, 3, 0)
    together = TargetSpectra.of(target, 64, Rows(len(x), x.shape[1], owners, LENGTHS))
    distances, gradient = magnitude_distance(x, together, weights)
    assert distances.shape == (4, 3)
    # Those of one row can be had alone; the others add up from theirs.
    for row, sound in ((3, 2), (4, 3)):
        n = LENGTHS[row]
        alone = TargetSpectra.of(target[row : row + 1, :n], 64, Rows(1, n))
        expected, slope = magnitude_distance(x[row : row + 1, :n], alone, weights)
        assert_close(distances[sound : sound + 1], expected, 1e-12)
        assert_close(gradient[row : row + 1, :n], slope, 1e-12)


@pytest.mark.parametrize(("rate", "size", "bands"), [(16000, 512, 40), (48000, 2048, 80)])
def test_mel_filters_are_librosa_s(rate, size, bands):
    librosa = pytest.importorskip("librosa")
    expected = librosa.filters.mel(sr=rate, n_fft=size, n_mels=bands, fmin=40, fmax=rate / 2)
    assert_close(mel_filters(bands, size, rate, 40.0), expected, 1e-6)
