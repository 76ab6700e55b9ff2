"""Files that libsndfile refuses or cuts short although their samples are there, made readable."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Source:
    """A file that soundfile can open.

    Attributes:
        file: A path, a mended copy, or the reading end of a pipe.
        missing: How much of the file is missing, in words, where its header tells.
        endless: Whether the number of frames is known only after the last one.
    """

    file: Path | io.BytesIO | int
    missing: str = ""
    endless: bool = False


def source_of(path: Path, longest_s: float) -> Source:
    """The file itself, unless it is of a kind that libsndfile needs help with.

    Args:
        path: A file that can be read.
        longest_s: Seconds of sound, beyond which a length need not be right.
    """
    with path.open("rb") as file:
        head = file.read(4)
    if head == b"caff":
        return _caf(path)
    if head == b"fLaC":
        return _flac(path, longest_s)
    if head in (b"RIFF", b"RF64"):
        return _wav(path)
    if head[:3] == b"ID3" or (head[0] == 0xFF and len(head) > 1 and head[1] & 0xE0 == 0xE0):
        return _mp3(path)
    return Source(path)


def _patched(path: Path, at: int, value: bytes) -> io.BytesIO:
    """The file's bytes, some of them replaced."""
    content = io.BytesIO(path.read_bytes())
    content.seek(at)
    content.write(value)
    content.seek(0)
    return content


def _wav(path: Path) -> Source:
    """A WAV with whole numbers of 40 to 64 bits, which libsndfile does not know: the 32 upper bits are kept."""
    with path.open("rb") as file:
        file.seek(12)
        form = b""
        while len(head := file.read(8)) == 8:
            size = struct.unpack("<I", head[4:])[0]
            if head[:4] == b"data":
                break
            form = file.read(size) if head[:4] == b"fmt " and size < 1024 else form
            file.seek(0 if form and head[:4] == b"fmt " else size, os.SEEK_CUR)
            file.seek(size % 2, os.SEEK_CUR)
        else:
            return Source(path)
        if len(form) < 16:
            return Source(path)
        tag, channels, rate, _, frame, bits = struct.unpack("<HHIIHH", form[:16])
        tag = struct.unpack("<H", form[24:26])[0] if tag == 0xFFFE and len(form) >= 26 else tag
        wide = bits // 8
        if tag != 1 or bits not in (40, 48, 56, 64) or frame != wide * channels:
            return Source(path)
        content = file.read(size)
    upper = np.frombuffer(content[: len(content) // frame * frame], np.uint8).reshape(-1, wide)[:, -4:].tobytes()
    header = struct.pack("<HHIIHH", 1, channels, rate, 4 * channels * rate, 4 * channels, 32)
    early = f"{100 * len(content) / size:.0f} % of it could be read" if len(content) < size else ""
    riff = b"RIFF" + struct.pack("<I", 36 + len(upper)) + b"WAVEfmt " + struct.pack("<I", 16) + header
    return Source(io.BytesIO(riff + b"data" + struct.pack("<I", len(upper)) + upper), early)


def _caf(path: Path) -> Source:
    """A CAF whose data chunk claims too much, or -1 for "to the end", is refused: claim what is there."""
    with path.open("rb") as file:
        file.seek(8)
        while len(head := file.read(12)) == 12:
            size = struct.unpack(">q", head[4:])[0]
            start = file.tell()
            remaining = path.stat().st_size - start
            if head[:4] == b"data" and not 0 <= size <= remaining:
                missing = f"{100 * remaining / size:.0f} % of it could be read" if size > 0 else ""
                return Source(_patched(path, start - 8, struct.pack(">q", remaining)), missing)
            if size < 0:
                break
            file.seek(size, os.SEEK_CUR)
    return Source(path)


def _flac(path: Path, longest_s: float) -> Source:
    """A FLAC that came through a pipe claims 0 frames for "unknown", and cannot be read: claim the most."""
    with path.open("rb") as file:
        # STREAMINFO is the first block; from byte 18: 20 bits of rate, 8 of channels and width, 36 of frames.
        fields = int.from_bytes(file.read(26)[18:], "big")
    if fields & (1 << 36) - 1:
        return Source(path)
    rate = fields >> 44
    return Source(_patched(path, 18, (fields | int(longest_s * rate) + 1).to_bytes(8, "big")), endless=True)


def _mp3(path: Path) -> Source:
    """An MP3 that does not say how long it is: libsndfile guesses, and stops there, but not on a pipe."""
    with path.open("rb") as file:
        head = file.read(10)
        if head[:3] == b"ID3":  # its size has seven bits a byte
            file.seek(10 + sum(byte << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True)))
        else:
            file.seek(0)
        first_frame = file.read(1024)
    if any(mark in first_frame for mark in (b"Xing", b"Info", b"VBRI")):
        return Source(path)
    reading, writing = os.pipe()

    def feed() -> None:
        # The reader may stop before the end.
        with contextlib.suppress(BrokenPipeError), os.fdopen(writing, "wb") as pipe:
            pipe.write(path.read_bytes())

    threading.Thread(target=feed, daemon=True).start()
    return Source(reading, endless=True)
