"""What the pictures of how-a-sound-is-matched.md show: fits of the bundled sounds, and their parts.

No picture is drawn here. Everything is computed with one thread and fixed seeds, so it comes out the same again.
"""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import torch

import ddsp_match
from ddsp_match.analysis.analyse import analyse
from ddsp_match.analysis.crepe_network import crepe_network
from ddsp_match.analysis.noise_fit import noise_magnitudes
from ddsp_match.analysis.pitch_grid import DecodedPitch, PitchGrid, decode
from ddsp_match.analysis.pitch_judge import JudgedPitch, judge
from ddsp_match.analysis.spectral_evidence import Spectrum, score_spectrum
from ddsp_match.config import build
from ddsp_match.core.audio import Audio, read
from ddsp_match.core.controls import Controls
from ddsp_match.core.settings import F0Settings
from ddsp_match.fitting.first_guess import FirstGuess as Guess
from ddsp_match.fitting.first_guess import Target
from ddsp_match.losses.spectral import MultiResolutionSTFT, sizes_for
from ddsp_match.losses.total import SteadyMelDistance
from ddsp_match.models.frame_plan import Plan
from ddsp_match.models.registry import settled
from ddsp_match.synth.harmonic_noise import play
from ddsp_match.tasks.fit import FitResult

DATA = Path(__file__).resolve().parents[2] / "data"
STORY_SOUND = "violin-phrase"
PITCH_RATE, PITCH_HOP = 16_000, 160


def sound(name: str) -> Audio:
    """A bundled sound."""
    return read(DATA / f"{name}.flac")[0]


def fitted(audio: Audio, name: str, *overrides: str, **options: Any) -> FitResult:
    """A fit with the defaults of ``conf/`` but for the overrides, on one thread; the options are those of ``fit``."""
    return ddsp_match.fit(audio, settings=build([*overrides, "threads=1"]), name=name, **options)


def sped_up(audio: Audio, factor: int) -> Audio:
    """A sound played so many times too fast, at its own rate."""
    fast = soxr.resample(audio.samples.T, factor * audio.sample_rate, audio.sample_rate).T
    return Audio(np.ascontiguousarray(fast, dtype=np.float32), audio.sample_rate)


def mixed(*sounds: Audio) -> Audio:
    """The mean of sounds of one rate, as long as the shortest."""
    n = min(one.n_samples for one in sounds)
    return Audio(sum(one.samples[:, :n] for one in sounds) / len(sounds), sounds[0].sample_rate)


@dataclass(frozen=True)
class PitchEvidence:
    """Evidence of the network and of the spectrum for the pitch of a sound, and the judged pitch.

    Attributes:
        grid: The pitches that were considered.
        activations: The network's, ``(frames, pitches)``.
        own: The network's pitch by itself.
        spectrum: Evidence of the spectrum.
        judged: What was decided.
    """

    grid: PitchGrid
    activations: np.ndarray
    own: DecodedPitch
    spectrum: Spectrum
    judged: JudgedPitch


def pitch_evidence(audio: Audio) -> PitchEvidence:
    """The stages of pitch tracking one by one, before refinement."""
    samples = audio.mono()
    samples = samples - samples.mean()
    if audio.sample_rate != PITCH_RATE:
        samples = soxr.resample(samples, audio.sample_rate, PITCH_RATE)
    samples = np.ascontiguousarray(samples, dtype=np.float32)
    settings = F0Settings()
    grid = PitchGrid.between(settings.min_hz, settings.max_hz)
    activations = grid.place(crepe_network("full").activations(torch.from_numpy(samples), None).numpy())
    spectrum = score_spectrum(samples, PITCH_RATE, PITCH_HOP, len(activations), grid)
    own = decode(activations, grid.first_bin)
    return PitchEvidence(grid, activations, own, spectrum, judge(activations, spectrum, grid))


@dataclass(frozen=True)
class FirstGuess:
    """The parts of a first guess, of the first channel.

    Attributes:
        partials: Amplitudes of the partials without the noise that they took along, ``(partials, frames)``.
        residual: The sound without them.
        left_over: Noise gains that the residual asks for, ``(bands, frames)``.
        noise: The noise gains the frames are made of: what lies between the harmonics.
        plan: The curves that knots are looked for in.
    """

    partials: np.ndarray
    residual: np.ndarray
    left_over: np.ndarray
    noise: np.ndarray
    plan: Plan


