"""One job in a worker: unpickle, call, pickle; errors become texts, and the wish to stop is seen inside the job."""

from __future__ import annotations

import pickle
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ddsp_match.core.errors import MatchError


@dataclass(frozen=True)
class Reply:
    """The answer of a worker.

    Attributes:
        payload: The pickled result; empty where there is an error.
        error: Why there is no result.
        traceback: Where the exception came from; empty for errors of ours.
    """

    payload: bytes = b""
    error: str = ""
    traceback: str = ""


def pickle_function(function: Callable[[Any], Any]) -> bytes:
    """Pickle a function by its name, for a worker to import.

    Raises:
        TypeError: A lambda, a method of an object, a function of the script that is being run.
    """
    name, module = getattr(function, "__qualname__", repr(function)), getattr(function, "__module__", "__main__")
    # a worker has another __main__: what pickles here would not be found there
    if module == "__main__" or "<" in name:
        raise TypeError(f"{name} of {module} cannot be sent to a worker: it must be a function of a module")
    return pickle.dumps(function)


def error_text(error: BaseException) -> str:
    """Return an exception as a text: our own errors as they are, others with the name of their type first."""
    try:
        text = str(error)
    except Exception:
        text = "(its message cannot be read)"
    if isinstance(error, MatchError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def perform(function: Callable[[Any], Any], payload: bytes) -> Reply:
    """Run one pickled job.

    A result that cannot be pickled is an error like any other, found here and not on the way.
    """
    try:
        job = pickle.loads(payload)
    except Exception as error:
        return Reply(error=f"the job could not be read by the worker: {error_text(error)}")
    try:
        result = function(job)
    except MatchError as error:
        return Reply(error=error_text(error))
    # SystemExit: a job that wants to leave has failed, its worker need not go
    except (Exception, SystemExit) as error:
        return Reply(error=error_text(error), traceback=traceback.format_exc())
    try:
        return Reply(payload=pickle.dumps(result, pickle.HIGHEST_PROTOCOL))
    except Exception as error:
        return Reply(error=f"the result cannot be sent back: {error_text(error)}")


def cap_torch(threads: int) -> None:
    """Hold torch to this many threads, where it is loaded; the environment has told it so before it was."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() > threads:
        torch.set_num_threads(threads)


_asked: Callable[[], bool] | None = None


def asked_to_stop() -> bool:
    """Say whether the job that runs in this process was asked to end early.

    A job that looks here now and then (between sounds, between steps) ends within moments of a Ctrl-C and can
    hand back what it has; one that does not is cut off a few seconds later. False outside an engine.
    """
    return _asked is not None and _asked()


@contextmanager
def stop_request(asked: Callable[[], bool] | None) -> Iterator[None]:
    """While this lasts, `asked_to_stop` answers what `asked` says."""
    global _asked
    before, _asked = _asked, asked
    try:
        yield
    finally:
        _asked = before
