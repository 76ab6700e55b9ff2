"""The CREPE network, exactly and fast: the same activations as `crepe_plain` in a fraction of the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float

from ddsp_match.analysis.crepe_first_layer import EXTRA_BLOCKS, POSITIONS, FirstLayer
from ddsp_match.analysis.crepe_plain import HOP, WINDOW
from ddsp_match.analysis.crepe_weights import CrepeWeights, load_weights
from ddsp_match.analysis.spectral_convolution import SpectralConvolution
from ddsp_match.core.device import memory_free
from ddsp_match.dsp.scratch import Scratch

FRAMES_AT_ONCE = 84  # on the CPU: bounds the intermediates of the full model to about 0.2 GB, and is kind to its caches
# On a GPU: enough to keep it busy (not measured on one), within a quarter of the memory it has left.
MOST_FRAMES, BYTES_A_FRAME, SHARE_OF_MEMORY = 4096, 2_500_000, 0.25
CPU = torch.device("cpu")


class CrepeNetwork:
    """CREPE with its kernels transformed once, ready to run on any number of sounds.

    The same layers serve every device: they take a thirteenth of the multiplications of plain convolutions (the tiny
    model's a fifth; counted), and all of them are matrix products. Float32 throughout.

    Args:
        weights: The numbers, on the CPU.
        device: Where to work.
    """

    @torch.inference_mode()
    def __init__(self, weights: CrepeWeights, device: torch.device = CPU) -> None:
        first, *rest = weights.layers
        self.device = device
        self.scratch = Scratch(device)
        self.first = FirstLayer(first, device)
        self.rest, before, positions = [], first, POSITIONS // 2
        for layer in rest:
            rows = self.first.completion if before is first else None
            self.rest.append(SpectralConvolution(layer, before, positions, rows, device))
            before, positions = layer, positions // 2
        # The last layer's gain and offset go into the classifier, whose features are (position, channel).
        bins, channels = weights.classifier.shape[0], before.gain.shape[0]
        classifier = weights.classifier.view(bins, positions, channels)
        self.classifier = (classifier * before.gain).flatten(1).T.contiguous().to(device)
        self.classifier_bias = (weights.classifier_bias + (classifier @ before.offset).sum(1)).to(device)

    def activations(
        self,
        samples: Float[torch.Tensor, " n"],
        progress: Callable[[int, int], None] | None = None,
    ) -> Float[torch.Tensor, "frames bins"]:
        """One row of activations every 160 samples, the first centred on sample zero; on the CPU.

        Args:
            samples: Sound at 16 kHz.
            progress: Called with the frames done and their total, every hundred or so.
        """
        return self.activations_of([samples], progress=progress)[0]

    @torch.inference_mode()
    def activations_of(
        self,
        sounds: Sequence[Float[torch.Tensor, " n"]],
        wanted: Sequence[np.ndarray] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Float[torch.Tensor, "frames bins"]]:
        """The activations of many sounds, for each as if it were alone.

        On a GPU the frames of several sounds run together; on the CPU one sound follows the other, to the same bits.

        Args:
            sounds: Sounds at 16 kHz, on the CPU.
            wanted: ``(frames,)`` bool for each sound: frames to run; the rows of others are zero. By default all.
            progress: Called with the frames done and their total, every hundred or so.
        """
        padded = [torch.nn.functional.pad(sound, (WINDOW // 2, WINDOW // 2)) for sound in sounds]
        frames = [1 + (sound.shape[0] - WINDOW) // HOP for sound in padded]
        masks = [np.ones(n, dtype=bool) for n in frames] if wanted is None else wanted
        results = [torch.zeros(n, self.classifier.shape[1]) for n in frames]
        done, total = 0, sum(int(mask.sum()) for mask in masks)
        for group in self._groups(masks):
            rows = self._together([padded[i][a * HOP : (b - 1) * HOP + WINDOW] for i, a, b in group])
            for (i, a, b), part in zip(group, rows, strict=True):
                results[i][a:b] = part
                done += b - a
            if progress is not None:
                progress(done, total)
        return results

    def _groups(self, masks: Sequence[np.ndarray]) -> Iterator[list[tuple[int, int, int]]]:
        """What runs together: stretches of frames (sound, first, one past the last)."""
        on_cpu = self.device.type == "cpu"
        most = FRAMES_AT_ONCE
        if not on_cpu:
            affordable = int(SHARE_OF_MEMORY * memory_free(self.device) / BYTES_A_FRAME)
            most = min(max(affordable, FRAMES_AT_ONCE), MOST_FRAMES)
        group: list[tuple[int, int, int]] = []
        size = 0
        for i, mask in enumerate(masks):
            edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0)).tolist()
            for start, stop in zip(edges[0::2], edges[1::2], strict=True):
                chunks = -(-(stop - start) // most)
                for chunk in range(chunks):
                    a = start + chunk * (stop - start) // chunks
                    b = start + (chunk + 1) * (stop - start) // chunks
                    if group and (on_cpu or size + b - a + EXTRA_BLOCKS > most):
                        yield group
                        group, size = [], 0
                    group.append((i, a, b))
                    size += b - a + EXTRA_BLOCKS
        if group:
            yield group

    def _together(self, pieces: list[torch.Tensor]) -> list[torch.Tensor]:
        """The activations of pieces of sound, which run as one long one; on the CPU.

        Each piece begins on the grid of the frames; the few frames that lie across two pieces are thrown away.
        """
        starts, room = [], 0
        for piece in pieces:
            starts.append(room)
            room += -(-piece.shape[0] // HOP)
        joined = torch.zeros(room * HOP if len(pieces) > 1 else pieces[0].shape[0])
        for start, piece in zip(starts, pieces, strict=True):
            joined[start * HOP : start * HOP + piece.shape[0]] = piece
        counts = [1 + (piece.shape[0] - WINDOW) // HOP for piece in pieces]
        rows = self._chunk(joined.to(self.device), starts[-1] + counts[-1]).cpu()
        return [rows[start : start + count] for start, count in zip(starts, counts, strict=True)]

    def _chunk(self, samples: torch.Tensor, frames: int) -> torch.Tensor:
        # On a GPU torch keeps freed memory itself, and others may need it between two calls.
        scratch = self.scratch if self.device.type == "cpu" else Scratch(self.device)
        x, scale = self.first(samples, frames, scratch)
        for layer in self.rest:
            x = layer(x, scratch, scale)
            scale = None
        features = x.transpose(0, 1).flatten(1)
        return torch.addmm(self.classifier_bias, features, self.classifier).sigmoid_()


@lru_cache(maxsize=2)
def crepe_network(model: str = "full", device: torch.device = CPU) -> CrepeNetwork:
    """The network ``full`` or ``tiny`` on a device, built at its first use and kept."""
    return CrepeNetwork(load_weights(model), device)
