"""The ERB scale, and bands on it whose shares sum to one."""

from __future__ import annotations

import pytest
import torch

from ddsp_match.dsp.erb import LOWEST_HZ, between_bands, erb_rate, noise_basis


def test_a_step_on_the_scale_is_as_wide_as_the_ear_hears():
    # Glasberg and Moore's bandwidth: 24.7 (4.37 kHz + 1) Hz.
    for hz in (100.0, 1000.0, 8000.0):
        width = 24.7 * (0.00437 * hz + 1)
        rates = erb_rate(torch.tensor([hz - width / 2, hz + width / 2], dtype=torch.float64))
        assert float(rates[1] - rates[0]) == pytest.approx(1.0, abs=0.01)


def test_shares_are_linear_between_bands_and_level_beyond():
    shares = between_bands(torch.tensor([0.0, 1.0, 1.5, 3.0, 9.0]), torch.tensor([1.0, 2.0, 4.0]))
    assert shares.tolist() == [[1, 0, 0], [1, 0, 0], [0.5, 0.5, 0], [0, 0.5, 0.5], [0, 0, 1]]
    assert between_bands(torch.tensor([0.0, 5.0]), torch.tensor([2.0])).tolist() == [[1.0], [1.0]]


@pytest.mark.parametrize(("linear", "bands", "nyquist_hz"), [(129, 32, 8000.0), (65, 32, 4000.0), (257, 32, 22050.0)])
def test_bands_of_noise_sum_to_one_and_rise_in_width(linear, bands, nyquist_hz):
    basis = noise_basis(linear, bands, nyquist_hz)
    assert basis.shape == (linear, bands)
    torch.testing.assert_close(basis.sum(1), torch.ones(linear))
    assert float(basis[0, 0]) == 1.0 and float(basis[-1, -1]) == pytest.approx(1.0)
    below = torch.linspace(0, nyquist_hz, linear) <= LOWEST_HZ
    assert bool((basis[below, 0] == 1).all())
    reach = basis.sum(0)
    assert float(reach[-1]) > 4 * float(reach[1:5].mean())
