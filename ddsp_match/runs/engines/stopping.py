"""The wish to stop, as a running job sees it, whichever engine runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_asked: Callable[[], bool] | None = None


def asked_to_stop() -> bool:
    """Whether the job that runs in this process was asked to end early.

    A job that looks here now and then (between sounds, between steps) ends within moments of a Ctrl-C and can
    hand back what it has; one that does not is cut off a few seconds later. False outside an engine.
    """
    return _asked is not None and _asked()


@contextmanager
def told_by(asked: Callable[[], bool] | None) -> Iterator[None]:
    """While this lasts, `asked_to_stop` answers what `asked` says."""
    global _asked
    before, _asked = _asked, asked
    try:
        yield
    finally:
        _asked = before
