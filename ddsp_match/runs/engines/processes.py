"""Worker processes on this machine.

Each worker is a fresh interpreter (`subprocess`) with one socket pair to the parent (`multiprocessing.connection`).
Measured against libraries, with 8 jobs of which one kills its worker, on two workers:

- `concurrent.futures` and joblib's loky share one queue among all workers, whose lock a killed worker may hold: loky
  gave up 6 or 7 of the 8 jobs (here: only the one to blame), and had its first result after 0.47 s (here: 0.29 s).
- pebble gives up only the one job, first result after 0.36 s, but starts workers by `multiprocessing`, which imports
  the user's ``__main__`` in each: a script without ``if __name__ == "__main__"`` ran three times.
- A fresh interpreter gets its environment (threads, GPU) before it has loaded anything, without a moment in which
  the parent's is changed, and it needs no resource tracker beside it.
- A fork server would save each worker the second or two of loading torch. Against runs of minutes that is nothing; in
  return, torch's and numba's threads do not survive a fork, nor does CUDA.

The system closes a worker's end of the socket when the parent dies, however it does: the worker then ends.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from multiprocessing import connection as connections
from typing import IO, Any

from ddsp_match.core.settings.many import EngineSettings
from ddsp_match.runs.engines.machine import gpus, on_gpus, thread_environment, threads_each, worker_count
from ddsp_match.runs.engines.pool import GRACE_S, Event, Exited, PoolEngine
from ddsp_match.runs.engines.worker import Setup

# A worker's first lines: Ctrl-C is for the parent to handle (until here it is blocked), and modules are searched where
# the parent searches them. The arguments are the number of the socket, then sys.path.
_BOOT = (
    "import signal, sys;"
    "signal.signal(signal.SIGINT, signal.SIG_IGN);"
    "signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT});"
    "sys.path[:] = sys.argv[2:];"
    "from ddsp_match.runs.engines.worker import main;"
    "main(int(sys.argv[1]))"
)
# An idle worker ends within tenths of a second; one that hangs in a library's clean-up is not waited for.
_CLOSE_S = 5.0


class Processes(PoolEngine["_Worker"]):
    """Worker processes; see `Engine`.

    Args:
        settings: How many workers (None: one a core, one a GPU on cuda), how often a job is tried again.
        threads: Threads of each worker; None: the cores divided among them.
        device: What the jobs compute on. On cuda each worker sees one GPU only.
        grace_s: Seconds that running jobs are given to come to an end when they are asked to stop.
    """

    def __init__(self, settings: EngineSettings, *, threads: int | None, device: str, grace_s: float = GRACE_S) -> None:
        super().__init__(worker_count(settings.workers, device), settings.retries, grace_s)
        self.threads = threads_each(threads, self.workers)
        self.gpus = gpus() if on_gpus(device) else []

    def new_pool(self, function: bytes) -> _Pool:
        """See `PoolEngine`."""
        return _Pool(function, self.threads, self.gpus)


@dataclass(eq=False)
class _Worker:
    process: subprocess.Popen[bytes]
    connection: connections.Connection
    log: IO[bytes]  # what it prints; a file without a name
    gpu: str | None
    idle: bool = False

    def send(self, kind: str, payload: bytes = b"") -> None:
        try:
            self.connection.send((kind, payload))
        except OSError:
            pass  # it is dead, which the next `wait` notices

    def exit_reason(self) -> str:
        """End it if need be; return how it ended."""
        try:
            code = self.process.wait(timeout=1)  # its socket closes a moment before it is gone
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        reason = f"ended with exit code {code}"
        if code == -signal.SIGKILL:
            reason = "killed by SIGKILL, as the system does where memory runs out"
        elif code < 0:
            reason = f"killed by {signal.Signals(-code).name}"
        if line := self._last_line():
            reason += f" (its last output: {line})"
        self.release()
        return reason

    def release(self) -> None:
        self.connection.close()
        self.log.close()

    def _last_line(self) -> str:
        size = self.log.seek(0, os.SEEK_END)
        self.log.seek(max(0, size - 4096))
        lines = self.log.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1].strip()[:300] if lines else ""


class _Pool:
    """See `pool.Pool`."""

    def __init__(self, function: bytes, threads: int, gpus: list[str]) -> None:
        self.function, self.threads, self.gpus = function, threads, gpus
        self.workers: list[_Worker] = []

    def start(self) -> _Worker:
        parent_end, worker_end = connections.Pipe()
        gpu = self._least_used_gpu()
        environment = {**os.environ, **thread_environment(self.threads)}
        if gpu is not None:
            environment["CUDA_VISIBLE_DEVICES"] = gpu
        log = tempfile.TemporaryFile()
        # blocked signals stay blocked in the child: a Ctrl-C in its first moments waits until it is ignored
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process = subprocess.Popen(
                [sys.executable, "-c", _BOOT, str(worker_end.fileno()), *sys.path],
                env=environment,
                pass_fds=[worker_end.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            worker = _Worker(process, parent_end, log, gpu)
            self.workers.append(worker)  # before a Ctrl-C is let in, or `close` would not know of it
        except BaseException:
            parent_end.close()
            log.close()
            raise
        finally:
            worker_end.close()
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        worker.send("setup", Setup(self.function, self.threads, os.getpid()).packed())
        return worker

    def send(self, worker: _Worker, payload: bytes) -> None:
        worker.idle = False
        worker.send("job", payload)

    def wait(self, seconds: float) -> list[tuple[_Worker, Event]]:
        readable = set(connections.wait([worker.connection for worker in self.workers], seconds))
        events: list[tuple[_Worker, Event]] = []
        for worker in list(self.workers):
            if worker.connection in readable:
                events.append((worker, self._message(worker)))
            # dead, but a child that it forked still holds its socket open
            elif worker.process.poll() is not None and not worker.connection.poll():
                events.append((worker, self._exited(worker)))
        return events

    def ask_to_stop(self) -> None:
        for worker in self.workers:
            worker.send("stop")

    def close(self) -> None:
        closing, self.workers = self.workers, []
        for worker in closing:
            if worker.idle:
                worker.send("end")
            else:
                worker.process.kill()
        end = time.monotonic() + _CLOSE_S
        for worker in closing:
            try:
                worker.process.wait(timeout=max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
            worker.release()

    def _message(self, worker: _Worker) -> Event:
        try:
            message: Any = worker.connection.recv()
        except (EOFError, OSError):
            return self._exited(worker)
        worker.idle = True  # it sends a message when it is ready, and when a job is done
        return message

    def _exited(self, worker: _Worker) -> Exited:
        self.workers.remove(worker)
        return Exited(worker.exit_reason())

    def _least_used_gpu(self) -> str | None:
        used = Counter(worker.gpu for worker in self.workers)
        return min(self.gpus, key=lambda name: used[name]) if self.gpus else None
