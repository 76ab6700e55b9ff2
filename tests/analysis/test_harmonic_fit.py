"""Harmonics in closed form: known amplitudes come back, f0 is cured, noise is not taken for harmonics."""

from __future__ import annotations

import math

import pytest
import torch

from ddsp_match.analysis.harmonic_fit import bounded_cents, fit_harmonics, refined_f0, smoothness
from ddsp_match.core.timebase import Timebase
from ddsp_match.dsp.harmonics import WaveformReader, running_phase
from tests.compare import assert_close

TIMEBASE = Timebase.at(16000)
N, FRAMES = 16000, 101


class Operator:
    def __init__(self, f0_hz: torch.Tensor, harmonics: int) -> None:
        phase = running_phase(f0_hz, TIMEBASE.hop, TIMEBASE.sample_rate, N)
        self.reader = WaveformReader(phase[0], FRAMES, TIMEBASE.hop, harmonics)
        self.harmonics, self.adjoint = self.reader.read, self.reader.adjoint


def f0_of(hz: float) -> torch.Tensor:
    return torch.full((1, FRAMES), hz)


def swelling(harmonics: int) -> torch.Tensor:
    t = torch.linspace(0, 1, FRAMES)
    k = torch.arange(1, harmonics + 1).view(1, -1, 1)
    size = (0.3 / k) * (0.6 + 0.4 * torch.sin(2 * math.pi * (2 * t + 0.1 * k)))
    return torch.polar(size, 0.3 * k + 0.5 * torch.sin(2 * math.pi * t) + 0 * size)


@pytest.mark.parametrize("hz", [55.0, 220.0, 1500.0])
def test_known_harmonics_come_back(hz):
    count = min(12, int(7900 / hz))
    operator, true_amplitudes = Operator(f0_of(hz), count), swelling(count)
    target = operator.harmonics(true_amplitudes)
    result = fit_harmonics(target, operator, smoothness(f0_of(hz), TIMEBASE, 16.0), TIMEBASE, iterations=60)
    inner = slice(5, -5)
    assert_close(result[..., inner], true_amplitudes[..., inner], 0.01 * float(true_amplitudes.abs().max()))


def test_channels_are_fitted_side_by_side():
    operator, true_amplitudes = Operator(f0_of(220.0), 8), swelling(8)
    both = torch.cat([true_amplitudes, 0.01 * true_amplitudes.flip(1)])
    weight = smoothness(f0_of(220.0), TIMEBASE, 16.0).expand(2, -1, -1)
    result = fit_harmonics(operator.harmonics(both), operator, weight, TIMEBASE)
    for row in range(2):
        alone = fit_harmonics(operator.harmonics(both[row : row + 1]), operator, weight[:1], TIMEBASE)
        assert_close(result[row : row + 1], alone, 1e-3 * float(both[row].abs().max()))


def test_noise_is_left_over():
    operator = Operator(f0_of(220.0), 30)
    noise = 0.1 * torch.randn(1, N, generator=torch.Generator().manual_seed(0))
    narrow = fit_harmonics(noise, operator, smoothness(f0_of(220.0), TIMEBASE, 5.0), TIMEBASE)
    wide = fit_harmonics(noise, operator, smoothness(f0_of(220.0), TIMEBASE, 50.0), TIMEBASE)
    subset = [float(operator.harmonics(c).square().sum() / noise.square().sum()) for c in (narrow, wide)]
    assert subset[0] < 0.1 < subset[1]


def test_silence_gives_silence():
    result = fit_harmonics(
        torch.zeros(1, N), Operator(f0_of(220.0), 5), smoothness(f0_of(220.0), TIMEBASE, 16.0), TIMEBASE
    )
    assert_close(result.abs(), torch.zeros(1, 5, FRAMES), 0.0)


def test_smoothness_halves_the_wanted_modulation():
    # The smoother's gain at angular frequency w is 1 / (1 + weight (2 sin(w / 2)) ** 4).
    weight = float(smoothness(f0_of(440.0), TIMEBASE, 12.0)[0, 0, 0])
    assert_close(weight * (2 * math.sin(math.pi * 12.0 / 100)) ** 4, 1.0, 1e-5)


@pytest.mark.parametrize("off_cents", [-18.0, 7.0, 20.0])
def test_f0_is_cured_of_a_bias(off_cents):
    true = f0_of(220.0)
    target = Operator(true, 10).harmonics(swelling(10))
    f0 = true * 2 ** (off_cents / 1200)
    for _ in range(2):
        operator = Operator(f0, 10)
        weight = smoothness(f0, TIMEBASE, 12.0)
        f0 = refined_f0(f0, fit_harmonics(target, operator, weight, TIMEBASE), TIMEBASE)
    # The known phases drift by themselves, by at most 0.5 rad over a second.
    error = 1200 * torch.log2(f0 / true)[:, 8:-8]
    assert_close(error, torch.zeros_like(error), 4.0)


def test_the_bound_holds():
    f0, around = torch.tensor([[100.0, 200.0, 300.0]]), torch.tensor([[200.0, 200.0, 200.0]])
    bounded = bounded_cents(f0, around, 30.0)
    assert_close(1200 * torch.log2(bounded / around), [[-30.0, 0.0, 30.0]], 1e-3)
