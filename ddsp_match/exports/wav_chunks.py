"""WAV files with the chunks that samplers and wavetable synthesizers look for.

RIFF as Microsoft and IBM described it in 1991 ("Multimedia Programming Interface and Data Specifications"), ``smpl`` as
their "New Multimedia Data Types" of 1994 has it, and ``clm `` as wavetable synthesizers came to read it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

PCM, IEEE_FLOAT = 1, 3  # format tags
SEMITONE = 2**32  # of the pitch fraction in a smpl chunk

Chunk = tuple[bytes, bytes]  # four letters and what it holds


def wav_bytes(
    samples: Float[np.ndarray, "channels samples"], sample_rate: int, bits: int, chunks: Sequence[Chunk] = ()
) -> bytes:
    """A WAV file.

    Args:
        samples: Full scale at ±1; beyond it they are clipped where `bits` is 16 or 24.
        sample_rate: In Hz.
        bits: 16 or 24 for whole numbers, 32 for floating point.
        chunks: Further chunks, put before the samples, where readers that stop there still find them.
    """
    if bits not in (16, 24, 32):
        raise ValueError(f"bits must be 16, 24 or 32, not {bits}")
    channels, n = samples.shape
    width = channels * bits // 8
    tag = IEEE_FLOAT if bits == 32 else PCM
    form = struct.pack("<HHIIHH", tag, channels, sample_rate, sample_rate * width, width, bits)
    parts: list[Chunk] = [(b"fmt ", form)]
    if tag == IEEE_FLOAT:
        parts.append((b"fact", struct.pack("<I", n)))
    parts += [*chunks, (b"data", _encoded(samples.T, bits))]
    # A chunk of odd length is followed by a byte that its length does not count.
    body = b"".join(name + struct.pack("<I", len(chunk)) + chunk + b"\0" * (len(chunk) % 2) for name, chunk in parts)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body


def _encoded(interleaved: Float[np.ndarray, "samples channels"], bits: int) -> bytes:
    if bits == 32:
        return np.ascontiguousarray(interleaved, "<f4").tobytes()
    full = 2 ** (bits - 1)
    whole = np.clip(np.round(np.asarray(interleaved, np.float64) * full), -full, full - 1)
    if bits == 16:
        return whole.astype("<i2").tobytes()
    # The three low bytes of four, the lowest first.
    return whole.astype("<i4").reshape(-1, 1).view(np.uint8)[:, :3].tobytes()


def sampler_chunk(sample_rate: int, pitch: float, loop: tuple[int, int] | None = None) -> Chunk:
    """The ``smpl`` chunk: which key a sample is, and which part of it repeats.

    Args:
        sample_rate: In Hz.
        pitch: MIDI note at which the sample sounds as it is, fractions allowed.
        loop: First and last sample of what repeats as long as the key is down, both inside.
    """
    note = int(np.floor(pitch))
    fraction = min(round((pitch - note) * SEMITONE), SEMITONE - 1)
    period_ns = round(1e9 / sample_rate)
    head = struct.pack("<IIIIIIIII", 0, 0, period_ns, note, fraction, 0, 0, int(loop is not None), 0)
    # Cue, type (0 is forward), first, last, fraction of a sample, times (0 is without end).
    return b"smpl", head + (struct.pack("<IIIIII", 0, 0, *loop, 0, 0) if loop is not None else b"")


def wavetable_chunk(period: int) -> Chunk:
    """The ``clm `` chunk: the samples are single periods of this length.

    Of its flags the first says how to fill the positions between two periods (1 is a linear crossfade) and the second
    that the table came with the synthesizer; the rest are 0.
    """
    return b"clm ", f"<!>{period} 10000000 wavetable (ddsp-match)".encode("ascii")


def write_wav(
    path: Path,
    samples: Float[np.ndarray, "channels samples"],
    sample_rate: int,
    bits: int,
    chunks: Sequence[Chunk] = (),
) -> None:
    """Write `wav_bytes` to a file; the caller sees to it that it is written whole."""
    path.write_bytes(wav_bytes(samples, sample_rate, bits, chunks))
