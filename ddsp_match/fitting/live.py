"""The best sound so far, for listeners while a fit runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float

from ddsp_match.core.audio import Audio

EVERY_S = 0.5  # an ear that compares needs that long for each


@dataclass(frozen=True)
class Best:
    """The sound of the fit if it ended now.

    Attributes:
        samples: The whole sound; where the descent has not come yet, as it was guessed.
        sample_rate: In Hz.
        step: Gradient steps taken.
        loss: Its loss, of the part that is being fitted.
    """

    samples: Float[torch.Tensor, "channels samples"]
    sample_rate: int
    step: int
    loss: float

    def audio(self) -> Audio:
        """The sound."""
        return Audio(self.samples.numpy(), self.sample_rate)


OnBest = Callable[[Best], None]


class Live:
    """Tells of the best sound so far: at once after the first guess, then when it got better and some time has passed.

    It keeps what the descent renders anyway, and renders nothing itself.

    Args:
        tell: Told of each.
        offset: Constant part of each channel.
        sample_rate: In Hz.
        every_s: Least time between two, in seconds.
    """

    def __init__(
        self, tell: OnBest, offset: Float[torch.Tensor, " channels"], sample_rate: int, every_s: float = EVERY_S
    ) -> None:
        self._tell, self._offset, self._sample_rate, self._every_s = tell, offset.unsqueeze(1), sample_rate, every_s
        self._told_at = -float("inf")
        self._whole: torch.Tensor | None = None
        self._rendered: torch.Tensor | None = None

    def begin(self, n_samples: int) -> None:
        """A sound of this length is looked for; it is silent until something is put in."""
        self._whole = self._offset.new_zeros(len(self._offset), n_samples)

    def put(self, first: int, sound: Float[torch.Tensor, "channels part"]) -> None:
        """From sample `first` on, this is the best so far."""
        if self._whole is not None:
            self._whole[:, first : first + sound.shape[1]] = sound.detach()

    @property
    def due(self) -> bool:
        """True if it is time to report again."""
        return time.perf_counter() - self._told_at >= self._every_s

    def rendered(self, sound: Float[torch.Tensor, "channels part"]) -> None:
        """A step has rendered this; whether it is any better is known only later."""
        # A copy, because the loss may reuse what the renderer gave it.
        self._rendered = sound.detach().clone() if self.due else None

    def judged(self, first: int, step: int, loss: float, best: float) -> None:
        """The loss of what was rendered last, and the lowest of all."""
        if self._rendered is None or self._whole is None or loss > best:
            return
        self.put(first, self._rendered)
        self._rendered = None
        self._tell(Best((self._whole + self._offset).cpu(), self._sample_rate, step, loss))
        self._told_at = time.perf_counter()
