"""The first guess of the noise has the spectrum of what it was made from."""

from __future__ import annotations

import torch

from ddsp_match.analysis.noise_fit import noise_magnitudes, valley_magnitudes
from ddsp_match.core.timebase import Timebase
from ddsp_match.dsp.noise import filtered_noise, fir_response, noise_fft_size, noise_spectra, white_noise
from tests.compare import assert_close

TIMEBASE, BANDS = Timebase.at(16000), 65


def test_white_noise_has_its_level_in_every_band():
    n = 160 * 400
    result = noise_magnitudes(0.02 * white_noise(1, n, 0), TIMEBASE, 401, BANDS)
    assert result.shape == (1, BANDS, 401)
    mean = result.square().mean(2).sqrt()
    assert_close(mean[:, 1:-1], torch.full((1, BANDS - 2), 0.02), 0.002)


def test_what_is_guessed_sounds_as_loud_band_by_band():
    n, frames = 160 * 200, 201
    bands = torch.linspace(0.1, 0.001, BANDS).view(1, -1, 1).expand(1, BANDS, frames)
    size = noise_fft_size(BANDS, 160)
    response = fir_response(BANDS, size)
    target = filtered_noise(noise_spectra(white_noise(1, n, 0), frames, 160, size), bands, response, 160, n)
    result = noise_magnitudes(target, TIMEBASE, frames, BANDS).square().mean(2).sqrt()
    db = 20 * torch.log10(result / bands[..., 0])[:, 2:-2]
    assert_close(db, torch.zeros_like(db), 1.5)


def test_silence_stays_above_zero():
    result = noise_magnitudes(torch.zeros(1, 1600), TIMEBASE, 11, BANDS)
    assert bool((result > 0).all()) and float(result.max()) <= 1e-6


def test_valleys_of_a_sound_in_a_batch_are_those_of_the_sound_alone():
    n = 16000
    frames = TIMEBASE.frames(n)
    f0 = torch.tensor([[110.0], [440.0], [1000.0]]).expand(-1, frames).clone()
    f0[0, 30:] = 900.0  # what stands there after a sound's end must not count
    sounds = 0.1 * white_noise(3, n, 0)
    together = valley_magnitudes(sounds, f0, TIMEBASE, BANDS, n_frames=[30, frames, frames])
    for row, hz in enumerate((110.0, 440.0, 1000.0)):
        alone = valley_magnitudes(sounds[row : row + 1], torch.full((1, frames), hz), TIMEBASE, BANDS)
        assert_close(together[row : row + 1], alone, 0.0)
