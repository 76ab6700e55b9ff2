"""Players: the sounds in the page are the sounds of the fit."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
import soundfile

from ddsp_match.core.audio import Audio
from ddsp_match.report import players as room
from ddsp_match.report.players import Player, format_words, players, storage_scale
from tests.compare import assert_close
from tests.report.reports import fit_result


def samples_of(player: Player) -> np.ndarray:
    """What a browser decodes, at its original level: ``(channels, n)``."""
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(player.encoded)), always_2d=True)
    assert rate == player.sample_rate
    return samples.T * player.unscale


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("sample_rate", [8_000, 44_100, 48_000])
def test_short_sounds_are_kept_sample_by_sample(sample_rate: int, channels: int) -> None:
    """Every stored player decodes to its sound within one 16-bit step, channels and order kept."""
    data = fit_result(0.5, sample_rate, channels)
    made = players(data.target, data.match, data.stems)
    assert [player.name for player in made] == ["target", "match", "harmonic", "noise", "difference"]
    for player, audio in zip(made, [data.target, data.match, *data.stems.values()], strict=False):
        assert_close(samples_of(player), audio.samples, 2.0**-15)


def test_16_bit_sounds_keep_their_bits() -> None:
    """A target that came from a 16-bit file is embedded bit for bit, however soft."""
    steps = np.random.default_rng(0).integers(-300, 300, 4_000)
    audio = Audio((steps / 32_768)[None].astype(np.float32), 8_000)
    assert_close(samples_of(players(audio, audio, {})[0]), audio.samples, 0.0)


@pytest.mark.parametrize(
    ("peak", "scale"), [(1.0, 1.0), (0.51, 1.0), (0.5, 2.0), (0.1, 8.0), (3.0, 0.25), (0.0, 1.0)]
)
def test_storage_uses_the_bits_there_are(peak: float, scale: float) -> None:
    """The peak comes to lie between a half and one, by a power of two."""
    assert storage_scale(np.array([[peak, -peak / 2]])) == scale


def test_a_match_above_full_scale_is_not_clipped() -> None:
    """An amplitude of 2.5 survives storage."""
    loud = Audio((2.5 * np.sin(np.arange(800) / 5))[None].astype(np.float32), 8_000)
    soft = Audio(loud.samples / 5, 8_000)
    assert_close(samples_of(players(soft, loud, {})[1]), loud.samples, 4 * 2.0**-15)


def test_sounds_that_end_early_are_padded_to_loop_together() -> None:
    """A shorter match and a longer stem come out as long as the target."""
    target = Audio(np.full((1, 1_000), 0.5, np.float32), 8_000)
    short, long = Audio(target.samples[:, :700], 8_000), Audio(np.full((1, 1_300), 0.5, np.float32), 8_000)
    made = players(target, short, {"noise": long})
    assert [samples_of(player).shape for player in made[:3]] == [(1, 1_000)] * 3
    assert not samples_of(made[1])[:, 700:].any()


def test_long_sounds_are_made_small_and_the_page_says_so() -> None:
    """Above the bound: mono MP3 at a low rate, far below the size of the samples, without a difference."""
    time_s = np.arange(room.LOSSLESS_SAMPLES // 2 + 1) / 44_100
    target = Audio(np.stack([0.5 * np.sin(2 * np.pi * 220 * time_s)] * 2).astype(np.float32), 44_100)
    made = players(target, target, {"noise": target})
    assert [player.name for player in made] == ["target", "match", "noise"]
    for player in made:
        assert player.sample_rate == room.LONG_RATE_HZ
        assert len(player.encoded) < target.samples.size / 4
    decoded = samples_of(made[0])
    assert decoded.shape[0] == 1
    assert decoded.std() == pytest.approx(target.mono().std(), rel=0.05)
    assert "MP3" in format_words(target)
    assert "without loss" in format_words(fit_result(0.2).target)
