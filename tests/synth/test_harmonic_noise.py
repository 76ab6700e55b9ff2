"""The synthesizer: what a listener could name, and the same samples every time."""

from __future__ import annotations

import dataclasses
import math
import os
import subprocess
import sys

import pytest
import torch

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.synth.harmonic_noise import HarmonicNoiseSynth, complex_amplitudes, noise_bands_for, play
from tests.compare import assert_close

TIMEBASE = Timebase.at(16000)


def controls_of(
    f0_hz: float = 200.0, amplitudes: tuple[float, ...] = (0.4,), noise: float = 0.0, frames: int = 101, batch: int = 1
) -> Controls:
    share = torch.tensor(amplitudes)
    total = float(share.sum())
    return Controls(
        torch.full((batch, frames), f0_hz),
        torch.full((batch, frames), total),
        (share / max(total, 1e-9)).view(1, -1, 1).expand(batch, -1, frames).contiguous(),
        torch.full((batch, 129, frames), noise),
    )


def random_controls(seconds: float, seed: int = 0, batch: int = 1, phases: bool = True) -> tuple[Controls, int]:
    n = TIMEBASE.sample_at(seconds)
    frames = TIMEBASE.frames(n)
    g = torch.Generator().manual_seed(seed)
    shares = torch.rand(batch, 20, frames, generator=g)
    return (
        Controls(
            150 + 60 * torch.rand(1, frames, generator=g).cumsum(1).remainder(1.0).expand(batch, -1),
            0.3 * torch.rand(batch, frames, generator=g),
            shares / shares.sum(1, keepdim=True),
            0.05 * torch.rand(batch, 129, frames, generator=g),
            6.28 * torch.rand(batch, 20, frames, generator=g) if phases else None,
        ),
        n,
    )


def test_one_harmonic_plays_a_sine():
    n = 16000
    heard = play(controls_of(437.0, (0.4,)), TIMEBASE, n, 0).mix
    expected = 0.4 * torch.sin(2 * math.pi * 437 / 16000 * torch.arange(n).double())
    assert_close(heard, expected.unsqueeze(0), 1e-5)


def test_harmonics_sound_at_multiples_of_f0():
    heard = play(controls_of(250.0, (0.1, 0.0, 0.3)), TIMEBASE, 16000, 0).mix[0]
    spectrum = torch.fft.rfft(heard).abs() / 8000
    loud = torch.nonzero(spectrum > 1e-3).flatten()
    assert loud.tolist() == [250, 750]
    assert_close(spectrum[loud], [0.1, 0.3], 1e-4)


def test_a_partial_at_or_above_nyquist_is_silent_whoever_made_the_controls():
    heard = play(controls_of(4100.0, (0.1, 0.3)), TIMEBASE, 16000, 0).mix[0]
    spectrum = torch.fft.rfft(heard).abs() / 8000
    assert torch.nonzero(spectrum > 1e-3).flatten().tolist() == [4100]
    at = play(controls_of(8000.0, (0.5,)), TIMEBASE, 16000, 0).mix
    assert_close(at, torch.zeros_like(at), 0.0)


def test_divisions_put_partials_between_the_harmonics():
    controls = dataclasses.replace(controls_of(500.0, (0.1, 0.0, 0.2, 0.3)), divisions=2)
    heard = play(controls, TIMEBASE, 16000, 0).mix[0]
    spectrum = torch.fft.rfft(heard).abs() / 8000
    assert torch.nonzero(spectrum > 1e-3).flatten().tolist() == [250, 750, 1000]


def test_noise_has_the_level_of_its_bands():
    quiet = controls_of(noise=0.05, amplitudes=(0.0,))
    heard = play(quiet, TIMEBASE, 16000, 0)
    assert float(heard.harmonic.abs().max()) < 1e-6
    assert_close(heard.noise.std(), 0.05, 0.002)


def test_fast_synth_and_play_agree():
    controls, n = random_controls(1.3, batch=2)
    from ddsp_match.dsp.noise import white_noise

    synth = HarmonicNoiseSynth(controls.f0_hz, TIMEBASE, n, 20, white_noise(2, n, 4), 129)
    fast, once = synth(controls), play(controls, TIMEBASE, n, 4)
    assert_close(fast.harmonic, once.harmonic, 3e-6)
    assert_close(fast.noise, once.noise, 3e-6)


def test_signals_with_different_f0_play_together_as_alone():
    controls, n = random_controls(0.5, batch=2)
    f0 = torch.cat([controls.f0_hz[:1], 1.5 * controls.f0_hz[1:]])
    together = HarmonicNoiseSynth(f0, TIMEBASE, n, 20).harmonics(complex_amplitudes(controls))
    for row in range(2):
        alone = HarmonicNoiseSynth(f0[row : row + 1], TIMEBASE, n, 20)
        assert_close(together[row : row + 1], alone.harmonics(complex_amplitudes(controls)[row : row + 1]), 1e-6)


def test_adjoint_is_the_adjoint():
    controls, n = random_controls(0.4)
    synth = HarmonicNoiseSynth(controls.f0_hz, TIMEBASE, n, 20)
    c = complex_amplitudes(controls)
    samples = torch.randn(1, n, generator=torch.Generator().manual_seed(9))
    back = synth.adjoint(samples)
    left = (synth.harmonics(c).double() * samples).sum()
    right = (c.real.double() * back.real + c.imag.double() * back.imag).sum()
    assert_close(left, right, 1e-3)


@pytest.mark.parametrize("chunk_s", [0.07, 0.5, 1.0])
def test_chunks_change_no_sample(chunk_s):
    controls, n = random_controls(2.03)
    whole, parts = play(controls, TIMEBASE, n, 1, chunk_s=60.0), play(controls, TIMEBASE, n, 1, chunk_s=chunk_s)
    assert_close(parts.harmonic, whole.harmonic, 0.0)
    assert_close(parts.noise, whole.noise, 2e-7)


@pytest.mark.parametrize("n", [1600, 1601, 1602, 1759, 1760])
def test_any_length_is_covered(n):
    frames = TIMEBASE.frames(n)
    assert (frames - 1) * TIMEBASE.hop >= n - 1
    heard = play(controls_of(noise=0.1, frames=frames), TIMEBASE, n, 0)
    assert heard.mix.shape == (1, n)
    assert float(heard.harmonic[0, -20:].abs().max()) > 0.01
    assert float(heard.noise[0, -40:].abs().max()) > 0.01


def test_wrong_number_of_frames_is_refused():
    with pytest.raises(ValueError, match="frames"):
        play(controls_of(frames=50), TIMEBASE, 16000, 0)


def test_noise_bands_follow_the_rate():
    assert noise_bands_for(16000) == 129
    assert noise_bands_for(48000) == 385
    assert noise_bands_for(8000) == 65


SCRIPT = """
import hashlib, sys, torch
torch.set_num_threads(int(sys.argv[1]))
from tests.synth.test_harmonic_noise import TIMEBASE, random_controls
from ddsp_match.synth.harmonic_noise import play
controls, n = random_controls(3.0, batch=2)
print(hashlib.sha256(play(controls, TIMEBASE, n, 0).mix.numpy().tobytes()).hexdigest())
"""


def test_the_same_samples_in_another_process_with_other_threads():
    env = {k: v for k, v in os.environ.items() if k not in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    env["OMP_WAIT_POLICY"] = "PASSIVE"
    prints = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT, threads], env=env, capture_output=True, text=True, check=True
        ).stdout
        for threads in ("1", "2", "3")
    }
    assert len(prints) == 1
