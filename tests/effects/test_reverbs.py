"""The parametric reverb has the decay that its knobs say, and both reverbs are found again from a pair."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ddsp_match.analysis.decay import rt60
from ddsp_match.core.errors import ConfigError
from ddsp_match.dsp.octave_bands import octave_centres
from ddsp_match.effects.convolution_reverb import ConvolutionReverb
from ddsp_match.effects.parametric_reverb import ParametricReverb
from ddsp_match.effects.rack import Rack
from tests.compare import assert_close

RATE = 24_000
TIMES_S = 0.8 * 0.93 ** np.arange(8)


def response(reverb: ParametricReverb, rate: int = RATE, channels: int = 1, **knobs) -> np.ndarray:
    return reverb.impulse_response(reverb.tensors(knobs), rate, channels)[0].numpy()


def test_the_decay_is_the_knob():
    times = []
    for seed in range(6):
        ir = response(ParametricReverb(seed=seed), level=np.ones(8), rt60_s=TIMES_S)[0]
        measured = rt60(ir, RATE)
        assert measured.valid.all()
        times.append(measured.rt60_s)
    ratio = np.mean(times, axis=0) / TIMES_S[: len(times[0])]
    # 125 Hz and 250 Hz hold too few independent numbers for more, even in the mean of six.
    assert_close(ratio[2:], np.ones(len(ratio) - 2), 0.04)
    assert_close(ratio[:2], np.ones(2), 0.08)


def test_the_energy_decays_and_ends_at_90_db():
    ir = response(ParametricReverb(), level=np.full(8, 0.5), rt60_s=np.full(8, 0.6))[0]
    blocks = np.square(ir[: len(ir) // 2400 * 2400]).reshape(-1, 2400).mean(1)
    assert (np.diff(10 * np.log10(blocks)) < -4).all()
    assert abs(len(ir) / RATE - 1.5 * 0.6) < 0.001


def test_level_one_is_as_much_as_direct():
    for time_s in (1.0, 3.0):  # in short ones the rise of 2 ms is missed
        ir = response(ParametricReverb(), level=np.ones(8), rt60_s=np.full(8, time_s))[0]
        power = np.square(np.abs(np.fft.rfft(ir)))
        hz = np.fft.rfftfreq(len(ir), 1 / RATE)
        assert abs(power[hz > 200].mean() - 1) < 0.05


def test_the_same_room_at_another_sample_rate():
    knobs = {"level": [1, 1, 1, 1, 1, 0, 0, 0], "rt60_s": TIMES_S, "predelay_ms": 20.0}
    reverb = ParametricReverb()
    hz = torch.tensor([150.0, 1000.0, 1234.5, 2500.0], dtype=torch.float64)
    low, high = (reverb.response(reverb.tensors(knobs), rate, hz) for rate in (16_000, 48_000))
    assert_close(high, low, 1e-3)


def test_the_predelay_is_silent():
    ir = response(ParametricReverb(), level=np.ones(8), predelay_ms=50.0)[0]
    assert not ir[: RATE // 20].any()
    assert np.abs(ir[RATE // 20 + 48 :][:100]).max() > 1e-3


def test_width_sets_the_channels_apart():
    for width, alike in ((0.0, 1.0), (0.5, np.cos(np.pi / 4)), (1.0, 0.0)):
        residual, right = response(ParametricReverb(), channels=2, level=np.ones(8), width=width)
        assert abs(np.corrcoef(residual, right)[0, 1] - alike) < 0.05
        assert abs(np.square(residual).sum() / np.square(right).sum() - 1) < 0.1


def test_white_noise_gets_the_spectrum_of_the_levels():
    level = np.array([0.1, 0.1, 0.1, 2.0, 0.1, 0.1, 0.1, 0.1])
    noise = np.random.default_rng(0).standard_normal((1, 3 * RATE))
    rack = Rack.of(ParametricReverb(), RATE, {"dry": 0.0, "level": level, "rt60_s": np.full(8, 0.3)})
    power = np.square(np.abs(np.fft.rfft(rack.process(noise, RATE)[0]))) / np.square(np.abs(np.fft.rfft(noise[0])))
    hz = np.fft.rfftfreq(3 * RATE, 1 / RATE)
    for centre, wanted in ((250, 0.01), (1000, 4.0), (4000, 0.01)):
        inside = (hz > 0.85 * centre) & (hz < 1.18 * centre)
        assert 0.6 < np.median(power[inside]) / np.log(2) / wanted < 1.6  # a median of an exponential


def test_gradients_of_every_knob():
    reverb = ParametricReverb(bands=2, lowest_hz=500.0)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 2, 300, dtype=torch.float64, generator=generator)
    start = {"dry": 0.7, "level": [0.5, 0.8], "rt60_s": [0.1, 0.3], "predelay_ms": 4.3, "width": 0.6}
    leaves = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in start.values()]

    def run(*values: torch.Tensor) -> torch.Tensor:
        return reverb(x, 8000, **dict(zip(start, values, strict=True)))[..., ::13]

    assert torch.autograd.gradcheck(run, leaves, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 2])
def test_a_pair_that_the_reverb_made(channels):
    truth = {"dry": 0.8, "level": np.linspace(0.2, 0.9, 5), "rt60_s": np.linspace(0.2, 0.15, 5), "predelay_ms": 12.0}
    if channels == 2:
        truth["width"] = 0.5
    reverb = ParametricReverb(bands=5)
    dry = np.random.default_rng(1).standard_normal((channels, 8000))
    wet = Rack.of(reverb, 12_000, truth).process(dry, 8000)
    guess = reverb.guesses(dry, wet, 8000)[0]
    out = Rack.of(reverb, 12_000, guess).process(dry, 8000)
    assert np.square(out - wet).sum() < 0.02 * np.square(wet).sum()
    assert abs(float(guess["dry"]) - 0.8) < 0.02
    assert_close(np.log(np.asarray(guess["rt60_s"])[2:] / truth["rt60_s"][2:]), np.zeros(3), 0.12)
    assert abs(float(guess["predelay_ms"]) - 12) < 1.5
    assert ("width" in guess) == (channels == 2)


def test_a_room_that_is_not_our_noise():
    rate = 8000
    rng = np.random.default_rng(2)
    ir = 0.1 * rng.standard_normal(rate // 2) * 10 ** (-3 * np.arange(rate // 2) / rate / 0.35)
    ir[0] = 1.0
    dry = rng.standard_normal((1, 2 * rate))
    wet = np.convolve(dry[0], ir)[None, : 2 * rate]
    guess = ParametricReverb(bands=5).guesses(dry, wet, rate)[0]
    measured = rt60(ir, rate, octave_centres(5)).rt60_s
    assert_close(np.asarray(guess["rt60_s"]) / measured, np.ones(5), 0.05)


def test_silence_has_no_guess():
    sound = np.random.default_rng(3).standard_normal((1, 4000))
    assert ParametricReverb().guesses(sound, 0 * sound, RATE) == []
    assert ParametricReverb().guesses(0 * sound, sound, RATE) == []


def test_the_convolution_solves_for_its_taps():
    rng = np.random.default_rng(4)
    ir = rng.standard_normal(300) * np.exp(-np.arange(300) / 40)
    dry = rng.standard_normal((1, 5000))
    wet = np.convolve(dry[0], ir)[None, :5000]
    part = ConvolutionReverb(taps=300)
    result = part.guesses(dry, wet, RATE)[0]
    assert_close(Rack.of(part, RATE, result).process(dry, RATE), wet, 1e-4)
    assert_close(np.asarray(result["ir"]), ir - np.eye(1, 300)[0], 1e-4)


def test_options_that_are_not_allowed():
    for wrong in ({"bands": 0}, {"bands": 13}, {"lowest_hz": 5.0}):
        with pytest.raises(ValueError, match="reverb: "):
            ParametricReverb(**wrong)
    for taps in (0, 2**20 + 1, 10.5):
        with pytest.raises(ValueError, match="convolution: taps"):
            ConvolutionReverb(taps=taps)
    with pytest.raises(ConfigError):
        Rack.of([{"convolution": {"taps": 8}}], RATE, {"convolution.ir": np.zeros(9)})
