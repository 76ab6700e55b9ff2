"""What a user should know about a sound is noted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ddsp_match.core.audio import Audio, read
from tests.compare import assert_close
from tests.core.audio.files import Tone, store


def test_clipping_is_noted_with_its_share(tmp_path: Path, tone: Tone) -> None:
    samples = np.clip(tone(100, 1.0, amplitudes=(1.05,)).samples, -1, 1)
    share = np.mean(np.abs(samples) == 1)
    store(tmp_path / "a.wav", Audio(samples, 16000), "WAV", "PCM_16")
    note = f"the sound clips: {100 * share:.2g} % of its samples lie flat at full scale"
    assert read(tmp_path / "a.wav")[1] == [note]


def test_a_tone_that_only_touches_full_scale_does_not_clip(tmp_path: Path, tone: Tone) -> None:
    store(tmp_path / "a.wav", tone(441, 1.0, amplitudes=(1.0,)), "WAV", "PCM_16")
    back, notes = read(tmp_path / "a.wav")
    assert np.abs(back.samples).max() > 0.9999
    assert notes == []


def test_a_float_peak_above_full_scale_is_noted_and_kept(tmp_path: Path, tone: Tone) -> None:
    store(tmp_path / "a.wav", tone(amplitudes=(2.0,)), "WAV", "FLOAT")
    back, notes = read(tmp_path / "a.wav")
    assert notes == ["the sound peaks 6.0 dB above full scale"]
    assert_close(np.abs(back.samples).max(), 2.0, atol=1e-3)


@pytest.mark.parametrize(("offset", "noted"), [(0.05, True), (-0.05, True), (0.005, False)])
def test_a_dc_offset_is_noted(tmp_path: Path, tone: Tone, offset: float, noted: bool) -> None:
    store(tmp_path / "a.wav", Audio(tone().samples + np.float32(offset), 16000), "WAV", "PCM_16")
    assert read(tmp_path / "a.wav")[1] == (
        ["the sound has a DC offset of 5 % of full scale"] if noted else []
    )


def test_a_low_note_that_stops_anywhere_has_no_dc_offset(tmp_path: Path, tone: Tone) -> None:
    store(tmp_path / "a.wav", tone(41.2, 0.5123), "WAV", "PCM_16")
    assert read(tmp_path / "a.wav")[1] == []


def test_a_silent_channel_is_noted(tmp_path: Path, tone: Tone) -> None:
    samples = tone(channels=2).samples.copy()
    samples[1] = 0
    store(tmp_path / "a.wav", Audio(samples, 16000), "WAV", "PCM_16")
    assert read(tmp_path / "a.wav")[1] == ["channel 2 of 2 is silent"]
