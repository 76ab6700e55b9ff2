"""A chain with its knobs set: what an identification finds, a patch keeps, and `process` plays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from ddsp_match.effects.build import build, check, describe
from ddsp_match.effects.processor import Processor, Stream, Value


@dataclass(frozen=True)
class Rack:
    """Effects with their settings.

    Attributes:
        chain: The processors.
        knobs: A value for every knob of the chain, float64, ``()`` or ``(size,)``.
        sample_rate: At which the settings were found, in Hz.
        polarity: 1, or -1 where the wet side is upside down.
        latency: Samples by which the wet recording lagged behind; not played.
    """

    chain: Processor
    knobs: dict[str, np.ndarray]
    sample_rate: int
    polarity: float = 1.0
    latency: float = 0.0

    @classmethod
    def of(
        cls,
        spec: Sequence[Any] | Processor,
        sample_rate: int,
        values: Mapping[str, Value] | None = None,
        *,
        polarity: float = 1.0,
        latency: float = 0.0,
    ) -> Rack:
        """A rack from a chain or its description; knobs without a value are neutral.

        Raises:
            ConfigError: No such processor or knob, or a value out of range.
        """
        chain, fixed = (spec, {}) if isinstance(spec, Processor) else build(spec)
        own = {**fixed, **(values or {})}
        check(chain, own)
        return cls(chain, chain.arrays(own), sample_rate, polarity, latency)

    @property
    def spec(self) -> list[Any]:
        """The chain as plain data."""
        return describe(self.chain)

    def process(self, samples: Float[np.ndarray, "channels samples"], sample_rate: int) -> np.ndarray:
        """Plays a whole sound through the effects, in float64."""
        audio = torch.from_numpy(np.asarray(samples, dtype=np.float64)).unsqueeze(0)
        with torch.inference_mode():
            tensors = self.chain.tensors(self.knobs)
            return self.polarity * self.chain.process(audio, tensors, sample_rate)[0].numpy()

    def stream(self, sample_rate: int, channels: int) -> Stream:
        """The effects with memory, to be fed block by block; `polarity` included."""
        return _Polarity(self.chain.stream(self.knobs, sample_rate, channels), self.polarity)

    def process_in_blocks(
        self,
        samples: Float[np.ndarray, "channels samples"],
        sample_rate: int,
        block: int,
        dtype: type[np.floating] = np.float64,
    ) -> np.ndarray:
        """Plays a sound block by block, latency taken off: the same as `process`, to 1e-5.

        Args:
            samples: The sound.
            sample_rate: In Hz.
            block: Samples that are played at a time.
            dtype: Of what comes out, the only thing as long as the sound that this takes memory for.
        """
        channels, n = samples.shape
        stream = self.stream(sample_rate, channels)
        played = np.empty((channels, n), dtype)
        end = n + stream.latency  # what is left in the effects is driven out by silence
        for first in range(0, end, block):
            fed = np.zeros((channels, min(block, end - first)))
            known = samples[:, first : first + block]
            fed[:, : known.shape[1]] = known
            out = stream(fed)
            early = max(0, min(stream.latency - first, out.shape[1]))
            start = first + early - stream.latency
            played[:, start : start + out.shape[1] - early] = out[:, early:]
        return played


class _Polarity:
    def __init__(self, stream: Stream, polarity: float) -> None:
        self.stream, self.polarity, self.latency = stream, polarity, stream.latency

    def __call__(self, block: np.ndarray) -> np.ndarray:
        return self.polarity * self.stream(block)
