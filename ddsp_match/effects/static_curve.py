"""Base of the effects without memory: every sample goes through the same curve."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float

from ddsp_match.effects.processor import Processor, Value


class StaticCurve(Processor):
    """A curve from input to output sample; subclasses write `shape`."""

    def shape(self, audio: torch.Tensor, knobs: dict[str, torch.Tensor]) -> torch.Tensor:
        """The curve, sample by sample; shapes as in `Processor.process`."""
        raise NotImplementedError

    def curve(self, levels: Float[np.ndarray, " points"], **knobs: Value) -> Float[np.ndarray, " points"]:
        """Return the output for each input level: the curve as drawn in a picture.

        Raises:
            ConfigError: A knob that this processor does not have.
        """
        points = torch.from_numpy(np.asarray(levels, dtype=np.float64)).reshape(1, 1, -1)
        with torch.no_grad():
            return self.shape(points, self.tensors(knobs))[0, 0].numpy()

    def process(self, audio: torch.Tensor, knobs: dict[str, torch.Tensor], sample_rate: int) -> torch.Tensor:
        """See `Processor.process`."""
        return self.shape(audio, knobs)

    def stream(self, knobs: dict[str, np.ndarray], sample_rate: int, channels: int) -> _Stream:
        """See `Processor.stream`."""
        return _Stream(self, self.tensors(knobs))


class _Stream:
    latency = 0

    def __init__(self, part: StaticCurve, knobs: dict[str, torch.Tensor]) -> None:
        self.part, self.knobs = part, knobs

    def __call__(self, block: np.ndarray) -> np.ndarray:
        audio = torch.from_numpy(np.ascontiguousarray(block, dtype=np.float64)).unsqueeze(0)
        with torch.inference_mode():
            return self.part.shape(audio, self.knobs)[0].numpy()
