"""Playing levels: gains that make sounds equally loud, so that the louder one does not seem the better."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from ddsp_match.core.audio import Audio

SILENCE_LUFS = -100.0
# A faint stem is raised no further than this, or its rounding noise would be all one hears.
MAX_GAIN_DB = 24.0
_BLOCK = 4096
_HEADROOM = 0.98


def _k_weight(frequency_hz: np.ndarray) -> np.ndarray:
    """Power response of the K weighting of ITU-R BS.1770, from its analogue prototypes."""
    shelf_s = 1j * frequency_hz / 1681.974
    gain, q = 10 ** (4.0 / 20), 0.7071752
    shelf = (gain * shelf_s**2 + gain**0.4996668 * shelf_s / q + 1) / (shelf_s**2 + shelf_s / q + 1)
    pass_s = 1j * frequency_hz / 38.13547
    high_pass = pass_s**2 / (pass_s**2 + pass_s / 0.5003270 + 1)
    return np.abs(shelf * high_pass) ** 2


def loudness_lufs(audio: Audio) -> float:
    """K-weighted loudness of a whole sound (BS.1770 without gating).

    Gating is left out because only differences between versions of one sound are wanted, whose pauses agree.

    Args:
        audio: The sound.

    Returns:
        Loudness in LUFS, at least `SILENCE_LUFS`.
    """
    n_blocks = -(-audio.n_samples // _BLOCK)
    weight = _k_weight(np.fft.rfftfreq(_BLOCK, 1 / audio.sample_rate))
    weight[1:-1] *= 2  # each of these bins stands for a conjugate pair
    energy = 0.0
    for channel in audio.samples:
        for first in range(0, n_blocks, 256):  # a quarter of a million samples at once: memory stays bounded
            part = channel[first * _BLOCK : (first + 256) * _BLOCK]
            part = np.pad(part, (0, -len(part) % _BLOCK)).reshape(-1, _BLOCK)
            energy += float((np.abs(np.fft.rfft(part)) ** 2 @ weight).sum()) / _BLOCK
    mean_square = energy / max(audio.n_samples, 1)
    return max(SILENCE_LUFS, float(-0.691 + 10 * np.log10(max(mean_square, 1e-12))))


def gains_db(
    sounds: Mapping[str, Audio],
    loudness: Mapping[str, float],
    reference: str = "target",
    versions: Collection[str] = ("match",),
) -> dict[str, float]:
    """The gain for each sound that makes it as loud as the reference without clipping.

    The reference and its versions stay exactly level: where one of them would clip, all are turned down.
    Other sounds are only held back on their own. Silent sounds get 0 dB.

    Args:
        sounds: Sounds by name.
        loudness: Their loudness in LUFS by name, from `loudness_lufs`.
        reference: The name of the one whose level the others take.
        versions: Names of those that are compared with it.

    Returns:
        Gain in dB by name.
    """
    wanted_lufs = loudness[reference]
    level = [name for name in (reference, *versions) if name in sounds]
    gains, rooms = {}, {}
    for name, audio in sounds.items():
        silent = min(loudness[name], wanted_lufs) <= SILENCE_LUFS
        gain = 0.0 if silent else wanted_lufs - loudness[name]
        gains[name] = gain if name in level else min(gain, MAX_GAIN_DB)
        peak = float(np.abs(audio.samples).max(initial=0.0))
        rooms[name] = 20 * np.log10(_HEADROOM / peak) if peak > 0 else np.inf
    lowered = min(0.0, *(rooms[name] - gains[name] for name in level))
    return {name: float(min(gain + lowered, rooms[name])) for name, gain in gains.items()}
