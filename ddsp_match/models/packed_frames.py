"""Timbre frames as bytes: whole numbers of small steps, told as differences, then deflated."""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Sequence

import torch

from ddsp_match.models.frames import Frames, Track, Voice

# Steps of the stored numbers. Half a decibel is below what is heard of one partial among others.
DB_STEP, LEVEL_STEP, PHASE_STEP, CENT_STEP = 0.5, 0.25, math.pi / 32, 1.0
STEPS = {"tone": DB_STEP, "tone_level": LEVEL_STEP, "phase": PHASE_STEP, "noise": DB_STEP, "noise_level": LEVEL_STEP}
LARGEST = 1 << 24  # bytes of a stream: more than an hour takes
MOST = 1 << 16  # partials or bands
BITS = 35  # of a number: none is longer, and no sum of them overflows


def packed(frames: Frames) -> bytes:
    """Frames as bytes, rounded to the steps; ``docs/patch-format.md`` describes them."""
    writer = _Writer()
    for number in (frames.n_frames, round(2 * frames.nyquist_hz), frames.n_bands, frames.divisions):
        writer.number(number)
    writer.rising(frames.partials.tolist())
    writer.rising(torch.searchsorted(frames.partials, frames.centres).tolist())
    writer.track(frames.f0, CENT_STEP)
    writer.number(len(frames.voices))
    for voice in frames.voices:
        for name, step in STEPS.items():
            writer.track(getattr(voice, name), step)
        writer.differences(_whole(voice.offset_db, DB_STEP))
    return zlib.compress(bytes(writer.stream), 9)


def unpacked(content: bytes) -> Frames:
    """Frames from bytes.

    Raises:
        ValueError: These are no frames.
    """
    inflate = zlib.decompressobj()
    try:
        reader = _Reader(inflate.decompress(content, LARGEST))
    except zlib.error as error:
        raise ValueError(f"frames that do not inflate: {error}") from error
    if not inflate.eof or inflate.unused_data:
        raise ValueError("frames that end early, or go on for longer than any sound's")
    n_frames, rate, n_bands, divisions = (reader.number() for _ in range(4))
    partials = torch.tensor(reader.rising())
    places = reader.rising()
    if not len(partials) or not places or places[-1] >= len(partials) or not n_frames or not rate or not divisions:
        raise ValueError("frames without a partial, a length or a rate")
    if max(n_bands, int(partials[-1])) > MOST or partials[0] < 1:
        raise ValueError(f"{partials[-1]} partials and {n_bands} noise bands, where {MOST} are the most")
    f0 = reader.track(CENT_STEP, n_frames)
    voices = []
    for _ in range(reader.number()):
        tracks = {name: reader.track(step, n_frames) for name, step in STEPS.items()}
        offset = DB_STEP * torch.tensor(reader.differences(), dtype=torch.float32)
        dims = {name: len(track.values) for name, track in tracks.items()}
        expected = {"tone": len(places), "tone_level": 1, "phase": len(partials), "noise_level": 1}
        if any(dims[name] != count for name, count in expected.items()) or len(offset) != len(partials):
            raise ValueError(f"curves of {dims} for {len(partials)} partials in {len(places)} groups")
        voices.append(Voice(**tracks, offset_db=offset))
    if reader.left or len(f0.values) != 1 or not voices:
        raise ValueError("frames of another length than they say")
    return Frames(n_frames, rate / 2, n_bands, divisions, f0, partials, partials[places], tuple(voices))


def _whole(values: torch.Tensor, step: float) -> list[int]:
    return torch.round(values.double() / step).long().tolist()


class _Writer:
    def __init__(self) -> None:
        self.stream = bytearray()

    def number(self, value: int) -> None:
        """A whole number from 0 in groups of seven bits, lowest first; the eighth says that more follow (LEB128)."""
        while value > 127:
            self.stream.append(value & 127 | 128)
            value >>= 7
        self.stream.append(value)

    def differences(self, values: Sequence[int]) -> None:
        self.number(len(values))
        before = 0
        for value in values:
            change = value - before
            self.number(2 * change if change >= 0 else -2 * change - 1)
            before = value

    def rising(self, values: Sequence[int]) -> None:
        self.number(len(values))
        before = 0
        for value in values:
            self.number(value - before)
            before = value

    def track(self, track: Track, step: float) -> None:
        self.rising(track.times.tolist())
        self.number(len(track.values))
        for row in track.values:
            self.differences(_whole(row, step))


class _Reader:
    def __init__(self, stream: bytes) -> None:
        self._stream, self._at = stream, 0

    @property
    def left(self) -> int:
        return len(self._stream) - self._at

    def number(self) -> int:
        value = shift = 0
        while self._at < len(self._stream) and shift < BITS:
            byte = self._stream[self._at]
            self._at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
        raise ValueError("frames that end early, or a number too long for them")

    def _count(self) -> int:
        count = self.number()
        if count > self.left:
            raise ValueError("frames that end early")
        return count

    def differences(self) -> list[int]:
        values, value = [], 0
        for _ in range(self._count()):
            change = self.number()
            value += -(change + 1) // 2 if change & 1 else change // 2
            values.append(value)
        return values

    def rising(self) -> list[int]:
        values, value = [], 0
        for _ in range(self._count()):
            value += self.number()
            values.append(value)
        return values

    def track(self, step: float, n_frames: int) -> Track:
        times = self.rising()
        rows = [self.differences() for _ in range(self._count())]
        rising = all(a < b for a, b in itertools.pairwise(times))
        if not times or not rising or times[-1] >= n_frames or any(len(row) != len(times) for row in rows):
            raise ValueError("a curve whose knots do not fit its frames")
        values = step * torch.tensor(rows, dtype=torch.float32).reshape(len(rows), len(times))
        return Track(torch.tensor(times), values)
