"""A stand-in for a GPU: what runs on the device `meta` under `OneDevice` would run on any one device."""

from __future__ import annotations

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

COPIES = ("aten::_to_copy", "aten::copy_", "aten::to")
READS = ("aten::_local_scalar_dense", "aten::item", "aten::is_nonzero")


class OneDevice(TorchDispatchMode):
    """Fails at an operation whose tensors lie on two devices, and at a copy from one to the other.

    The meta device computes shapes and no numbers, and asks for no hardware; left to itself it lets many mixtures
    pass that a GPU refuses. A value that the host would have to wait for fails there by itself.

    Args:
        copies: Allow copies between devices (while tables are built, not in a step).
        answer: Value of every scalar that the host reads; without one, reading fails.
    """

    def __init__(self, *, copies: bool = False, answer: bool | None = None) -> None:
        super().__init__()
        self.copies, self.answer = copies, answer

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func._schema.name
        if name in READS and self.answer is not None:
            return self.answer
        result = func(*args, **(kwargs or {}))
        tensors = [t for t in tree_leaves((args, kwargs, result)) if isinstance(t, torch.Tensor) and t.ndim]
        devices = {t.device.type for t in tensors}
        if len(devices) > 1 and not (self.copies and name in COPIES):
            raise AssertionError(f"{name} on {sorted(devices)}")
        return result
