"""One delay line in a loop, sample by sample, with its memory: the stream of echoes, combs and allpasses.

v[n] = sum_k taps[k] w[n - first - k]      s[n] = (1 - damping) v[n] + damping s[n-1]
w[n] = x[n] + feedback s[n]                y[n] = of_x x[n] + of_v v[n]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Loop:
    """Numbers of a delay line in a loop.

    Attributes:
        taps: Coefficients of the delay.
        first: Time of the first of them; at least 1 where there is feedback.
        feedback: Share of the line's output that goes back in.
        damping: Pole of the lowpass in the feedback.
        of_x: Share of the input in the output.
        of_v: Share of the line's output.
    """

    taps: Float[np.ndarray, " taps"]
    first: int
    feedback: float
    damping: float
    of_x: float
    of_v: float


class LoopStream:
    """A `Loop` fed block by block; behind by `latency` samples where its taps reach into the future.

    Args:
        loop: The numbers.
        channels: Number of channels.
    """

    def __init__(self, loop: Loop, channels: int) -> None:
        if loop.feedback and loop.first < 1:
            raise ValueError("a loop's delay must be causal")
        self.latency = max(0, -loop.first)
        self.loop = loop
        self.size = loop.first + self.latency + len(loop.taps) + 1
        self.backwards = np.ascontiguousarray(loop.taps[::-1])
        # Every sample is kept twice, half the length apart, so that the taps always meet one unbroken stretch.
        self.line = np.zeros((channels, 2 * self.size))
        self.lowpass = np.zeros(channels)
        self.place = 0

    def __call__(self, block: Float[np.ndarray, "channels samples"]) -> Float[np.ndarray, "channels samples"]:
        """The next block."""
        from ddsp_match.dsp.delay_kernels import run_loop

        loop, out = self.loop, np.empty(block.shape)
        self.place = run_loop(
            np.ascontiguousarray(block, dtype=np.float64), out, self.line, self.place, self.lowpass, self.backwards,
            loop.first + self.latency, self.latency, loop.feedback, loop.damping, loop.of_x, loop.of_v,
        )  # fmt: skip
        return out
