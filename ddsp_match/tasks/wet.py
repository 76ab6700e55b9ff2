"""The way from the synthesizer through the effects to the recording, while both are being found."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from ddsp_match.dsp.convolution import convolve
from ddsp_match.effects.processor import Processor
from ddsp_match.losses.total import TotalLoss
from ddsp_match.settings import LossSettings
from ddsp_match.sources.free_knobs import FreeKnobs

KNOB_RATE = 0.2  # learning rate of positions along a knob's range, over that of the controls
NUDGE = 0.02  # how far from an end a knob starts: where an effect is neutral its other knobs have no gradient
# Whoever explains a tail as source rather than room gains a little on the recording and loses the dry sound. So much
# heavier than the recording weighs the sound that was freed of its room beforehand.
ANCHOR = 1.0


class Wet:
    """Effects behind a synthesizer, with their knobs on the way to where they explain a recording.

    Args:
        chain: The effects.
        start: Values of knobs to start from; others start beside neutral.
        held: Names of knobs that stay where they start.
        recording: The wet sound, whole.
        sample_rate: In Hz.
        anchored: Whether the dry sound is known beforehand, and the target of the source's own fit.
    """

    def __init__(
        self,
        chain: Processor,
        start: Mapping[str, Any],
        held: Collection[str],
        recording: Float[torch.Tensor, "channels samples"],
        sample_rate: int,
        *,
        anchored: bool,
    ) -> None:
        self.chain, self.sample_rate, self.anchored = chain, sample_rate, anchored
        self.recording = recording - recording.mean(1, keepdim=True)
        tensors = chain.tensors(start, recording.dtype, recording.device)
        ranges = {knob.name: knob.range for knob in chain.knobs}
        for name, value in tensors.items():
            if name not in start and name not in held:
                tensors[name] = ranges[name].at(ranges[name].position(value).clamp(NUDGE, 1 - NUDGE))
        self.knobs = FreeKnobs(ranges, tensors, held)
        self._response: torch.Tensor | None = None

    def groups(self, lr: float) -> list[dict]:
        """The knobs' parameter groups, for a learning rate of the controls."""
        return self.knobs.groups(KNOB_RATE * lr)

    def hold(self) -> None:
        """Leaves the knobs where they are from now on."""
        values = {name: value.detach() for name, value in self.knobs().items()}
        self.knobs = FreeKnobs(self.knobs.ranges, values, values)
        self._response = None

    def values(self) -> dict[str, np.ndarray]:
        """The knobs as a rack keeps them."""
        with torch.no_grad():
            found = {name: value.double().numpy() for name, value in self.knobs().items()}
        shapes = {knob.name: (knob.size,) if knob.size else () for knob in self.chain.knobs}
        ranges = self.knobs.ranges
        return {name: found[name].reshape(shapes[name]).clip(r.low, r.high) for name, r in ranges.items()}

    def both(
        self, dry: Float[torch.Tensor, "channels samples"], before: Float[torch.Tensor, "channels earlier"]
    ) -> Float[torch.Tensor, "2 channels samples"]:
        """A dry sound and what the effects make of it; `before` is what they heard since the recording began."""
        whole = torch.cat([before, dry], 1).unsqueeze(0)
        wet = convolve(whole, self._heard(whole.shape[2])) if self._fixed else self._played(whole)
        return torch.stack([dry, wet[0, :, before.shape[1] :]])

    @property
    def _fixed(self) -> bool:
        # Convolution is all that a linear effect does to one channel; two it may mix.
        return self.chain.linear and not self.knobs.names and len(self.recording) == 1

    def _played(self, audio: Float[torch.Tensor, "1 channels samples"]) -> Float[torch.Tensor, "1 channels samples"]:
        return self.chain.process(audio, self.knobs(), self.sample_rate)

    def _heard(self, n_samples: int) -> Float[torch.Tensor, "1 1 samples"]:
        """The impulse response of effects that no longer change."""
        if self._response is None or self._response.shape[2] < n_samples:
            click = self.recording.new_zeros(1, 1, n_samples)
            click[..., 0] = 1.0
            with torch.no_grad():
                self._response = self._played(click)
        return self._response

    def loss(
        self, first: int, last: int, dry_loss: TotalLoss, settings: LossSettings, workers: int
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        """The loss of what `both` gives, between two samples of the recording."""
        wet_loss = TotalLoss(self.recording[:, first:last], self.sample_rate, settings, workers)
        if not self.anchored:
            return lambda pair: wet_loss(pair[1])
        return lambda pair: (wet_loss(pair[1]) + ANCHOR * dry_loss(pair[0])) / (1 + ANCHOR)
