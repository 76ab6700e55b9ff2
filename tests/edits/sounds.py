"""Small sounds for the tests of edits, made by hand."""

from __future__ import annotations

import torch

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.dsp.harmonics import running_phase
from ddsp_match.synth.harmonic_noise import play

RATE = 16_000
TIMEBASE = Timebase.at(RATE)
BANDS = 129


def note(
    f0_hz: float = 220.0,
    frames: int = 150,
    *,
    levels=(0.3, 0.2, 0.1, 0.05, 0.02),
    divisions: int = 1,
    noise: float = 0.0,
    attack: int = 0,
    cents_off: float = 0.0,
    channels: int = 1,
) -> Controls:
    """Harmonics that stand still; they come in at frame `attack`, and lie `cents_off` their place."""
    amplitudes = torch.zeros(channels, divisions * len(levels), frames)
    for number, level in enumerate(levels, 1):
        amplitudes[:, number * divisions - 1] = level
    if attack:
        amplitudes[..., :attack] = 0
    f0 = torch.full((channels, frames), float(f0_hz))
    hz = f0_hz / divisions * torch.arange(1, amplitudes.shape[1] + 1).view(1, -1, 1)
    turn = 2 * torch.pi * hz * (2 ** (cents_off / 1200) - 1) / TIMEBASE.frame_rate
    phases = (turn * torch.arange(frames)).expand(amplitudes.shape).contiguous()
    whole = amplitudes.sum(1)
    bands = torch.full((channels, BANDS, frames), noise)
    return Controls(f0, whole, amplitudes / whole.unsqueeze(1).clamp(min=1e-9), bands, phases, divisions)


def with_partials(controls: Controls, c: torch.Tensor) -> Controls:
    """The controls with these complex partials."""
    whole = c.abs().sum(1)
    shares = c.abs() / whole.unsqueeze(1).clamp(min=1e-9)
    return Controls(controls.f0_hz, whole, shares, controls.noise, c.angle(), controls.divisions)


def sound(controls: Controls) -> torch.Tensor:
    """What the controls play, all parts together."""
    return play(controls, TIMEBASE, TIMEBASE.samples(controls.n_frames) + 1, 0).mix


def strongest_hz(samples: torch.Tensor, low_hz: float = 0, high_hz: float = RATE / 2) -> float:
    """The frequency of the strongest sinusoid within a band, by a long windowed transform and a parabola."""
    x = samples.flatten().double()
    size = 1 << 19
    spectrum = torch.fft.rfft(x * torch.hann_window(len(x), dtype=torch.float64), n=size).abs()
    hz = torch.arange(len(spectrum)) * RATE / size
    spectrum[(hz < low_hz) | (hz > high_hz)] = 0
    k = int(spectrum.argmax())
    a, b, c = spectrum[k - 1 : k + 2].clamp(min=1e-12).log().tolist()
    return (k + 0.5 * (a - c) / (a - 2 * b + c)) * RATE / size


def level_at_db(samples: torch.Tensor, hz: float) -> float:
    """The amplitude of the sinusoid at a frequency, in dB of full scale."""
    x = samples.flatten().double()
    window = torch.hann_window(len(x), dtype=torch.float64)
    time_s = torch.arange(len(x), dtype=torch.float64) / RATE
    turned = (x * window * torch.polar(torch.ones_like(x), -2 * torch.pi * hz * time_s)).sum()
    return float(20 * torch.log10(2 * turned.abs() / window.sum() + 1e-9))


def base_phase(controls: Controls) -> torch.Tensor:
    """The running phase of f0 in cycles."""
    return running_phase(controls.f0_hz, TIMEBASE.hop, RATE, TIMEBASE.samples(controls.n_frames) + 1)
