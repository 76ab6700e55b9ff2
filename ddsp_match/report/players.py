"""Sounds as text in the page: compressed in memory, at a size a browser can open."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import soundfile
import soxr

from ddsp_match.core.audio import Audio
from ddsp_match.report.level import gains_db, loudness_lufs

# Up to here a player holds the very samples (FLAC, 16 bit): two minutes of mono at 16 kHz, 22 s of stereo
# at 44.1 kHz. Beyond, four players of ten minutes would weigh 300 MB as text; MP3 plays in every browser.
LOSSLESS_SAMPLES = 2_000_000
LONG_RATE_HZ = 24_000
_MP3_RATES_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000)

_LABELS = {"target": "Target", "match": "Match", "harmonic": "Harmonic stem", "noise": "Noise stem"}


@dataclass(frozen=True)
class Player:
    """One sound of the page.

    Attributes:
        name: Key of the sound: ``target``, ``match``, ``harmonic``, …
        label: What its button says.
        encoded: The compressed sound in base64; empty for the difference, which the page works out itself.
        sample_rate: Of the compressed sound, in Hz.
        unscale: Factor that gives back the level it had before it was scaled for storage.
        gain_db: Gain that makes it as loud as the target.
        loudness_lufs: Its own loudness.
    """

    name: str
    label: str
    encoded: str
    sample_rate: int
    unscale: float
    gain_db: float
    loudness_lufs: float


def storage_scale(samples: np.ndarray) -> float:
    """A power of two that brings the peak into (0.5, 1]: 16 bits are used well and stay the very same bits.

    Quiet stems are not lost in rounding, sounds above full scale do not clip.
    """
    peak = float(np.abs(samples).max(initial=0.0))
    if peak == 0:
        return 1.0
    return 2.0 ** min(-math.ceil(math.log2(peak)), 16)


def _encode(audio: Audio, lossless: bool) -> tuple[bytes, int, float]:
    """The sound as a file in memory, its sample rate, and the factor by which it was scaled."""
    samples, rate = audio.samples, audio.sample_rate
    if not lossless:
        samples = audio.mono()[None]
        if rate not in _MP3_RATES_HZ:
            samples, rate = soxr.resample(samples.T, rate, LONG_RATE_HZ).T, LONG_RATE_HZ
    scale = storage_scale(samples)
    # At exactly full scale the largest 16-bit number is one step short.
    scaled = np.clip(samples.T * scale, -1.0, 1.0 - 2.0**-15)
    kind, subtype = ("FLAC", "PCM_16") if lossless else ("MP3", "MPEG_LAYER_III")
    file = io.BytesIO()
    soundfile.write(file, scaled, rate, format=kind, subtype=subtype)
    return file.getvalue(), rate, scale


def _as_long(audio: Audio, n_samples: int) -> Audio:
    """The sound cut or padded with silence: players must loop at the same point to stay together."""
    samples = audio.samples[:, :n_samples]
    missing = n_samples - samples.shape[1]
    return (
        Audio(np.pad(samples, ((0, 0), (0, missing))), audio.sample_rate)
        if missing
        else Audio(samples, audio.sample_rate)
    )


def players(target: Audio, match: Audio, stems: Mapping[str, Audio]) -> list[Player]:
    """The players of a page in the order of their buttons: target, match, the stems, the difference.

    Args:
        target: The sound that was given.
        match: The rendering of the fit.
        stems: Its parts by name.

    Returns:
        One player a sound. The difference is left out of long sounds, whose compression would be heard in it.
    """
    stored = {"target": target, "match": match, **stems}
    stored = {name: _as_long(audio, target.n_samples) for name, audio in stored.items()}
    lossless = is_lossless(target)
    sounds = dict(stored)
    if lossless and target.samples.shape == stored["match"].samples.shape:
        sounds["difference"] = Audio(target.samples - stored["match"].samples, target.sample_rate)
    loudness = {name: loudness_lufs(audio) for name, audio in sounds.items()}
    gains = gains_db(sounds, loudness)
    made = []
    for name, audio in sounds.items():
        file, rate, scale = _encode(audio, lossless) if name in stored else (b"", audio.sample_rate, 1.0)
        made.append(
            Player(
                name=name,
                label=_LABELS.get(name, name.replace("_", " ").capitalize()),
                encoded=base64.b64encode(file).decode("ascii"),
                sample_rate=rate,
                unscale=1 / scale,
                gain_db=gains[name],
                loudness_lufs=loudness[name],
            )
        )
    return made


def is_lossless(target: Audio) -> bool:
    """Tell whether the players hold a sound of this size without loss."""
    return target.samples.size <= LOSSLESS_SAMPLES


def format_words(target: Audio) -> str:
    """Describe the fidelity of its players."""
    if is_lossless(target):
        return "The players hold the sounds without loss, in 16 bits."
    return (
        f"This sound is long ({target.seconds:.0f} s), so the players hold it as mono MP3 at no more than "
        f"{LONG_RATE_HZ // 1000} kHz: listen to the WAV files beside this page for full quality."
    )
