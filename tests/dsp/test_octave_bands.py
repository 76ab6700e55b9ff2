"""Bands that add up, and noise that is the same at every sample rate."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ddsp_match.dsp.octave_bands import band_noise, octave_centres, octave_weights
from tests.compare import assert_close


def test_the_powers_add_up_to_one_between_the_ends():
    hz = np.geomspace(40, 48_000, 500)
    assert_close(np.square(octave_weights(hz, octave_centres(8))).sum(0), np.ones(500), 1e-12)


def test_a_centre_belongs_to_its_band_alone_and_an_edge_to_two():
    centres = octave_centres(5)
    assert_close(octave_weights(centres, centres), np.eye(5), 1e-12)
    edge = octave_weights(centres[1:2] * np.sqrt(2), centres)[:, 0]
    assert_close(np.square(edge), [0, 0.5, 0.5, 0, 0], 1e-12)


def test_closed_bands_end_and_open_ones_go_on():
    centres = octave_centres(3)
    hz = np.array([30.0, 0.0, 4000.0])
    assert_close(octave_weights(hz, centres, closed=True).sum(0), np.zeros(3), 1e-12)
    assert_close(octave_weights(hz, centres).sum(0), [1, 0, 1], 1e-12)


def test_the_noise_is_the_same_at_another_sample_rate():
    low = band_noise(5, 125.0, 4000, 16_000, 0, torch.float64)
    high = band_noise(5, 125.0, 12_000, 48_000, 0, torch.float64)
    # All bands but the highest end below 8 kHz. Samples of one impulse response in continuous time, over the rate.
    assert_close(3 * high[:4, ::3] / low.std(), low[:4] / low.std(), 1e-9)


def test_the_noise_has_the_power_that_it_promises():
    rate = 24_000
    noise = band_noise(6, 125.0, 4 * rate, rate, 0, torch.float64).numpy()
    # An envelope of 1 over 4 s: an expected power response of 4 inside each band.
    power = np.square(np.abs(np.fft.rfft(noise)))
    hz = np.fft.rfftfreq(4 * rate, 1 / rate)
    for band, centre in enumerate(octave_centres(6)[:5]):
        inside = (hz > 0.8 * centre) & (hz < 1.25 * centre)
        assert abs(power[band, inside].mean() / 4 - 1) < 0.15


def test_bands_and_seeds_are_unrelated():
    noise = band_noise(6, 125.0, 1 << 16, 24_000, 0, torch.float64)
    other = band_noise(6, 125.0, 1 << 16, 24_000, 1, torch.float64)
    assert_close(torch.corrcoef(noise), np.eye(6), 0.05)
    assert abs(float(torch.corrcoef(torch.stack([noise[4], other[4]]))[0, 1])) < 0.05


def test_more_than_there_is():
    with pytest.raises(ValueError, match="128000 are all"):
        band_noise(2, 125.0, 128_001, 8000, 0, torch.float64)
