"""Adam, without the compiler that torch's own loads, for one sound or a batch of independent ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cache
from types import ModuleType

import numpy as np
import torch


@cache
def kernels() -> ModuleType | None:
    """The compiled step; None where numba finds no folder that it may write what it compiled to."""
    try:
        from ddsp_match.fitting.optimise import adam_kernels
    except RuntimeError:
        return None
    return adam_kernels


class Adam:
    """Adam (Kingma and Ba 2015), and AdamW (Loshchilov and Hutter 2019) where `weight_decay` is given.

    The steps of `torch.optim.Adam`, to rounding (tested). Its own because torch's loads the compiler on its first
    step: 1.1 s, a quarter of a short fit, also with ``foreach=True``. A step of 8,000 numbers takes 0.12 ms (foreach:
    0.24), one of 200,000 takes 0.21 ms (foreach: 0.69, ``fused=True``: 0.30), measured in one run on one thread; and
    torch's know neither sounds that rest nor gains of their own.

    Several sounds may be moved at once, each as if alone: their parameters' first axis is rows, and each sound counts
    its own steps.

    Args:
        groups: As torch's optimisers take them: ``{"params": [...], "lr": ...}``.
        lr: Learning rate of groups without one.
        betas: Memories of gradient and squared gradient.
        weight_decay: Share of a parameter that is taken off each step, times the learning rate.
        owners: Sound of each row, where there are several; None: all parameters are one sound's.
    """

    EPSILON = 1e-8
    LEAST_COMPILED = 4096  # numbers in a parameter below which starting a compiled loop does not pay

    def __init__(
        self,
        groups: list[dict],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        weight_decay: float = 0.0,
        owners: Sequence[int] | None = None,
    ) -> None:
        self.groups = [{"lr": lr, **group} for group in groups]
        self.betas, self.weight_decay = betas, weight_decay
        self.owners = [0] if owners is None else list(owners)
        self.counts = [0] * (max(self.owners) + 1)
        self._memory = [
            [(torch.zeros_like(p), torch.zeros_like(p)) for p in group["params"]] for group in self.groups
        ]

    def forget(self, sound: int = 0) -> None:
        """Starts a sound anew from its present parameters, without momentum."""
        self.counts[sound] = 0
        rows = [row for row, owner in enumerate(self.owners) if owner == sound]
        for memory in self._memory:
            for kept in (kept for pair in memory for kept in pair):
                if len(self.counts) == 1:
                    kept.zero_()
                else:
                    kept[rows] = 0

    def zero_grad(self) -> None:
        """Drops the gradients."""
        for group in self.groups:
            for p in group["params"]:
                p.grad = None

    @torch.no_grad()
    def step(self, paces: Sequence[float] = (1.0,), gains: Sequence[float] = (1.0,)) -> None:
        """Moves every parameter that has a gradient.

        Args:
            paces: Of each sound: factor of the learning rate. 0: the sound rests, whatever its gradient is.
            gains: Of each sound: factor of the gradient.
        """
        if not any(paces):
            return
        for sound, pace in enumerate(paces):
            self.counts[sound] += pace > 0
        scales = [self._scales(pace, count) for pace, count in zip(paces, self.counts, strict=True)]
        for group, p, slope, mean, square in self._moved():
            rows = [
                (pace > 0, gain, group["lr"] * rate, shrink, 1 - group["lr"] * pace * self.weight_decay)
                for pace, gain, (rate, shrink) in zip(paces, gains, scales, strict=True)
            ]
            if self._compilable(p):
                self._compiled_step(p, slope, mean, square, [rows[owner] for owner in self.owners])
            elif len(self.counts) == 1:
                self._step(p, slope, mean, square, *rows[0])
            else:
                # As columns beside the parameter's rows.
                table = torch.tensor([rows[owner] for owner in self.owners]).to(p)
                columns = table.T.reshape(table.shape[1], -1, *[1] * (p.dim() - 1))
                if not all(paces):
                    slope = torch.where(columns[0] > 0, slope, 0)
                self._step(p, slope, mean, square, *columns)

    def _scales(self, pace: float, count: int) -> tuple[float, float]:
        """Factor of the learning rate, and of the root of the mean square, after so many steps."""
        if not pace:
            return 0.0, 1.0
        first, second = self.betas
        return pace / (1 - first**count), 1 / math.sqrt(1 - second**count)

    def _moved(self) -> Iterator[tuple[dict, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]]:
        for group, memory in zip(self.groups, self._memory, strict=True):
            for p, (mean, square) in zip(group["params"], memory, strict=True):
                if p.grad is not None:
                    yield group, p, p.grad, mean, square

    def _step(self, p, slope, mean, square, moving, gain, rate, shrink, keep) -> None:
        """One step in tensor operations; each of the last five is a number or a column of one a row."""
        gradient, fresh = slope * gain, moving * (1 - self.betas[1])
        mean.lerp_(gradient, moving * (1 - self.betas[0]))
        square.mul_(1 - fresh).add_(gradient.square_().mul_(fresh))
        size = square.sqrt().mul_(shrink).add_(self.EPSILON)
        p.mul_(keep).sub_(mean.mul(rate).div_(size))

    def _compilable(self, p: torch.Tensor) -> bool:
        return (
            p.device.type == "cpu"
            and p.dtype == torch.float32
            and p.is_contiguous()
            and p.numel() >= self.LEAST_COMPILED
            and kernels() is not None
        )

    def _compiled_step(
        self, p: torch.Tensor, slope: torch.Tensor, mean: torch.Tensor, square: torch.Tensor, rows: list[tuple]
    ) -> None:
        loops = kernels()
        assert loops is not None
        arrays = [x.detach().contiguous().numpy().reshape(len(rows), -1) for x in (p, slope, mean, square)]
        moving, *numbers = (np.array(column) for column in zip(*rows, strict=True))
        loops.step(*arrays, moving, *(column.astype(np.float32) for column in numbers), *self.betas, self.EPSILON)
