"""Whether a WAV file of a set has the form that all of its clips have."""

from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import BinaryIO

from ddsp_match.download.sets import DataSet

SAMPLE_BYTES = 2


def fault(data: bytes, data_set: DataSet) -> str:
    """Return what is wrong with the bytes of a clip, as a clause; "" if nothing is."""
    return _fault(io.BytesIO(data), len(data), data_set)


def fault_of_file(path: Path, data_set: DataSet) -> str:
    """The same for a file; reads its header and length, not its samples."""
    try:
        with path.open("rb") as file:
            return _fault(file, path.stat().st_size, data_set)
    except OSError as error:
        return (error.strerror or str(error)).lower()


def _fault(file: BinaryIO, n_bytes: int, data_set: DataSet) -> str:
    try:
        with wave.open(file) as clip:
            found = (clip.getnchannels(), 8 * clip.getsampwidth(), clip.getframerate(), clip.getnframes())
    except (wave.Error, EOFError, RuntimeError) as error:
        return f"no WAV file ({str(error) or 'it ends in its header'})"
    if found != (1, 8 * SAMPLE_BYTES, data_set.sample_rate, data_set.n_samples):
        channels, bits, rate, frames = found
        return f"{channels} channel{'s' * (channels > 1)} of {bits} bits at {rate} Hz, {frames} samples"
    return "fewer samples than its header says" if n_bytes < data_set.clip_bytes else ""


def form(data_set: DataSet) -> str:
    """Say what form a clip has."""
    return f"16-bit mono at {data_set.sample_rate} Hz, {data_set.n_samples} samples"
