"""Waiting for something to happen, for as long as a busy machine may need."""

from __future__ import annotations

import time
from collections.abc import Callable

# What hangs ends here; no test measures anything by it.
HANG_S = 300.0


def wait_for(condition: Callable[[], object]) -> None:
    """Return as soon as the condition holds; fail when it looks as if it never will."""
    end = time.monotonic() + HANG_S
    while not condition():
        assert time.monotonic() < end, f"did not happen in {HANG_S:.0f} s"
        time.sleep(0.01)
