"""Read the names and headers of sound files, without decoding them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ddsp_match.core.audio import ffmpeg
from ddsp_match.core.audio.sound import MAX_FIT_RATE
from ddsp_match.core.files import encoded

# What `read` can open and people keep sounds in, by name; a file of another name is read where it is named itself.
SUFFIXES = frozenset(
    ".wav .wave .bwf .rf64 .w64 .flac .ogg .oga .opus .mp3 .aif .aiff .aifc .caf .au .snd".split()
)


def suffixes() -> frozenset[str]:
    """The suffixes of what `read` can open on this machine: those of ffmpeg are among them where it is installed."""
    return SUFFIXES | ffmpeg.SUFFIXES if ffmpeg.is_installed() else SUFFIXES


@dataclass(frozen=True, order=True)
class Header:
    """The form of a sound as its header has it.

    Attributes:
        sample_rate: In Hz, as it is fitted: at most 48 kHz.
        channels: Number of channels.
        n_samples: Samples a channel at that rate; 0 where the header does not tell.
    """

    sample_rate: int
    channels: int
    n_samples: int


def header(path: Path) -> Header | None:
    """Read the header of a sound file, in some tens of microseconds.

    Args:
        path: The file.

    Returns:
        Its form; None where only `read` can tell what it is, or what is wrong with it.
    """
    import soundfile

    if not os.path.isfile(path):  # a pipe would be waited for
        return None
    try:
        info = soundfile.info(encoded(path))
    except (soundfile.SoundFileError, OSError, TypeError, ValueError):
        return None
    if info.format == "RAW" or info.samplerate <= 0:
        return None
    rate = min(info.samplerate, MAX_FIT_RATE)
    return Header(rate, info.channels, round(info.frames * rate / info.samplerate))
