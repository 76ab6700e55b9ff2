"""The CREPE network, exactly and fast: the same activations as `crepe_plain` in a fraction of the time."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from jaxtyping import Float

from ddsp_match.analysis.crepe_first_layer import POSITIONS, FirstLayer
from ddsp_match.analysis.crepe_plain import HOP, WINDOW
from ddsp_match.analysis.crepe_weights import CrepeWeights, load_weights
from ddsp_match.analysis.spectral_convolution import SpectralConvolution
from ddsp_match.dsp.scratch import Scratch

FRAMES_AT_ONCE = 84  # bounds the memory of the intermediates to about 0.2 GB for the full model


class CrepeNetwork:
    """CREPE with its kernels transformed once, ready to run on any number of sounds."""

    @torch.inference_mode()
    def __init__(self, weights: CrepeWeights) -> None:
        first, *rest = weights.layers
        self.scratch = Scratch()
        self.first = FirstLayer(first)
        self.rest, before, positions = [], first, POSITIONS // 2
        for layer in rest:
            rows = self.first.completion if before is first else None
            self.rest.append(SpectralConvolution(layer, before, positions, rows))
            before, positions = layer, positions // 2
        # The last layer's gain and offset go into the classifier, whose features are (position, channel).
        bins, channels = weights.classifier.shape[0], before.gain.shape[0]
        classifier = weights.classifier.view(bins, positions, channels)
        self.classifier = (classifier * before.gain).flatten(1).T.contiguous()
        self.classifier_bias = weights.classifier_bias + (classifier @ before.offset).sum(1)

    @torch.inference_mode()
    def activations(
        self,
        samples: Float[torch.Tensor, " n"],
        progress: Callable[[int, int], None] | None = None,
    ) -> Float[torch.Tensor, "frames bins"]:
        """One row of activations every 160 samples, the first centred on sample zero.

        Args:
            samples: Sound at 16 kHz.
            progress: Called with the frames done and their total, every hundred or so.
        """
        samples = torch.nn.functional.pad(samples, (WINDOW // 2, WINDOW // 2))
        total = 1 + (samples.shape[0] - WINDOW) // HOP
        chunks = -(-total // FRAMES_AT_ONCE)
        result = torch.empty(total, self.classifier.shape[1])
        for chunk in range(chunks):
            start, end = chunk * total // chunks, (chunk + 1) * total // chunks
            piece = samples[start * HOP : (end - 1) * HOP + WINDOW]
            result[start:end] = self._chunk(piece, end - start)
            if progress is not None:
                progress(end, total)
        return result

    def _chunk(self, samples: torch.Tensor, frames: int) -> torch.Tensor:
        x, scale = self.first(samples, frames, self.scratch)
        for layer in self.rest:
            x = layer(x, self.scratch, scale)
            scale = None
        features = x.transpose(0, 1).flatten(1)
        return torch.addmm(self.classifier_bias, features, self.classifier).sigmoid_()


@lru_cache(maxsize=1)
def crepe_network(model: str = "full") -> CrepeNetwork:
    """The network ``full`` or ``tiny``, built at its first use and kept."""
    return CrepeNetwork(load_weights(model))
