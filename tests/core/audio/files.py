"""Sound files that tests are made of: the formats, how one is stored, and how one is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from ddsp_match.core.audio import Audio, read
from ddsp_match.core.errors import SoundError

Tone = Callable[..., Audio]

# Suffix, libsndfile's format and subtype, and the largest error that the word length explains.
STORED = [
    *(("wav", "WAV", subtype, error) for subtype, error in
      [("PCM_U8", 2**-7), ("PCM_16", 2**-15), ("PCM_24", 2**-23), ("PCM_32", 1e-7),
       ("FLOAT", 0), ("DOUBLE", 0), ("ULAW", 0.02), ("ALAW", 0.02)]),
    ("wav", "WAVEX", "PCM_24", 2**-23),
    ("rf64", "RF64", "PCM_16", 2**-15),
    ("w64", "W64", "FLOAT", 0),
    *(("flac", "FLAC", subtype, error) for subtype, error in
      [("PCM_S8", 2**-7), ("PCM_16", 2**-15), ("PCM_24", 2**-23)]),
    ("aiff", "AIFF", "PCM_16", 2**-15),
    ("aiff", "AIFF", "FLOAT", 0),
    ("caf", "CAF", "PCM_24", 2**-23),
    ("caf", "CAF", "ALAC_16", 2**-15),
    ("au", "AU", "PCM_16", 2**-15),
]  # fmt: skip
LOSSY = [("ogg", "OGG", "VORBIS"), ("ogg", "OGG", "OPUS"), ("mp3", "MP3", "MPEG_LAYER_III")]


def store(path: Path, audio: Audio, kind: str, subtype: str) -> bytes:
    """Writes the sound by soundfile itself, and returns the file's bytes."""
    soundfile.write(path, audio.samples.T, audio.sample_rate, format=kind, subtype=subtype)
    return path.read_bytes()


def refusal(path: Path) -> str:
    """The message with which a file is refused; it names the file and says what was found and is needed."""
    with pytest.raises(SoundError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: found ")
    assert "needed: " in message
    assert caught.value.exit_code == 2
    return message
