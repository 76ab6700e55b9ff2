"""Filtered noise: an open filter is transparent, a band is a band, the draw can be repeated."""

from __future__ import annotations

import pytest
import torch

from ddsp_match.dsp.noise import filtered_noise, fir_response, noise_fft_size, noise_spectra, overlap_add, white_noise
from tests.compare import assert_close

HOP, BANDS, FRAMES = 160, 129, 41
N = 40 * HOP


def shaped(magnitudes: torch.Tensor) -> torch.Tensor:
    size = noise_fft_size(BANDS, HOP)
    spectra = noise_spectra(white_noise(1, N, 0), FRAMES, HOP, size)
    return filtered_noise(spectra, magnitudes, fir_response(BANDS, size), HOP, N)


def test_all_bands_at_one_leave_the_noise_as_it_is():
    assert_close(shaped(torch.ones(1, BANDS, FRAMES)), white_noise(1, N, 0), 1e-5)


def test_no_band_is_silence():
    assert_close(shaped(torch.zeros(1, BANDS, FRAMES)), torch.zeros(1, N), 1e-7)


def test_one_band_sounds_there_and_nowhere_else():
    magnitudes = torch.zeros(1, BANDS, FRAMES)
    magnitudes[:, 32] = 1.0  # 2 kHz of 8
    power = torch.fft.rfft(shaped(magnitudes)[0]).abs().square()
    hz = torch.arange(len(power)) * 8000 / (len(power) - 1)
    assert power[(hz > 1800) & (hz < 2200)].sum() > 0.999 * power.sum()


def test_a_fade_from_silence_is_a_fade():
    magnitudes = torch.linspace(0, 1, FRAMES).expand(1, BANDS, FRAMES)
    ramp = torch.arange(N) / N
    assert_close(shaped(magnitudes)[0], white_noise(1, N, 0)[0] * ramp, 1e-5)


def test_the_filter_does_not_delay():
    # A click in place of noise comes out where it went in.
    size = noise_fft_size(BANDS, HOP)
    click = torch.zeros(1, N)
    click[0, 3217] = 1.0
    magnitudes = torch.linspace(1, 0, BANDS).view(1, -1, 1).expand(1, BANDS, FRAMES)
    output = filtered_noise(noise_spectra(click, FRAMES, HOP, size), magnitudes, fir_response(BANDS, size), HOP, N)
    assert int(output.abs().argmax()) == 3217


@pytest.mark.parametrize("seed", [0, 7])
def test_noise_depends_on_seed_and_row_alone(seed):
    long, short = white_noise(2, 5000, seed), white_noise(2, 300, seed)
    assert_close(long[:, :300], short, 0.0)
    assert_close(white_noise(1, 300, seed)[0], short[0], 0.0)
    assert float((short[0] - short[1]).abs().max()) > 0.1
    assert float((short - white_noise(2, 300, seed + 1)).abs().max()) > 0.1


def test_noise_is_white_and_of_unit_variance():
    noise = white_noise(1, 200_000, 3)[0]
    assert abs(float(noise.square().mean()) - 1) < 0.02
    lag = (noise[1:] * noise[:-1]).mean()
    assert abs(float(lag)) < 0.01


def test_overlap_add_of_ones_counts_the_blocks():
    added = overlap_add(torch.ones(1, 3, 6), 2)
    assert_close(added, torch.tensor([[1.0, 1, 2, 2, 3, 3, 2, 2, 1, 1]]), 0.0)


def test_gradcheck():
    size = noise_fft_size(5, 8)
    spectra = noise_spectra(white_noise(1, 33, 0).double(), 5, 8, size)
    response = fir_response(5, size).double()
    magnitudes = torch.rand(1, 5, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda m: filtered_noise(spectra, m, response, 8, 33), (magnitudes,))
