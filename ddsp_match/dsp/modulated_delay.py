"""A delay line whose length changes from sample to sample, in a feedback loop or alone, and its gradient.

    v[n] = sum_k h(k - d[n]) w[n - k],    w[n] = x[n] + feedback v[n]

`h` is a sinc under a Blackman window that moves with the length, smooth in it, and narrower where the delay is shorter
than half of it, so that it stays causal (as in `fractional_delay`, with 32 coefficients for speed).
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch.autograd.function import once_differentiable

SHORTEST = 2.0  # samples; less is taken as that


def modulated_delay(
    x: Float[torch.Tensor, "b1 channels samples"],
    delay: Float[torch.Tensor, "b2 samples"],
    feedback: Float[torch.Tensor, " b2"],
) -> Float[torch.Tensor, "batch channels samples"]:
    """The output of the line, in double precision; differentiable in all three.

    Args:
        x: Sounds; one of them may meet many delays.
        delay: Length in samples at each sample.
        feedback: Share of the output that goes back in; below 1.
    """
    return _Line.apply(x.double(), delay.double().clamp(min=SHORTEST), feedback.double())  # pyright: ignore[reportReturnType]


class _Line(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, delay, feedback):
        from ddsp_match.dsp.modulated_kernels import forward

        sounds, lengths, gains = (np.ascontiguousarray(t.detach().numpy()) for t in (x, delay, feedback))
        batch = max(len(sounds), len(lengths))
        late = np.zeros((batch, *sounds.shape[1:]))
        work = np.zeros(sounds.shape[2])
        for row in range(batch):
            place = row if len(lengths) > 1 else 0
            for channel, sound in enumerate(sounds[row if len(sounds) > 1 else 0]):
                forward(sound, lengths[place], gains[place], work, 0, late[row, channel])
        ctx.save_for_backward(x, delay, feedback)
        ctx.late = late
        return torch.from_numpy(late)

    @staticmethod
    @once_differentiable
    def backward(ctx, *grad_outputs):
        from ddsp_match.dsp.modulated_kernels import backward

        slope = np.ascontiguousarray(grad_outputs[0].numpy())
        sounds, lengths, gains = (np.ascontiguousarray(t.detach().numpy()) for t in ctx.saved_tensors)
        to_x, to_delay, to_gain = np.zeros(sounds.shape), np.zeros(lengths.shape), np.zeros(gains.shape)
        for row in range(len(slope)):
            place, source = (row if len(lengths) > 1 else 0), (row if len(sounds) > 1 else 0)
            for channel in range(slope.shape[1]):
                late = ctx.late[row, channel]
                line = sounds[source, channel] + gains[place] * late
                to_line = np.zeros(line.shape)
                backward(slope[row, channel], line, late, lengths[place], gains[place], to_line, to_delay[place])
                to_x[source, channel] += to_line
                to_gain[place] += to_line @ late
        return torch.from_numpy(to_x), torch.from_numpy(to_delay), torch.from_numpy(to_gain)


class ModulatedLine:
    """The line block by block.

    Args:
        longest: Longest delay, in samples.
        channels: Number of channels.
    """

    def __init__(self, longest: float, channels: int) -> None:
        from ddsp_match.dsp.modulated_kernels import HALF

        self.past = np.zeros((channels, int(longest) + HALF + 2))

    def __call__(
        self, block: Float[np.ndarray, "channels samples"], delay: Float[np.ndarray, " samples"], feedback: float
    ) -> Float[np.ndarray, "channels samples"]:
        """The line's output for the next block."""
        from ddsp_match.dsp.modulated_kernels import forward

        delay = np.maximum(delay, SHORTEST)
        n_past = self.past.shape[1]
        line = np.concatenate([self.past, np.zeros(block.shape)], axis=1)
        late = np.zeros(block.shape)
        for channel, sound in enumerate(np.ascontiguousarray(block, dtype=np.float64)):
            forward(sound, delay, feedback, line[channel], n_past, late[channel])
        self.past = line[:, -n_past:].copy()
        return late
