"""What the pictures of how-a-sound-is-matched.md show: fits of the bundled sounds, and their parts.

No picture is drawn here. Everything is computed with one thread and fixed seeds, so it comes out the same again.
"""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soxr
import torch

import ddsp_match
from ddsp_match.analysis.analyse import analyse
from ddsp_match.analysis.crepe_network import crepe_network
from ddsp_match.analysis.noise_fit import noise_magnitudes, valley_magnitudes
from ddsp_match.analysis.pitch_grid import DecodedPitch, PitchGrid, decode
from ddsp_match.analysis.pitch_judge import JudgedPitch, judge
from ddsp_match.analysis.spectral_evidence import Spectrum, score_spectrum
from ddsp_match.config import build
from ddsp_match.core.audio import Audio, read
from ddsp_match.core.controls import Controls
from ddsp_match.core.settings import F0Settings, FitSettings
from ddsp_match.fitting.first_guess import Target
from ddsp_match.fitting.matching import match
from ddsp_match.synth.harmonic_noise import play
from ddsp_match.tasks.fit import FitResult

DATA = Path(__file__).resolve().parents[2] / "data"
STORY_SOUND = "violin-phrase"
PITCH_RATE, PITCH_HOP = 16_000, 160


def sound(name: str) -> Audio:
    """A bundled sound."""
    return read(DATA / f"{name}.flac")[0]


def fitted(audio: Audio, name: str, *overrides: str) -> FitResult:
    """A fit with the defaults of ``conf/`` but for the overrides, on one thread."""
    return ddsp_match.fit(audio, settings=build([*overrides, "threads=1"]), name=name)


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
        partials: Amplitudes, ``(partials, frames)``.
        residual: The sound without them.
        residual_of_harmonics: The sound without its harmonics, where they alone explain it.
        left_over: Noise gains that the residual asks for, ``(bands, frames)``.
        valleys: Noise gains that the valleys between the harmonics ask for.
        noise: The noise gains the fit starts from.
    """

    partials: np.ndarray
    residual: np.ndarray
    residual_of_harmonics: np.ndarray
    left_over: np.ndarray
    valleys: np.ndarray
    noise: np.ndarray


def first_guess(result: FitResult) -> FirstGuess:
    """The first guess of a fit, made again for the f0 it settled on."""
    timebase, controls = result.timebase, _started(result, result.settings)
    target = torch.from_numpy(result.target.samples)
    amplitudes, residual = controls.partial_amplitudes, target - _played(result, controls)
    alone = replace(result.settings, synth=replace(result.settings.synth, divisions=1))
    of_harmonics = target - _played(result, _started(result, alone))
    left_over = noise_magnitudes(residual, timebase, controls.n_frames, controls.n_bands)
    valleys = valley_magnitudes(target, controls.f0_hz, timebase, controls.n_bands)
    parts = (amplitudes, residual, of_harmonics, left_over, valleys, controls.noise)
    return FirstGuess(*(part[0].numpy() for part in parts))


def _started(result: FitResult, settings: FitSettings) -> Controls:
    """The controls that a fit along a known f0 starts from: those of one that is stopped at once."""
    settings = replace(settings, f0=replace(settings.f0, refine=False))
    target = torch.from_numpy(result.target.samples)
    (started,) = match([Target(target, result.controls.f0_hz)], result.timebase, settings, stop=lambda: True)
    return started.controls


def _played(result: FitResult, controls: Controls) -> torch.Tensor:
    return play(controls, result.timebase, result.patch.n_samples, result.patch.noise_seed).harmonic


def harmonics_of(controls: Controls) -> np.ndarray:
    """The amplitudes of the harmonics proper, without the partials between them, ``(harmonics, frames)``."""
    return controls.partial_amplitudes[0, controls.divisions - 1 :: controls.divisions].numpy()


def transposed(result: FitResult, semitones: float) -> tuple[Controls, np.ndarray]:
    """A patch played higher or lower: f0 times a ratio, everything else as it was, silent from Nyquist up.

    Returns:
        The new controls, and what they play, ``(samples,)``.
    """
    old, timebase = result.patch.controls, result.timebase
    f0_hz = old.f0_hz * 2 ** (semitones / 12)
    k = torch.arange(1, old.n_partials + 1).view(1, -1, 1)
    audible = old.partial_amplitudes * (f0_hz.unsqueeze(1) * k / old.divisions < timebase.nyquist_hz)
    amplitude = audible.sum(1)
    shares = audible / amplitude.unsqueeze(1).clamp(min=1e-9)
    new = replace(old, f0_hz=f0_hz, amplitude=amplitude, distribution=shares)
    stems = play(new, timebase, result.patch.n_samples, result.patch.noise_seed)
    return new, stems.mix[0].numpy()


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
