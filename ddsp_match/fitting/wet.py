"""The path from the synthesizer through the effects to the recording, while both are fitted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from ddsp_match.core.settings import LossSettings
from ddsp_match.dsp.convolution import convolve
from ddsp_match.effects.processor import Processor
from ddsp_match.losses.total import TotalLoss
from ddsp_match.models.free_knobs import FreeKnobs

KNOB_RATE = 0.2  # learning rate of positions along a knob's range, over that of the controls
NUDGE = 0.02  # how far from an end a knob starts: where an effect is neutral its other knobs have no gradient
# Modelling a tail as source instead of room lowers the loss slightly and spoils the dry sound. This is the weight of
# the dereverberated sound over that of the recording.
ANCHOR = 1.0
# What the effects heard longer ago than this has died away in nearly all of them (a room of 4 s is down by 60 dB), and
# playing it again at every step would make a long sound slower and slower.
WARM_UP_S = 4.0


class Wet:
    """Effects behind a synthesizer, with their knobs on the way to where they explain a recording.

    Args:
        chain: The effects.
        start: Values of knobs to start from; others start beside neutral.
        fixed: Names of knobs that stay where they start.
        recording: The wet sound, whole.
        sample_rate: In Hz.
        anchored: Whether the dry sound is known beforehand, and the target of the source's own fit.
    """

    def __init__(
        self,
        chain: Processor,
        start: Mapping[str, Any],
        fixed: Collection[str],
        recording: Float[torch.Tensor, "channels samples"],
        sample_rate: int,
        *,
        anchored: bool,
    ) -> None:
        self.chain, self.sample_rate, self.anchored = chain, sample_rate, anchored
        self.recording = recording - recording.mean(1, keepdim=True)
        tensors = chain.tensors(start, recording.dtype, recording.device)
        ranges = {knob.name: knob for knob in chain.knobs}
        for name, value in tensors.items():
            if name not in start and name not in fixed:
                tensors[name] = ranges[name].at(ranges[name].position(value).clamp(NUDGE, 1 - NUDGE))
        self.knobs = FreeKnobs(ranges, tensors, fixed)

    def groups(self, lr: float) -> list[dict]:
        """The knobs' parameter groups, for a learning rate of the controls."""
        return self.knobs.groups(KNOB_RATE * lr)

    def hold(self) -> None:
        """Leaves the knobs where they are from now on."""
        values = {name: value.detach() for name, value in self.knobs().items()}
        self.knobs = FreeKnobs(self.knobs.ranges, values, values)

    def values(self) -> dict[str, np.ndarray]:
        """The knobs as a rack keeps them."""
        with torch.no_grad():
            values = self.chain.arrays(self.knobs())
        return {name: values[name].clip(r.low, r.high) for name, r in self.knobs.ranges.items()}

    def after(
        self, before: Float[torch.Tensor, "channels earlier"], n_samples: int
    ) -> Callable[[Float[torch.Tensor, "channels samples"]], Float[torch.Tensor, "2 channels samples"]]:
        """The effects with the sound since the beginning of the recording in their memory.

        Args:
            before: That sound.
            n_samples: How long the sounds will be that are played through them.

        Returns:
            From a dry sound to that sound and what the effects make of it.
        """
        if self.chain.linear and not self.knobs.names:
            return self._superposed(before, n_samples)
        first = max(0, before.shape[1] - round(WARM_UP_S * self.sample_rate))
        past = before[:, first:]

        def played(dry: torch.Tensor) -> torch.Tensor:
            wet = self._played(torch.cat([past, dry], 1).unsqueeze(0), first)
            return torch.stack([dry, wet[0, :, past.shape[1] :]])

        return played

    def _superposed(
        self, before: Float[torch.Tensor, "channels earlier"], n_samples: int
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        """Of linear effects that no longer change: the past rings on whatever comes, and is played once."""
        with torch.no_grad():
            tail = self._played(torch.nn.functional.pad(before, (0, n_samples)).unsqueeze(0))[0, :, before.shape[1] :]
            click = torch.nn.functional.pad(tail.new_ones(1, 1, 1), (0, n_samples - 1))
            # Convolution is all that a linear effect does to one channel; two it may mix.
            response = self._played(click) if len(before) == 1 else None

        def played(dry: torch.Tensor) -> torch.Tensor:
            sound = dry.unsqueeze(0)
            wet = self._played(sound) if response is None else convolve(sound, response)
            return torch.stack([dry, wet[0] + tail])

        return played

    def _played(
        self, audio: Float[torch.Tensor, "1 channels samples"], first: int = 0
    ) -> Float[torch.Tensor, "1 channels samples"]:
        """The effects applied to a sound whose beginning is sample `first` of the recording."""
        knobs = self.chain.later(self.knobs(), first / self.sample_rate)
        return self.chain.process(audio, knobs, self.sample_rate)

    def loss(
        self,
        first: int,
        last: int,
        dry: Float[torch.Tensor, "channels samples"],
        settings: LossSettings,
        workers: int,
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        """The loss of what `after` gives, between two samples of the recording.

        Args:
            first: Sample of the recording.
            last: One past the last.
            dry: What the dry sound is guessed to be there.
            settings: Of the loss.
            workers: Threads that may share the work.
        """
        wet_loss = TotalLoss(self.recording[:, first:last], self.sample_rate, settings, workers)
        if not self.anchored:
            return lambda pair: wet_loss(pair[1])
        dry_loss = TotalLoss(dry, self.sample_rate, settings, workers)
        return lambda pair: (wet_loss(pair[1]) + ANCHOR * dry_loss(pair[0])) / (1 + ANCHOR)
