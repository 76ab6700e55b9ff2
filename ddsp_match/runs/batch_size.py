"""The number of sounds fitted together: the fastest, and the most that memory allows."""

from __future__ import annotations

from ddsp_match.runs.engines.machine import on_gpus

# On a processor a batch saves only the overhead of small operations, and its tensors must stay near the caches. A GPU
# is idle unless its kernels are large.
FASTEST_ON_CPU, FASTEST_ON_GPU = 4, 128
# Of memory for each sample of a row: free numbers with their gradients and momenta, spectra of six sizes.
BYTES_PER_SAMPLE = 600
MEMORY_SHARE = 0.5  # of what is free: others want some too, and allocators leave holes


def fastest_rows(device: str) -> int:
    """Return how many rows (channels of sounds) are fitted fastest at once; what memory allows is known in the worker.

    Args:
        device: As in the settings.
    """
    return FASTEST_ON_GPU if on_gpus(device) or device == "mps" else FASTEST_ON_CPU


def rows_in_memory(n_samples: int, free_bytes: int) -> int:
    """Return how many rows of a length fit into memory, at least one.

    Args:
        n_samples: Samples of a row.
        free_bytes: What the device has.
    """
    return max(1, int(MEMORY_SHARE * free_bytes / (BYTES_PER_SAMPLE * n_samples)))
