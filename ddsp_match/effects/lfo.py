"""A frequency that swings around its knob: what sweeps a filter."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float

from ddsp_match.core.params import Parameter

SWINGS = {"sweep_phase": ("sweep_hz", 1.0)}  # see `Processor.swings`


def sweep_knobs(octaves: float) -> tuple[Parameter, ...]:
    """Return the knobs of a swing: its width, its rate and its phase."""
    return (
        Parameter("sweep_octaves", "how far the frequency swings to either side", octaves, 0.0, 3.0, "octaves"),
        Parameter("sweep_hz", "how often it swings", 1.0, 0.05, 20.0, "Hz", "log"),
        Parameter("sweep_phase", "where in its swing the sound begins", 0.0, 0.0, 1.0, "turns"),
    )


def swept(
    centre_hz: torch.Tensor, knobs: dict[str, torch.Tensor], sample_rate: int, n: int, first: int = 0
) -> Float[torch.Tensor, "batch samples"]:
    """``centre 2^(octaves sin(2 pi (rate t + phase)))`` at every sample, float64.

    Args:
        centre_hz: At rest, ``(batch, 1)``.
        knobs: Those of `sweep_knobs`, ``(batch, 1)``.
        sample_rate: In Hz.
        n: Samples.
        first: Of them, counted from where the sound begins.
    """
    seconds = torch.arange(first, first + n, dtype=torch.float64, device=centre_hz.device) / sample_rate
    octaves, hz, phase = (knobs[f"sweep_{name}"].double() for name in ("octaves", "hz", "phase"))
    return centre_hz.double() * torch.exp2(octaves * torch.sin(2 * torch.pi * (hz * seconds + phase)))


class SweptStream:
    """Counts samples and hands every block its part of the sweep. Subclasses write `run`."""

    latency = 0

    def __init__(self, centre: str, knobs: dict[str, np.ndarray], sample_rate: int, channels: int) -> None:
        self.knobs = {name: torch.from_numpy(value).reshape(1, 1) for name, value in knobs.items()}
        self.centre, self.sample_rate = self.knobs[centre], sample_rate
        self.of_x, self.of_c = np.arange(channels), np.zeros(channels, dtype=np.int64)
        self.position = 0

    def run(self, block: Float[np.ndarray, "channels n"], hz: Float[torch.Tensor, "1 n"]) -> np.ndarray:
        """One block with the frequency at each of its samples."""
        raise NotImplementedError

    def __call__(self, block: np.ndarray) -> np.ndarray:
        """The next block."""
        n = block.shape[1]
        hz = swept(self.centre, self.knobs, self.sample_rate, n, self.position)
        self.position += n
        return self.run(np.ascontiguousarray(block, dtype=np.float64), hz)
