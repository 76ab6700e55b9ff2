"""The CREPE network layer by layer as in its paper: the slow reference of tests and benchmarks.

Kim et al., "CREPE: A Convolutional Representation for Pitch Estimation", ICASSP 2018.
"""

from __future__ import annotations

import torch
from jaxtyping import Float

from ddsp_match.analysis.crepe_weights import CrepeWeights

WINDOW, HOP = 1024, 160
STD_FLOOR = 1e-10


def normalised_frames(samples: Float[torch.Tensor, " n"]) -> Float[torch.Tensor, "frames window"]:
    """Frames of 1024 samples centred on every 160th sample, each of zero mean and unit deviation."""
    padded = torch.nn.functional.pad(samples, (WINDOW // 2, WINDOW // 2))
    frames = padded.unfold(0, WINDOW, HOP)
    frames = frames - frames.mean(1, keepdim=True)
    return frames / frames.std(1, keepdim=True).clamp_min(STD_FLOOR)


@torch.inference_mode()
def plain_activations(
    samples: Float[torch.Tensor, " n"], weights: CrepeWeights, frames_at_once: int = 128
) -> Float[torch.Tensor, "frames bins"]:
    """CREPE's activations for a sound at 16 kHz, one row every 10 ms, layer by layer."""
    rows = []
    for frames in normalised_frames(samples).split(frames_at_once):
        x = frames[:, None]
        for number, layer in enumerate(weights.layers):
            stride, pad = (4, (254, 254)) if number == 0 else (1, (31, 32))
            x = torch.nn.functional.conv1d(torch.nn.functional.pad(x, pad), layer.kernel, layer.bias, stride)
            x = torch.relu(x) * layer.gain[:, None] + layer.offset[:, None]
            x = torch.nn.functional.max_pool1d(x, 2)
        flat = x.transpose(1, 2).flatten(1)
        rows.append(torch.sigmoid(flat @ weights.classifier.T + weights.classifier_bias))
    return torch.cat(rows)
