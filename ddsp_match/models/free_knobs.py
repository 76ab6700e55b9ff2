"""Knobs of effects as free numbers: what a fit optimises beside the controls."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch

from ddsp_match.core.params import Parameter


class FreeKnobs(torch.nn.Module):
    """Positions along the ranges of knobs, kept between 0 and 1.

    A sigmoid has no slope at its ends, where many effects are neutral, so it is positions that are free. Beyond an end
    the knob stays there, and its gradient still points back inside.

    Args:
        ranges: Of every knob, by name; ``linear`` or ``log``.
        start: Values to start from, in the shapes that are wanted back.
        held: Names of knobs that stay where they are.
    """

    def __init__(
        self, ranges: Mapping[str, Parameter], start: Mapping[str, torch.Tensor], held: Collection[str] = ()
    ) -> None:
        super().__init__()
        self.ranges = dict(ranges)
        self.held = {name: start[name].detach().clone() for name in ranges if name in held}
        self.names = [name for name in ranges if name not in held]
        self.positions = torch.nn.ParameterList(
            torch.nn.Parameter(ranges[name].position(start[name].detach()).clamp(0.0, 1.0)) for name in self.names
        )

    def forward(self) -> dict[str, torch.Tensor]:
        """The values of all knobs."""
        values = dict(self.held)
        for name, free in zip(self.names, self.positions, strict=True):
            inside = free + (free.clamp(0.0, 1.0) - free).detach()
            values[name] = self.ranges[name].at(inside)
        return {name: values[name] for name in self.ranges}

    def groups(self, lr: float) -> list[dict]:
        """Parameter groups for an optimiser; none where all knobs are held.

        The numbers of a long row (taps of a filter) act together: each goes the slower the more they are.
        """
        return [{"params": [free], "lr": lr / free[0].numel() ** 0.5} for free in self.positions]