def first_guess(result: FitResult) -> FirstGuess:
    """The first guess of a fit, made again for the f0 it settled on, before any number is left out."""
    timebase, settings = result.timebase, settled(result.settings)
    settings = replace(settings, f0=replace(settings.f0, refine=False))
    target = torch.from_numpy(result.target.samples)
    target = target - target.mean(1, keepdim=True)
    (controls,) = Guess(Target(target, result.controls.f0_hz), timebase, settings).run()[1]
    stems = play(controls, timebase, result.patch.n_samples, result.patch.noise_seed)
    residual = target - stems.harmonic
    left_over = noise_magnitudes(residual, timebase, controls.n_frames, controls.n_bands)
    parts = (controls.partial_amplitudes, residual, left_over, controls.noise)
    return FirstGuess(*(part[0].numpy() for part in parts), Plan(controls, timebase))


@dataclass(frozen=True)
class Mixture:
    """A made tone, the noise that was mixed with it, and both together."""

    tone: np.ndarray
    noise: np.ndarray
    sound: Audio


def made_mixture(level_db: float, *, rate: int = 16_000, seconds: float = 3.0, f0_hz: float = 220.0) -> Mixture:
    """A tone with vibrato, and noise with a resonance that swells and fades, at a level below the tone's."""
    rng, t = np.random.default_rng(7), np.arange(round(rate * seconds)) / rate
    edges = np.minimum(np.clip(t / 0.05, 0, 1), np.clip((seconds - t) / 0.1, 0, 1))
    cycles = np.cumsum(f0_hz * 2 ** (np.sin(2 * np.pi * 5 * t) * np.clip(t - 0.5, 0, 1) / 60)) / rate
    count = int(0.95 * rate / 2 / f0_hz)
    tone = edges * sum(np.cos(2 * np.pi * (k * cycles + rng.random())) / k**1.5 for k in range(1, count + 1))
    hz = np.fft.rfftfreq(len(t), 1 / rate)
    shape = 10 ** (0.9 * np.exp(-((np.log2(np.maximum(hz, 20.0) / 2500) / 0.6) ** 2)))
    noise = edges * np.fft.irfft(np.fft.rfft(rng.standard_normal(len(t))) * shape, len(t))
    noise *= 10 ** (0.3 * np.sin(2 * np.pi * 0.7 * t))
    noise *= 10 ** (level_db / 20) * np.sqrt(np.square(tone).mean() / np.square(noise).mean())
    gain = 0.5 / np.abs(tone + noise).max()
    sound = Audio((gain * (tone + noise)).astype(np.float32)[None], rate)
    return Mixture((gain * tone).astype(np.float32), (gain * noise).astype(np.float32), sound)


def draws_apart(rate: int) -> dict[str, np.ndarray]:
    """How far one draw of white noise is from another, over the gain of the other: as magnitudes, as mean powers."""
    rng, gains_db = np.random.default_rng(3), np.arange(-8, 8.1, 0.5)
    target, other = (torch.from_numpy(rng.standard_normal((1, 2 * rate)).astype(np.float32)) for _ in range(2))
    steady = SteadyMelDistance(target, rate)
    magnitudes = MultiResolutionSTFT(target, sizes_for(rate), linear=1.0, log=1.0, convergence=0.0)
    louder = [other * 10 ** (float(gain) / 20) for gain in gains_db]
    by = {"magnitudes": magnitudes, "steady": steady}
    return {"gains_db": gains_db} | {name: np.array([float(loss(x)) for x in louder]) for name, loss in by.items()}


def harmonics_of(controls: Controls) -> np.ndarray:
    """The amplitudes of the harmonics proper, without the partials between them, ``(harmonics, frames)``."""
    return controls.partial_amplitudes[0, controls.divisions - 1 :: controls.divisions].numpy()


def transposed(result: FitResult, semitones: float) -> tuple[Controls, np.ndarray]:
    """A patch played higher or lower, as ``edit --transpose`` does it.

    Returns:
        The new controls, and what they play, ``(samples,)``.
    """
    patch = (
        ddsp_match.edit(result.patch, [{"edit": "transpose", "semitones": semitones}]) if semitones else result.patch
    )
    return patch.controls, ddsp_match.render(patch).samples[0]


def cents_off(samples: np.ndarray, result: FitResult, controls: Controls) -> float:
    """Median distance in cents of what the pitch tracker hears from what was meant to be played."""
    features, _ = analyse(Audio(samples[None], result.target.sample_rate), result.timebase, F0Settings())
    voiced = features.voiced[0] & result.features.voiced[0]
    cents = 1200 * torch.log2(features.f0_hz[0] / controls.f0_hz[0])
    return float(cents[voiced].abs().median())


def patch_bytes(result: FitResult) -> int:
    """The size of a fit's patch as a file."""
    with tempfile.TemporaryDirectory() as folder:
        return result.patch.save(Path(folder) / "story.patch.safetensors")


def level_db(samples: np.ndarray) -> float:
    """Root mean square in dB below full scale."""
    return 10 * math.log10(float(np.square(samples, dtype=np.float64).mean()) + 1e-20)
