"""Buffers that are reused: touching fresh pages costs as much time as a matrix product that fills them."""

from __future__ import annotations

import math

import torch


class Scratch:
    """Named float32 buffers that grow to the largest size asked for and are handed out again.

    Not for results: what `take` returned under a name is overwritten by the next user of that name.

    Args:
        device: Where the memory is; by default torch's default device.
    """

    def __init__(self, device: torch.device | None = None) -> None:
        self._device = device
        self._buffers: dict[str, torch.Tensor] = {}

    def take(self, name: str, *shape: int) -> torch.Tensor:
        """An uninitialised tensor of this shape."""
        size = math.prod(shape)
        buffer = self._buffers.get(name)
        if buffer is None or buffer.numel() < size:
            buffer = self._buffers[name] = torch.empty(size, device=self._device)
        return buffer[:size].view(shape)
