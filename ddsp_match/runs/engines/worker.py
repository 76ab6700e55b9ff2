"""A worker process: import the function, do jobs one by one, end on request or when the parent is gone."""

from __future__ import annotations

import fcntl
import os
import pickle
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import SimpleQueue

from ddsp_match.runs.engines.job import cap_torch, error_text, perform, stop_request
from ddsp_match.runs.engines.pool import Ready, Unusable

# How soon a worker sees that its parent has gone where the socket does not tell (a fork of the parent holds it open).
_WATCH_S = 1.0
# What it may print before the oldest is thrown away: a run of days over a noisy library should not fill the disk.
_LOG_BYTES = 1 << 20


@dataclass(frozen=True)
class Setup:
    """The first message to a worker.

    Attributes:
        function: Does a job, pickled by name.
        threads: Threads it may use; its environment says the same.
        parent: Process id of the process that started it.
    """

    function: bytes
    threads: int
    parent: int

    def packed(self) -> bytes:
        """Pickle it for the worker."""
        return pickle.dumps(self)


def main(descriptor: int) -> None:
    """Work until the parent says that it is over.

    Args:
        descriptor: Number of the socket to the parent, inherited from it.
    """
    # the output is appended, so that it can be cut off at the front
    fcntl.fcntl(2, fcntl.F_SETFL, fcntl.fcntl(2, fcntl.F_GETFL) | os.O_APPEND)
    connection = Connection(descriptor)
    try:
        _, packed = connection.recv()
    except EOFError:
        return
    setup: Setup = pickle.loads(packed)
    inbox: SimpleQueue[bytes | None] = SimpleQueue()
    stop = threading.Event()
    # a thread of its own: the parent's end is seen in the middle of a job, too
    threading.Thread(target=_listen, args=(connection, setup.parent, inbox, stop), daemon=True).start()
    try:
        function = pickle.loads(setup.function)
    except (Exception, SystemExit) as error:
        connection.send(Unusable(error_text(error)))
    else:
        connection.send(Ready())
        with stop_request(stop.is_set):
            while (payload := inbox.get()) is not None:
                cap_torch(setup.threads)
                connection.send(perform(function, payload))
                if os.fstat(2).st_size > _LOG_BYTES:
                    os.ftruncate(2, 0)


def _listen(connection: Connection, parent: int, inbox: SimpleQueue[bytes | None], stop: threading.Event) -> None:
    """Take what the parent sends; end the process when the parent is gone."""
    try:
        while os.getppid() == parent:
            if not connection.poll(_WATCH_S):
                continue
            kind, payload = connection.recv()
            if kind == "stop":
                stop.set()
            elif kind == "job":
                inbox.put(payload)
            else:
                inbox.put(None)
                return
    except (EOFError, OSError):
        pass
    # not sys.exit: the main thread is in the middle of a job, or waits for one that will not come
    os._exit(1)
