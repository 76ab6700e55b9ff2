"""Long impulse responses block by block, without latency."""

from __future__ import annotations

import numpy as np
import scipy.signal
from jaxtyping import Float

PARTITION = 1024  # samples; the head is a direct convolution of as many taps


class PartitionedConvolution:
    """Convolution with a fixed impulse response for each channel, in blocks of any length.

    The first `PARTITION` taps are convolved directly, so that nothing waits; the rest in equal partitions by FFT,
    each time that as many samples are in (Gardner 1995, "Efficient convolution without input-output delay", with one
    size of partition).

    Args:
        ir: One row for all channels, or one each.
        channels: Of the sound.
        dry: Level of the input itself in the output.
    """

    latency = 0

    def __init__(self, ir: Float[np.ndarray, "rows taps"], channels: int, dry: float = 0.0) -> None:
        ir = np.broadcast_to(ir, (channels, ir.shape[1])).astype(np.float64)
        self.head = ir[:, :PARTITION].copy()
        self.head[:, 0] += dry
        rest = ir[:, PARTITION:]
        parts = -(-rest.shape[1] // PARTITION)
        rest = np.pad(rest, ((0, 0), (0, parts * PARTITION - rest.shape[1])))
        self.tail = np.fft.rfft(rest.reshape(channels, parts, PARTITION), 2 * PARTITION)
        self.past = np.zeros((channels, parts, PARTITION + 1), dtype=np.complex128)  # spectra of blocks, a ring
        self.newest = 0
        self.recent = np.zeros((channels, self.head.shape[1] - 1))  # input that the head still needs
        self.block = np.zeros((channels, PARTITION))  # input since the last transform
        self.filled = 0
        self.due = np.zeros((channels, 2 * PARTITION))  # output of the tail in this block and in the next

    def __call__(self, block: Float[np.ndarray, "channels samples"]) -> Float[np.ndarray, "channels samples"]:
        """The next samples."""
        extended = np.concatenate([self.recent, block], axis=1)
        self.recent = extended[:, extended.shape[1] - self.recent.shape[1] :]
        convolved = scipy.signal.oaconvolve if block.shape[1] > PARTITION // 4 else scipy.signal.fftconvolve
        if block.shape[1] <= 8:
            taps = self.head[:, ::-1]
            width = taps.shape[1]
            out = np.stack([(taps * extended[:, n : n + width]).sum(1) for n in range(block.shape[1])], axis=1)
        else:
            out = convolved(extended, self.head, mode="valid", axes=1)
        if self.tail.shape[1]:
            position = 0
            # The tail of a full block is due only from the next block on: the head covers the time until then.
            while position < block.shape[1]:
                count = min(block.shape[1] - position, PARTITION - self.filled)
                here = slice(self.filled, self.filled + count)
                out[:, position : position + count] += self.due[:, here]
                self.block[:, here] = block[:, position : position + count]
                position += count
                self.filled += count
                if self.filled == PARTITION:
                    self._turn()
        return out

    def _turn(self) -> None:
        parts = self.tail.shape[1]
        self.newest = (self.newest - 1) % parts
        self.past[:, self.newest] = np.fft.rfft(self.block, 2 * PARTITION)
        # The ring from the newest on lines up with the partitions from the first on.
        split = parts - self.newest
        spectrum = np.einsum("cpk,cpk->ck", self.past[:, self.newest :], self.tail[:, :split])
        spectrum += np.einsum("cpk,cpk->ck", self.past[:, : self.newest], self.tail[:, split:])
        # Twice the partition: the second half of a block's convolution overlaps the next block.
        added = np.fft.irfft(spectrum, 2 * PARTITION)
        self.due = np.concatenate([self.due[:, PARTITION:], np.zeros_like(self.block)], axis=1) + added
        self.filled = 0
