"""Sounds through racks and patches: whole or in blocks, at any rate, mono or stereo."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
import torch

from ddsp_match.core import audio
from ddsp_match.core.audio import Audio
from ddsp_match.core.errors import ConfigError, OutputError, PatchError, SoundError
from ddsp_match.core.params import Parameter
from ddsp_match.effects.chain import Serial
from ddsp_match.effects.processor import Processor
from ddsp_match.effects.rack import Rack
from ddsp_match.patch import EffectsPatch
from ddsp_match.patch.playing import through
from ddsp_match.tasks.process import process
from tests.compare import assert_close

HALF_DB = 20 * np.log10(0.5)


class Echo(Processor):
    """One echo, 24 samples late, whatever the rate: the shortest effect that depends on it and has memory."""

    rate_bound = True

    @property
    def knobs(self):
        return (Parameter("level", "of the echo", 0.0, 0.0, 1.0),)

    def process(self, audio, knobs, sample_rate):
        return audio + knobs["level"] * torch.nn.functional.pad(audio, (24, 0))[..., :-24]

    def stream(self, knobs, sample_rate, channels):
        return _EchoStream(float(knobs["level"]), channels)


class _EchoStream:
    """Says it is 5 samples late, and is, to see that latency is taken off."""

    latency = 5

    def __init__(self, level, channels):
        self.level, self.late = level, deque([np.zeros(channels)] * 29)

    def __call__(self, block):
        out = np.empty_like(block)
        for n in range(block.shape[1]):
            self.late.append(block[:, n])
            out[:, n] = self.late[24] + self.level * self.late.popleft()
        return out


def tone(seconds: float = 0.3, rate: int = 48_000, channels: int = 2) -> Audio:
    time_s = np.arange(round(seconds * rate)) / rate
    rows = [0.2 * np.sin(2 * np.pi * 1000 * (channel + 1) * time_s) for channel in range(channels)]
    return Audio(np.stack(rows).astype(np.float32), rate)


def echo(rate: int = 24_000) -> Rack:
    return Rack.of(Serial((Echo(),)), rate, {"chain.level": 0.5})


def test_effects_that_follow_the_rate_are_played_at_the_sound_s_own():
    notes = []
    heard = through(Rack.of(["gain"], 8000, {"gain.gain_db": HALF_DB}, polarity=-1.0), tone(), on_note=notes.append)
    assert heard.sample_rate == 48_000 and notes == []
    assert_close(heard.samples, -0.5 * tone().samples, 1e-7)


@pytest.mark.parametrize("block", [None, 1000])
def test_effects_that_are_bound_to_a_rate_are_played_at_theirs(block):
    notes = []
    heard = through(echo(24_000), tone(), block=block, on_note=notes.append)
    assert heard.sample_rate == 48_000 and heard.samples.shape == tone().samples.shape
    assert len(notes) == 1 and "belong to 24000 Hz: the sound was resampled from 48000 Hz" in notes[0]
    late = np.pad(tone().samples, ((0, 0), (48, 0)))[:, :-48]  # 1 ms, as at 24 kHz
    middle = slice(1000, -1000)
    assert_close(heard.samples[:, middle], (tone().samples + 0.5 * late)[:, middle], 1e-3)


@pytest.mark.parametrize("rate", [44_100, 11_025, 8000])
def test_length_survives_rates_that_do_not_divide(rate):
    sound = Audio(tone(0.3, rate).samples[:, :-7], rate)
    assert through(echo(24_000), sound).samples.shape == sound.samples.shape


@pytest.mark.parametrize("block", [1, 7, 64, 10**6])
@pytest.mark.parametrize("channels", [1, 2])
def test_blocks_are_those_of_the_rack(block, channels):
    sound = tone(0.11, 24_000, channels)
    expected = echo().process_in_blocks(sound.samples, 24_000, block).astype(np.float32)
    assert_close(process(sound, echo(), block=block).samples, expected, 0.0)


@pytest.mark.parametrize("block", [1, 7, 64, 10**6])
@pytest.mark.parametrize("channels", [1, 2])
def test_blocks_are_the_whole(block, channels):
    sound = tone(0.11, 24_000, channels)
    whole = process(sound, [echo(), echo()])
    assert_close(process(sound, [echo(), echo()], block=block).samples, whole.samples, 1e-6)
    assert_close(whole.samples[:, :24], sound.samples[:, :24], 0.0)


class InBlocksOnly(Echo):
    def process(self, audio, knobs, sample_rate):
        raise AssertionError("a long sound is not played whole")


def test_a_long_sound_is_played_in_blocks_unasked():
    rack = Rack.of(Serial((InBlocksOnly(),)), 8000, {"chain.level": 0.5})
    assert process(tone(21, 8000), rack).n_samples == 21 * 8000
    with pytest.raises(AssertionError, match="not played whole"):
        process(tone(1, 8000), rack)


def test_files_in_and_out(tmp_path):
    audio.write(tmp_path / "in.wav", tone())
    EffectsPatch(Rack.of(["gain"], 8000, {"gain.gain_db": HALF_DB})).save(tmp_path / "half.patch.safetensors")
    patches = [tmp_path / "half.patch.safetensors", str(tmp_path / "half.patch.safetensors")]
    heard = process(tmp_path / "in.wav", patches, out=tmp_path / "out.wav")
    assert_close(heard.samples, 0.25 * tone().samples, 1e-7)
    written, _ = audio.read(tmp_path / "out.wav")
    assert written.sample_rate == 48_000
    assert_close(written.samples, heard.samples, 0.0)
    with pytest.raises(OutputError, match=r"out\.wav: found a file of that name.*force=True"):
        process(tmp_path / "in.wav", patches, out=tmp_path / "out.wav")
    process(tmp_path / "in.wav", patches[0], out=tmp_path / "out.wav", force=True)
    assert_close(audio.read(tmp_path / "out.wav")[0].samples, 0.5 * tone().samples, 1e-7)


def test_clipping_in_whole_numbers_is_said(tmp_path):
    notes = []
    loud = Rack.of(["gain"], 8000, {"gain.gain_db": 20.0})
    process(tone(), loud, out=tmp_path / "a.wav", subtype="FLOAT", on_note=notes.append)
    assert len(notes) == 1 and "are kept (peak +6.0 dB, 2)" in notes.pop()
    process(tone(), loud, out=tmp_path / "b.wav", subtype="PCM_16", on_note=notes.append)
    assert len(notes) == 1 and "samples above full scale were clipped" in notes[0]


def test_what_cannot_be_processed_is_refused(tmp_path):
    with pytest.raises(SoundError, match="no such file"):
        process(tmp_path / "none.wav", echo())
    with pytest.raises(PatchError, match="no such file"):
        process(tone(), tmp_path / "none.patch.safetensors")
    with pytest.raises(ConfigError, match=r"^block: found 0"):
        process(tone(), echo(), block=0)
    with pytest.raises(SoundError, match="NaN"):
        process(np.full((1, 8000), np.nan), echo(), 16_000)
