"""Choose the device that computes, and measure the memory that it has free."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ddsp_match.core.errors import ConfigError
from ddsp_match.core.free_memory import free_bytes

DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class Backends:
    """The GPUs of a machine, and those that its torch was built for."""

    cuda: bool
    mps: bool
    cuda_built: bool
    mps_built: bool

    @classmethod
    def here(cls) -> Backends:
        """Return those of this machine."""
        mps = torch.backends.mps
        built = torch.version.cuda is not None or torch.version.hip is not None
        return cls(torch.cuda.is_available(), mps.is_available(), built, mps.is_built())


def device_of(name: str, backends: Backends | None = None) -> torch.device:
    """Return the device of a name: ``auto`` takes the first there is of cuda, mps and cpu.

    Args:
        name: One of `DEVICES`.
        backends: The GPUs to choose from; by default those of this machine.

    Raises:
        ConfigError: There is no such device, or no such name.
    """
    there = backends or Backends.here()
    if name == "auto":
        name = "cuda" if there.cuda else "mps" if there.mps else "cpu"
    elif name == "cuda" and not there.cuda:
        if not there.cuda_built:
            raise ConfigError(
                f"torch {torch.__version__}, built without CUDA",
                where="device=cuda",
                needed="a CUDA build of torch and an NVIDIA GPU",
                hint="device=auto, or install the CUDA build (see pytorch.org/get-started)",
            )
        raise ConfigError(
            "no CUDA device",
            where="device=cuda",
            needed="an NVIDIA GPU with a working driver (nvidia-smi lists it), not hidden by CUDA_VISIBLE_DEVICES",
            hint="device=auto",
        )
    elif name == "mps" and not there.mps:
        raise ConfigError(
            "no MPS device" if there.mps_built else f"torch {torch.__version__}, built without MPS",
            where="device=mps",
            needed="a Mac with Apple silicon and macOS 14 or later",
            hint="device=auto",
        )
    elif name not in DEVICES:
        raise ConfigError(f"device {name!r}", where="device", needed=", ".join(DEVICES[:-1]) + " or " + DEVICES[-1])
    return torch.device(name)


def has_float64(device: torch.device) -> bool:
    """Tell if a device has double precision; Apple's GPUs have not."""
    return device.type != "mps"


def memory_free(device: torch.device, workers: int = 1) -> int:
    """Return the bytes of a device that one of several workers may take at the moment.

    On cuda what the driver reports as free and what torch holds without using it; on mps what the system recommends
    as the most, less what is taken; on the CPU what the system could give without swapping, within the limits of the
    control groups that this process is in (containers, Slurm).

    Args:
        device: From `device_of`.
        workers: Processes that share it.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        free += torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    elif device.type == "mps":
        free = torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    else:
        free = free_bytes()
    return max(0, int(free)) // max(1, workers)
