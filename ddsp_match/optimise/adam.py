"""Adam, without the compiler that torch's own loads."""

from __future__ import annotations

import math

import torch


class Adam:
    """Adam (Kingma and Ba 2015), and AdamW (Loshchilov and Hutter 2019) where `weight_decay` is given.

    The steps of `torch.optim.Adam`, to rounding (tested). Its own because torch's loads the compiler on its first
    step: more than a second, a quarter of a short fit.

    Args:
        groups: As torch's optimisers take them: ``{"params": [...], "lr": ...}``.
        lr: Learning rate of groups without one.
        betas: Memories of gradient and squared gradient.
        weight_decay: Share of a parameter that is taken off each step, times the learning rate.
    """

    EPSILON = 1e-8

    def __init__(
        self, groups: list[dict], lr: float, betas: tuple[float, float] = (0.9, 0.999), weight_decay: float = 0.0
    ) -> None:
        self.groups = [{"lr": lr, **group} for group in groups]
        self.betas, self.weight_decay = betas, weight_decay
        self.forget()

    def forget(self) -> None:
        """Starts anew from the present parameters, without momentum."""
        self.count = 0
        self._memory = [
            [(torch.zeros_like(p), torch.zeros_like(p)) for p in group["params"]] for group in self.groups
        ]

    def zero_grad(self) -> None:
        """Drops the gradients."""
        for group in self.groups:
            for p in group["params"]:
                p.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Moves every parameter that has a gradient."""
        self.count += 1
        first, second = self.betas
        scale, shrink = 1 - first**self.count, math.sqrt(1 - second**self.count)
        for group, memory in zip(self.groups, self._memory, strict=True):
            for p, (mean, square) in zip(group["params"], memory, strict=True):
                if p.grad is None:
                    continue
                mean.lerp_(p.grad, 1 - first)
                square.mul_(second).addcmul_(p.grad, p.grad, value=1 - second)
                if self.weight_decay:
                    p.mul_(1 - group["lr"] * self.weight_decay)
                size = square.sqrt().div_(shrink).add_(self.EPSILON)
                p.addcdiv_(mean, size, value=-group["lr"] / scale)
