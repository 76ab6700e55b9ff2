"""The exit codes of the command."""

from __future__ import annotations

EXIT_OK, EXIT_BUG, EXIT_USER = 0, 1, 2  # and 3 of the verb effect
EXIT_INTERRUPTED, EXIT_PIPE = 130, 141  # as a shell says it: 128 and the number of the signal
_FAILED, _MOST = 100, 100


def exit_failed(number: int) -> int:
    """The exit code of a command over many sounds: 0, or 100 and the number of failures, at most 200."""
    return _FAILED + min(number, _MOST) if number else EXIT_OK
