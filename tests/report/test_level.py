"""Equal loudness: what the players' gains promise."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_match.core.audio import Audio
from ddsp_match.report.level import MAX_GAIN_DB, SILENCE_LUFS, gains_db, loudness_lufs


def sine(hz: float, amplitude: float = 0.1, sample_rate: int = 48_000, seconds: float = 1.0) -> Audio:
    """A mono sine."""
    time_s = np.arange(round(seconds * sample_rate)) / sample_rate
    return Audio((amplitude * np.sin(2 * np.pi * hz * time_s))[None].astype(np.float32), sample_rate)


def gains(**sounds: Audio) -> dict[str, float]:
    """Gains of sounds by name."""
    return gains_db(sounds, {name: loudness_lufs(audio) for name, audio in sounds.items()})


def scaled(audio: Audio, gain_db: float) -> Audio:
    """The sound after a gain."""
    return Audio(audio.samples * np.float32(10 ** (gain_db / 20)), audio.sample_rate)


@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 44_100, 48_000])
def test_a_full_scale_sine_at_997_hz_has_the_loudness_of_the_standard(sample_rate: int) -> None:
    """ITU-R BS.1770: 0 dBFS at 997 Hz in one channel reads -3.01 LUFS, at any rate."""
    assert loudness_lufs(sine(997, 1.0, sample_rate)) == pytest.approx(-3.01, abs=0.1)


def test_the_weighting_hears_bass_less_and_treble_more() -> None:
    """K weighting: 30 Hz well below 1 kHz, 8 kHz about 3.3 dB above."""
    middle = loudness_lufs(sine(997))
    assert loudness_lufs(sine(30)) < middle - 4
    assert loudness_lufs(sine(8_000)) == pytest.approx(middle + 3.3, abs=0.3)


def test_gains_make_sounds_equally_loud() -> None:
    """After its gain each sound reads what the target reads, pitch and level apart."""
    sounds = {"target": sine(440, 0.1), "match": sine(445, 0.06), "noise": sine(3_000, 0.02)}
    found = gains(**sounds)
    levels = [loudness_lufs(scaled(sounds[name], found[name])) for name in sounds]
    assert levels == pytest.approx([levels[0]] * 3, abs=0.02)
    assert found["target"] == 0.0


def test_nothing_clips_and_the_pair_stays_level() -> None:
    """A soft match with a high peak turns both down rather than be clipped or left softer."""
    clicks = sine(440, 0.02)
    clicks.samples[0, ::8_000] = 0.9
    sounds = {"target": sine(440, 0.9), "match": clicks}
    found = gains(**sounds)
    played = {name: scaled(audio, found[name]) for name, audio in sounds.items()}
    assert max(np.abs(audio.samples).max() for audio in played.values()) <= 0.99
    assert loudness_lufs(played["target"]) == pytest.approx(loudness_lufs(played["match"]), abs=0.02)
    assert found["target"] < -3


def test_faint_stems_are_raised_so_far_and_silence_not_at_all() -> None:
    """A stem 60 dB down gets the largest gain, a silent one none."""
    silence = Audio(np.zeros((1, 48_000), np.float32), 48_000)
    found = gains(target=sine(440, 0.5), match=sine(440, 0.5), noise=sine(440, 0.0005), harmonic=silence)
    assert found["noise"] == MAX_GAIN_DB
    assert found["harmonic"] == 0.0
    assert loudness_lufs(silence) == SILENCE_LUFS
