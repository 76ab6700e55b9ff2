"""One job in a worker: unpickle, call, pickle; whatever goes wrong becomes a text."""

from __future__ import annotations

import pickle
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ddsp_match.core.errors import MatchError


@dataclass(frozen=True)
class Reply:
    """What a worker sends back.

    Attributes:
        payload: The pickled result; empty where there is an error.
        error: Why there is no result.
        traceback: Where the exception came from; empty for errors of ours.
    """

    payload: bytes = b""
    error: str = ""
    traceback: str = ""


def packed_function(function: Callable[[Any], Any]) -> bytes:
    """The function by its name, for a worker to import.

    Raises:
        TypeError: A lambda, a method of an object, a function of the script that is being run.
    """
    name, module = getattr(function, "__qualname__", repr(function)), getattr(function, "__module__", "__main__")
    # a worker has another __main__: what pickles here would not be found there
    if module == "__main__" or "<" in name:
        raise TypeError(f"{name} of {module} cannot be sent to a worker: it must be a function of a module")
    return pickle.dumps(function)


def words_of(error: BaseException) -> str:
    """An exception as a text: our own errors as they are, others with the name of their type first."""
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
        return Reply(error=f"the job could not be read by the worker: {words_of(error)}")
    try:
        result = function(job)
    except MatchError as error:
        return Reply(error=words_of(error))
    # SystemExit: a job that wants to leave has failed, its worker need not go
    except (Exception, SystemExit) as error:
        return Reply(error=words_of(error), traceback=traceback.format_exc())
    try:
        return Reply(payload=pickle.dumps(result, pickle.HIGHEST_PROTOCOL))
    except Exception as error:
        return Reply(error=f"the result cannot be sent back: {words_of(error)}")


def cap_torch(threads: int) -> None:
    """Hold torch to this many threads, where it is loaded; the environment has told it so before it was."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() > threads:
        torch.set_num_threads(threads)
