"""The state of each sound in the loop: its progress, its stop rule and its best numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from ddsp_match.core.settings import OptimizerSettings
from ddsp_match.dsp.rows import Rows
from ddsp_match.fitting.optimise.trace import StopReason, Trace

MAX_RECOVERIES = 5
# Where a fit starts close, the first steps, as large as they are where it starts far off, may ruin more than all others
# mend (measured: from a loss of 0.009 to 0.27, and after 60 steps to 0.013). Such a step is taken back.
FIRST_STEPS, TOO_FAR, LEAST_PACE = 10, 2.0, 1 / 64


@dataclass
class Course:
    """The progress of one sound.

    Attributes:
        trace: Its losses, step by step.
        running: Whether it goes on.
        caution: Factor of its pace, less after every step that had to be taken back.
        draws: Steps over which a loss is averaged before it is compared.
    """

    trace: Trace = field(default_factory=Trace)
    running: bool = True
    caution: float = 1.0
    draws: int = 1
    lowest: float = math.inf
    _recent: list[float] = field(default_factory=list)
    _marked: float = math.inf
    _marked_at: int = 0

    def note(self, settings: OptimizerSettings, step: int, loss: float, seconds: float) -> bool:
        """Takes down a step's loss, if that is a number; true if it is the lowest so far."""
        if not math.isfinite(loss):
            return False
        self._recent.append(loss)
        loss = sum(self._recent[-self.draws :]) / len(self._recent[-self.draws :])
        self.trace.add(step, loss, seconds)
        if loss < self._marked * (1 - settings.min_improvement):
            self._marked, self._marked_at = loss, step
        if loss >= self.lowest:
            return False
        self.lowest = loss
        return True

    def overshoots(self, step: int, loss: float) -> bool:
        """True if one of the first steps led far off; the pace then falls to what would about double the loss.

        A loss grows about linearly with the step away from where it is lowest.
        """
        if step > FIRST_STEPS or loss <= TOO_FAR * self.lowest:
            return False
        self.caution *= max(self.lowest / (loss - self.lowest), LEAST_PACE)
        return True

    def end(self, settings: OptimizerSettings, step: int, common: StopReason | None, *, last: bool) -> None:
        """Stops where there is a reason to: `common` holds for every sound, and so does the `last` step."""
        if settings.target_loss is not None and self.lowest <= settings.target_loss:
            self.stop(StopReason.TARGET)
        elif common:
            self.stop(common)
        elif settings.patience and step - self._marked_at >= settings.patience:
            self.stop(StopReason.PLATEAU)
        elif last:
            self.stop(StopReason.STEPS)

    def recover(self) -> None:
        """Goes on at half the pace, or stops where that was tried too often."""
        self.trace.recoveries += 1
        self.caution /= 2
        if self.trace.recoveries > MAX_RECOVERIES:
            self.stop(StopReason.DIVERGED)

    def stop(self, reason: StopReason) -> None:
        """Goes no further."""
        self.running, self.trace.reason = False, reason


class Sounds:
    """The parameters of independent sounds, whose first axis is rows unless there is one sound only.

    Args:
        parameters: What is optimised.
        owners: Sound of each row; None: all parameters are one sound's, of whatever shape.
    """

    def __init__(self, parameters: list[torch.Tensor], owners: Sequence[int] | None) -> None:
        self.parameters = parameters
        self._best = [p.detach().clone() for p in parameters]
        self._owners = [0] if owners is None else list(owners)
        self.count = max(self._owners) + 1
        self._rows = None
        if self.count > 1:
            for p in parameters:
                if p.dim() == 0 or len(p) != len(self._owners):
                    raise ValueError(f"a parameter of shape {tuple(p.shape)} beside {len(self._owners)} rows")
            self._rows = Rows(len(self._owners), 1, self._owners, device=parameters[0].device)

    def gradient_norms(self) -> torch.Tensor:
        """Norm of each sound's gradient, ``(sounds,)``; not finite where the gradient is not."""
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        if not gradients:
            return self.parameters[0].new_zeros(self.count)
        if self._rows is None:
            norms = torch.stack([torch.linalg.vector_norm(g) for g in gradients])
            return torch.linalg.vector_norm(norms).unsqueeze(0)
        norms = torch.stack([torch.linalg.vector_norm(g.flatten(1), dim=1) for g in gradients])
        return self._rows.summed(norms.square().sum(0)).sqrt()

    def keep(self, sounds: Sequence[int]) -> None:
        """Remembers the present numbers of some sounds as their best."""
        self._copy([p.detach() for p in self.parameters], self._best, sounds)

    def restore(self, sounds: Sequence[int]) -> None:
        """Puts some sounds back to their best numbers."""
        with torch.no_grad():
            self._copy(self._best, self.parameters, sounds)

    def _copy(self, sources: list[torch.Tensor], targets: list[torch.Tensor], sounds: Sequence[int]) -> None:
        if not sounds:
            return
        if len(sounds) == self.count:
            for source, target in zip(sources, targets, strict=True):
                target.copy_(source)
            return
        chosen = set(sounds)
        rows = torch.tensor([row for row, owner in enumerate(self._owners) if owner in chosen]).to(sources[0].device)
        for source, target in zip(sources, targets, strict=True):
            target.index_copy_(0, rows, source.index_select(0, rows))
