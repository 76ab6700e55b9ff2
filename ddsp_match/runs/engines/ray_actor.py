"""What runs on Ray: one of these is a worker. It must be importable on every node, and does not need ray itself."""

from __future__ import annotations

import pickle
import threading

from ddsp_match.runs.engines.performing import Reply, cap_torch, perform, words_of
from ddsp_match.runs.engines.stopping import told_by


class Actor:
    """A worker; Ray calls its methods.

    Args:
        function: What it will do, pickled by name.
        threads: Threads it may use.
    """

    def __init__(self, function: bytes, threads: int) -> None:
        self.threads = threads
        self.stop = threading.Event()
        self.useless = ""
        try:
            self.function = pickle.loads(function)
        except (Exception, SystemExit) as error:
            self.useless = words_of(error)

    def ready(self) -> str:
        """Empty, or why the function cannot be imported here."""
        return self.useless

    def perform(self, payload: bytes) -> Reply:
        """Run one pickled job."""
        cap_torch(self.threads)
        with told_by(self.stop.is_set):
            return perform(self.function, payload)

    def ask_to_stop(self) -> None:
        """Called beside `perform`, on another thread."""
        self.stop.set()
