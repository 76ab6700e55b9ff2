"""WAV files, read by hand and by libsndfile."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile

from ddsp_match.exports.wav_chunks import sampler_chunk, wav_bytes, wavetable_chunk
from tests.compare import assert_close

RATE = 44_100


def chunks_of(content: bytes) -> dict[bytes, bytes]:
    """The chunks of a WAV file, after checks that its lengths add up."""
    assert content[:4] == b"RIFF" and content[8:12] == b"WAVE"
    assert struct.unpack("<I", content[4:8])[0] == len(content) - 8
    found, at = {}, 12
    while at < len(content):
        size = struct.unpack("<I", content[at + 4 : at + 8])[0]
        found[content[at : at + 4]] = content[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    assert at == len(content)
    return found


def ramp(channels: int = 2, n: int = 7) -> np.ndarray:
    return np.linspace(-1, 0.9, channels * n).reshape(channels, n).astype(np.float32)


@pytest.mark.parametrize(("bits", "atol"), [(16, 0.51 / 2**15), (24, 0.51 / 2**23), (32, 1e-9)])
@pytest.mark.parametrize("channels", [1, 2])
def test_samples_come_back(bits, atol, channels):
    samples = ramp(channels)
    content = wav_bytes(samples, RATE, bits, [wavetable_chunk(2048)])
    read, rate = soundfile.read(io.BytesIO(content), dtype="float64", always_2d=True)
    assert rate == RATE
    assert_close(read.T, samples, atol)
    chunks_of(content)


def test_what_is_too_loud_is_clipped_and_does_not_wrap():
    read, _ = soundfile.read(io.BytesIO(wav_bytes(np.array([[2.0, -2.0]]), RATE, 24)))
    assert_close(read, [1.0, -1.0], 1e-6)


def test_the_sampler_chunk_says_key_and_loop():
    held = dict([sampler_chunk(48_000, 68.75, (100, 299))])[b"smpl"]
    fields = struct.unpack("<15I", held)
    assert fields[2] == 20_833  # nanoseconds
    assert fields[3] == 68 and fields[4] == round(0.75 * 2**32)
    assert fields[7] == 1 and fields[9:] == (0, 0, 100, 299, 0, 0)
    assert struct.unpack("<9I", sampler_chunk(48_000, 60.0)[1])[7] == 0


def test_the_wavetable_chunk_names_the_period():
    name, held = wavetable_chunk(2048)
    assert name == b"clm "
    assert held.startswith(b"<!>2048 ") and held[8:16].isdigit() and b" wavetable " in held


def test_a_width_that_nobody_reads_is_refused():
    with pytest.raises(ValueError, match="bits"):
        wav_bytes(ramp(), RATE, 20)
