"""Balance and width of a stereo sound; a mono sound passes unchanged."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch

from ddsp_match.core.params import Parameter
from ddsp_match.effects.processor import Processor, Value


class _Matrix(Processor):
    """Two channels from two channels, sample by sample. Subclasses write `matrix`."""

    stereo: ClassVar[bool] = True

    def matrix(self, knobs: dict[str, torch.Tensor]) -> torch.Tensor:
        """``(batch, outputs, inputs)``, two of each; knobs as in `process`."""
        raise NotImplementedError

    def process(self, audio: torch.Tensor, knobs: dict[str, torch.Tensor], sample_rate: int) -> torch.Tensor:
        """See `Processor.process`."""
        if audio.shape[1] == 1:
            return audio.expand(max(len(audio), *(len(value) for value in knobs.values())), -1, -1)
        return self.matrix(knobs) @ audio

    def stream(self, knobs: dict[str, np.ndarray], sample_rate: int, channels: int) -> _Stream:
        """See `Processor.stream`."""
        tensors = {name: torch.from_numpy(value).reshape(1, 1, 1) for name, value in knobs.items()}
        return _Stream(self.matrix(tensors)[0].numpy() if channels == 2 else np.eye(1))


class Pan(_Matrix):
    """Balance between left and right, with constant power.

    A stereo sound has its own image, so this turns one side down and the other up, as a balance knob does, by the
    sine and cosine of the pan law: at either end one side is silent and the other 3 dB louder.
    """

    name: ClassVar[str] = "pan"
    title: ClassVar[str] = "balance between left and right; one channel passes unchanged"
    equation: ClassVar[str] = "left' = sqrt(2) cos(pi (1 + pan) / 4) left; right' = sqrt(2) sin(pi (1 + pan) / 4) right"

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """The place alone."""
        return (Parameter("pan", "-1 is left, 1 is right", 0.0, -1.0, 1.0),)

    def matrix(self, knobs: dict[str, torch.Tensor]) -> torch.Tensor:
        """See `_Matrix.matrix`."""
        angle = torch.pi / 4 * (1 + knobs["pan"].reshape(-1))
        # Divided by the centre's own cosine and sine, so that the centre is exactly 1.
        middle = torch.as_tensor(torch.pi / 4, dtype=angle.dtype)
        return torch.diag_embed(torch.stack([angle.cos() / middle.cos(), angle.sin() / middle.sin()], dim=-1))

    def guesses(self, dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> list[dict[str, Value]]:
        """From the ratio of the two sides' levels, before and after."""
        if len(dry) != 2:
            return []
        before, after = (np.sqrt(np.square(sound).mean(axis=1)) + 1e-12 for sound in (dry, wet))
        left, right = after / before
        return [{"pan": float(np.clip(4 / np.pi * np.arctan2(right, left) - 1, -1, 1))}]


class Width(_Matrix):
    """Stereo width: the level of the side signal, left minus right."""

    name: ClassVar[str] = "width"
    title: ClassVar[str] = "stereo width; one channel passes unchanged"
    equation: ClassVar[str] = "mid = (left + right) / 2; side = width (left - right) / 2; out = mid + side, mid - side"

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """The width alone."""
        return (Parameter("width", "0 is mono, 1 as it was, 2 twice as wide", 1.0, 0.0, 2.0),)

    def matrix(self, knobs: dict[str, torch.Tensor]) -> torch.Tensor:
        """See `_Matrix.matrix`."""
        width = knobs["width"].reshape(-1)
        same, other = (1 + width) / 2, (1 - width) / 2
        return torch.stack([torch.stack([same, other], -1), torch.stack([other, same], -1)], dim=-2)

    def guesses(self, dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> list[dict[str, Value]]:
        """From the side signal's share of the level, before and after."""
        if len(dry) != 2:
            return []

        def share(sound: np.ndarray) -> float:
            side, mid = np.square(sound[0] - sound[1]).mean(), np.square(sound[0] + sound[1]).mean()
            return float(np.sqrt(side / max(mid, 1e-20)))

        return [{"width": float(np.clip(share(wet) / max(share(dry), 1e-9), 0, 2))}]


class _Stream:
    latency = 0

    def __init__(self, matrix: np.ndarray) -> None:
        self.matrix = matrix

    def __call__(self, block: np.ndarray) -> np.ndarray:
        return self.matrix @ block
