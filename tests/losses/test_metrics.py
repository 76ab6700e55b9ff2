"""Figures of closeness: zero for the sound itself, known values for known differences."""

from __future__ import annotations

import math

import pytest
import torch

from ddsp_match.losses import metrics
from ddsp_match.losses.spectral import SIZES_AT_16_KHZ
from tests.compare import assert_close

RATE, SIZES = 16000, list(SIZES_AT_16_KHZ)


def sound(seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(1, 16000, generator=torch.Generator().manual_seed(seed))


def test_the_sound_itself():
    x = sound()
    found = metrics.measure(x, x, torch.zeros_like(x), RATE, SIZES)
    for name in ("mrstft", "mel_db", "mel_steady_db", "lsd_db", "loudness_l1_db", "unexplained_share", "noise_share"):
        assert found[name] == pytest.approx(0.0, abs=1e-5)
    assert found["harmonic_share"] == 1.0 and found["snr_db"] > 100


def test_six_db_quieter_is_six_db_off_everywhere():
    x = sound()
    found = metrics.measure(x, 0.5 * x, torch.zeros_like(x), RATE, SIZES)
    six = 20 * math.log10(2)
    for name in ("mel_db", "mel_steady_db", "lsd_db", "loudness_l1_db"):
        assert found[name] == pytest.approx(six, abs=0.05)
    assert found["snr_db"] == pytest.approx(six, abs=1e-3)
    assert found["unexplained_share"] == pytest.approx(0.25, abs=1e-3)


def test_mrstft_is_auraloss():
    freq = pytest.importorskip("auraloss.freq")
    theirs = freq.MultiResolutionSTFTLoss(
        fft_sizes=SIZES, hop_sizes=[s // 4 for s in SIZES], win_lengths=SIZES, w_sc=0.0, w_lin_mag=1.0, w_log_mag=1.0
    )
    expected = theirs(sound(1).unsqueeze(1), sound().unsqueeze(1))
    assert metrics.multi_resolution(sound(), sound(1), SIZES) == pytest.approx(float(expected), abs=1e-5)


def test_another_draw_of_the_same_noise_sets_the_floor():
    # |log R1 / R2| of two Rayleigh variables has the mean ln 2.
    assert metrics.multi_resolution(sound(), sound(1), [512]) == pytest.approx(math.log(2), abs=0.9)
    a, b = (metrics.magnitudes(sound(s), torch.hann_window(512)).log() for s in (0, 1))
    assert float((a - b).abs().mean()) == pytest.approx(math.log(2), abs=0.03)


def test_what_is_sixty_db_down_is_not_compared():
    t = torch.arange(16000) / RATE
    tone = 0.5 * torch.sin(2 * math.pi * 500 * t).unsqueeze(0)
    assert metrics.mel_distances_db(tone, tone + 1e-5 * sound(), RATE)["mel_db"] < 0.05
    assert metrics.mel_distances_db(tone, tone + 0.5 * sound(), RATE)["mel_db"] > 3


def test_the_steady_mel_distance_is_fair_to_noise_and_is_the_scorer_s():
    found = metrics.mel_distances_db(sound(), sound(1), RATE)
    assert found["mel_steady_db"] < 0.5 * found["mel_db"]
    # The scorer's definition, with librosa's spectra of the same length and hop.
    import librosa
    import numpy as np

    shared = {"sr": RATE, "n_fft": 512, "hop_length": 128, "n_mels": 80, "fmin": 40, "fmax": 8000}
    powers = [librosa.feature.melspectrogram(y=sound(seed)[0].numpy(), **shared) for seed in (0, 1)]
    span = round(0.1 * RATE / 128)
    a, b = (np.apply_along_axis(np.convolve, 1, power, np.ones(span) / span, "valid") for power in powers)
    assert found["mel_steady_db"] == pytest.approx(np.abs(10 * np.log10(a / b)).mean(), abs=0.05)


def test_the_steady_mel_distance_of_a_sound_shorter_than_its_span_is_that_of_its_mean():
    short = sound()[:, :800]
    assert metrics.mel_distances_db(short, 0.5 * short, RATE)["mel_steady_db"] == pytest.approx(6.02, abs=0.1)


def test_the_net_mel_distance_is_what_chance_does_not_explain():
    """Of two draws it is nothing; what is 6 dB off besides stays 6 dB off."""
    mel_db = metrics.mel_distances_db(sound(), sound(1), RATE)["mel_db"]
    assert metrics.mel_net_db(mel_db, sound(1), sound(2), RATE) < 0.25 * mel_db
    softer = metrics.mel_distances_db(sound(), 0.5 * sound(1), RATE)["mel_db"]
    assert metrics.mel_net_db(softer, 0.5 * sound(1), 0.5 * sound(2), RATE) == pytest.approx(6.0, abs=0.6)
    assert metrics.mel_net_db(2.0, sound(), sound(), RATE) == 2.0
    assert metrics.mel_net_db(2.0, torch.zeros(1, 16000), torch.zeros(1, 16000), RATE) == 2.0


def test_shares_of_energy():
    found = metrics.measure(sound(), 2 * sound(1), sound(2), RATE, SIZES)
    assert_close([found["harmonic_share"], found["noise_share"]], [0.8, 0.2], 0.01)


def test_loudness_of_a_full_scale_tone_at_one_kilohertz_is_minus_three_db():
    t = torch.arange(16000) / RATE
    level = metrics.loudness_db(torch.sin(2 * math.pi * 1000 * t).unsqueeze(0), RATE)[0, 20:-20]
    assert_close(level, torch.full_like(level, -3.01), 0.2)


def test_silence_is_finite():
    zero = torch.zeros(1, 16000)
    found = metrics.measure(sound(), zero, zero, RATE, SIZES)
    assert all(math.isfinite(value) for value in found.values())


def test_a_long_sound_is_measured_in_pieces(monkeypatch):
    x, y = sound(), 0.7 * sound() + 0.1 * sound(1)
    whole = metrics.measure(x, y, torch.zeros_like(y), RATE, SIZES)
    monkeypatch.setattr(metrics, "PIECE_S", 0.3)
    pieces = metrics.measure(x, y, torch.zeros_like(y), RATE, SIZES)
    assert pieces["mrstft"] != whole["mrstft"]
    for name, value in whole.items():
        assert pieces[name] == pytest.approx(value, rel=0.1), name


def test_silence_in_a_piece_is_finite(monkeypatch):
    monkeypatch.setattr(metrics, "PIECE_S", 0.3)
    x = sound()
    x[:, :6000] = 0.0
    found = metrics.measure(x, x, torch.zeros_like(x), RATE, SIZES)
    assert all(math.isfinite(value) for value in found.values())


def test_mfccs_are_librosa_s():
    import librosa
    import numpy as np

    t = torch.arange(RATE) / RATE
    a = 0.3 * torch.sin(2 * math.pi * 330 * t).unsqueeze(0) + 0.1 * sound()
    b = 0.2 * torch.sin(2 * math.pi * 500 * t).unsqueeze(0) + 0.2 * sound(1)
    options = {"sr": RATE, "n_fft": 512, "hop_length": 128, "n_mels": 40, "pad_mode": "reflect"}
    mels = [librosa.feature.melspectrogram(y=x[0].numpy(), **options) for x in (a, b)]
    floor = mels[0].max() * 1e-6
    coefficients = [
        librosa.feature.mfcc(S=librosa.power_to_db(np.maximum(mel, floor), amin=1e-12, top_db=None), n_mfcc=14)[1:]
        for mel in mels
    ]
    expected = np.linalg.norm(coefficients[0] - coefficients[1], axis=0).mean()
    assert metrics.mfcc_distance(a, b, RATE) == pytest.approx(float(expected), rel=1e-4)


def test_mfccs_do_not_hear_a_change_of_level():
    assert metrics.mfcc_distance(sound(), 0.5 * sound(), RATE) < 0.05


def test_silent_frames_of_both_do_not_dilute_the_mfccs():
    x, y = sound(), sound(1).cumsum(1) * 0.05
    silence = torch.zeros(1, 16000)
    padded = [torch.cat([s, silence], 1) for s in (x, y)]
    assert metrics.mfcc_distance(*padded, RATE) == pytest.approx(metrics.mfcc_distance(x, y, RATE), rel=0.05)


def test_distances_are_those_of_measure_and_the_mfccs():
    x, y = sound(), 0.7 * sound() + 0.1 * sound(1)
    found = metrics.distances(x, y, RATE, SIZES)
    whole = metrics.measure(x, y, torch.zeros_like(y), RATE, SIZES)
    assert set(found) - set(whole) == {"mfcc_distance"}
    assert {key: found[key] for key in found if key in whole} == {key: whole[key] for key in whole if key in found}
