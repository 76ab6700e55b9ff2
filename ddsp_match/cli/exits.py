"""What the exit codes of the command mean."""

from __future__ import annotations

EXIT_OK, EXIT_BUG, EXIT_USER = 0, 1, 2  # and 3 of the verb effect
EXIT_INTERRUPTED, EXIT_PIPE = 130, 141  # as a shell says it: 128 and the number of the signal
_FAILED, _MOST = 100, 100


def exit_failed(number: int) -> int:
    """How a command over many sounds ends: 0 where none failed, else 100 and their number, 200 for 100 and more."""
    return _FAILED + min(number, _MOST) if number else EXIT_OK
