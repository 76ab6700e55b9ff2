"""Where the numbers are worked on: the choice of a device, and how much memory it has to give."""

from __future__ import annotations

import torch

from ddsp_match.core.errors import ConfigError
from ddsp_match.core.free_memory import free_bytes

DEVICES = ("auto", "cpu", "cuda", "mps")


def device_of(name: str) -> torch.device:
    """The device of a name: ``auto`` takes the first there is of cuda, mps and cpu.

    Raises:
        ConfigError: There is no such device here, or no such name.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    elif name == "cuda" and not torch.cuda.is_available():
        if torch.version.cuda is None and torch.version.hip is None:
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
    elif name == "mps" and not torch.backends.mps.is_available():
        built = torch.backends.mps.is_built()
        raise ConfigError(
            "no MPS device" if built else f"torch {torch.__version__}, built without MPS",
            where="device=mps",
            needed="a Mac with Apple silicon and macOS 14 or later",
            hint="device=auto",
        )
    elif name not in DEVICES:
        raise ConfigError(f"device {name!r}", where="device", needed=", ".join(DEVICES[:-1]) + " or " + DEVICES[-1])
    return torch.device(name)


def has_float64(device: torch.device) -> bool:
    """Whether a device knows double precision; Apple's GPUs do not."""
    return device.type != "mps"


def memory_free(device: torch.device, workers: int = 1) -> int:
    """Bytes that one of several workers may take from a device as things stand.

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
