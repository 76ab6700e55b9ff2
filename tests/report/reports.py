"""The result of a fit made of closed forms: a harmonic tone with a little noise."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch

from ddsp_match.core.audio import Audio
from ddsp_match.core.controls import Controls
from ddsp_match.core.features import Features
from ddsp_match.core.settings import FitSettings
from ddsp_match.core.timebase import Timebase
from ddsp_match.fitting.optimise import StopReason, Trace
from ddsp_match.fitting.result import FitResult
from ddsp_match.fitting.verdict import judge
from ddsp_match.models.frame_plan import compacted
from ddsp_match.patch import Patch

METRICS = {
    "mrstft": 0.21,
    "mel_db": 0.62,
    "lsd_db": 4.2,
    "snr_db": 17.3,
    "loudness_l1_db": 0.4,
    "harmonic_share": 0.95,
    "noise_share": 0.05,
    "unexplained_share": 0.02,
    "voiced_share": 0.94,
    "doubt_share": 0.06,
}
PATCH_FILE = ("a tone.patch.safetensors", 41_200)


def fit_result(
    seconds: float = 2.0,
    sample_rate: int = 16_000,
    channels: int = 1,
    f0_hz: float = 110.0,
    n_harmonics: int = 24,
    n_bands: int = 65,
    title: str = "a tone.wav",
    pitched: bool = True,
    bare: bool = False,
    timbre: bool = False,
) -> FitResult:
    """A gliding tone with vibrato whose match is a little softer.

    Args:
        seconds: Length of the sound.
        sample_rate: In Hz.
        channels: Channels of every sound.
        f0_hz: Pitch at the start; it glides up by a whole tone.
        n_harmonics: Harmonics of the tone.
        n_bands: Noise bands of the controls.
        title: Name of the sound.
        pitched: Whether any frame is voiced.
        bare: Whether to leave out all that a result can lack.
        timbre: Whether the patch holds timbre frames.

    Returns:
        The result.
    """
    timebase = Timebase.at(sample_rate)
    n = round(seconds * sample_rate)
    n_frames = timebase.frames(n)
    frame_s = np.arange(n_frames) / timebase.frame_rate
    track_hz = f0_hz * 2 ** (frame_s / seconds / 6 + 0.02 * np.sin(2 * np.pi * 5 * frame_s))
    time_s = np.arange(n) / sample_rate
    phase = 2 * np.pi * np.cumsum(np.interp(time_s, frame_s, track_hz)) / sample_rate
    number = np.arange(1, n_harmonics + 1)
    level = np.minimum(frame_s / 0.05, 1) * np.exp(-1.2 * frame_s / seconds)
    share = number[:, None] ** -(1 + frame_s / seconds)[None]
    share = share / share.sum(0)
    harmonic = sum(
        np.interp(time_s, frame_s, 0.5 * level * share[k - 1]) * np.sin(k * phase)
        for k in number
        if k * f0_hz * 1.2 < sample_rate / 2
    )
    noise = np.random.default_rng(0).normal(0, 0.004, n)
    voiced = (level > 0.2) & pitched
    doubt = (np.abs(frame_s - 0.7 * seconds) < 0.03 * seconds) & pitched

    def sound(samples: np.ndarray) -> Audio:
        return Audio(
            np.stack([samples * (1 - 0.3 * c) for c in range(channels)]).astype(np.float32), sample_rate
        )

    def frames(values: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(np.stack([values] * channels)).float()

    bands = 0.02 * np.exp(-np.linspace(0, 4, n_bands))[:, None] * (0.3 + level)[None]
    features = Features(
        f0_hz=frames(track_hz),
        periodicity=frames(np.clip(0.2 + 0.8 * voiced - 0.4 * doubt, 0, 1)),
        loudness_db=frames(20 * np.log10(0.5 * level + 1e-4)),
        voiced=frames(voiced).bool(),
        doubt=frames(doubt).bool(),
    )
    controls = Controls(
        f0_hz=frames(track_hz),
        amplitude=frames(0.5 * level * pitched),
        distribution=frames(share),
        noise=frames(bands),
        phases=frames(np.zeros_like(share)),
    )
    steps = list(range(200))
    loss = [0.2 + 1.4 * math.exp(-step / 30) + 0.02 * math.sin(step) for step in steps]
    stored = compacted(controls, timebase) if timbre else None
    given = {"noise_seed": 0, "phase": "tracked", "pitched": pitched, "pitch_hz": f0_hz}
    patch = Patch.of(controls, timebase, n, **given, frames=stored)
    result = FitResult(
        target=sound(harmonic + noise),
        match=sound(0.8 * harmonic + 0.9 * noise),
        stems={"harmonic": sound(0.8 * harmonic), "noise": sound(0.9 * noise)},
        features=features,
        controls=controls,
        patch=patch,
        trace=Trace(steps, loss, np.minimum.accumulate(loss).tolist(), reason=StopReason.PLATEAU),
        metrics=METRICS,
        verdict=judge(METRICS, pitched=pitched, pitch_hz=f0_hz, settings={"synth": {"phase": "zero"}}),
        notes=["f0 was lowered by an octave in 12 frames."],
        settings=FitSettings(),
        seconds={"read": 0.02, "f0": 1.31, "first guess": 0.2, "optimise": 2.4, "write": 0.3},
        pitched=pitched,
        name=title,
        command="ddsp-match fit 'a tone.wav' synth.n_harmonics=24 seed=3",
    )
    if bare:
        return replace(result, notes=[], seconds={}, trace=Trace(), metrics={}, stems={})
    return result
