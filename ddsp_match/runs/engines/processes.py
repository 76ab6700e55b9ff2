"""Worker processes on this machine.

Each worker is a fresh interpreter (`subprocess`) with one socket pair to us (`multiprocessing.connection`). Why not
what the standard library and joblib offer:

- `concurrent.futures` and joblib's loky share one queue among all workers. One that is killed may hold its lock, so
  both give the whole pool up, with every job in it. A socket each: the others do not notice.
- `multiprocessing`'s spawn and forkserver import the parent's ``__main__`` in every worker: a script that calls us
  without ``if __name__ == "__main__"`` would begin itself again. loky leaves that out and runs fresh interpreters, too.
- A fresh interpreter gets its environment (threads, GPU) before it has loaded anything, without a moment in which
  ours is changed, and it needs no resource tracker beside it.
- A fork server could fork workers that have torch already, and save each the second or two of loading it. Against
  runs of minutes that is nothing; in return, torch's and numba's threads do not survive a fork, nor does CUDA.

A worker that has nobody to work for ends: its end of the socket is closed by the system when we die, however we do.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait
from types import TracebackType
from typing import IO, Any, Self

from ddsp_match.core.settings.many import EngineSettings
from ddsp_match.runs.engines.base import Finished, J, R
from ddsp_match.runs.engines.crew import Died, Event, run_jobs
from ddsp_match.runs.engines.machine import gpus, on_gpus, thread_environment, threads_each, worker_count
from ddsp_match.runs.engines.performing import packed_function
from ddsp_match.runs.engines.worker import Setup

# The worker's first breath: Ctrl-C is the parent's to hear (until here it is blocked), and modules are found where
# the parent finds them. The arguments are the number of the socket, then sys.path.
_BOOT = (
    "import signal, sys;"
    "signal.signal(signal.SIGINT, signal.SIG_IGN);"
    "signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT});"
    "sys.path[:] = sys.argv[2:];"
    "from ddsp_match.runs.engines.worker import main;"
    "main(int(sys.argv[1]))"
)
# An idle worker ends within tenths of a second; one that hangs in a library's clean-up is not waited for.
_FAREWELL_S = 5.0


class Processes:
    """Worker processes; see `Engine`.

    Args:
        settings: How many workers (None: one a core, one a GPU on cuda), how often a job is tried again.
        threads: Threads of each worker; None: the cores divided among them.
        device: What the jobs compute on. On cuda each worker sees one GPU only.
    """

    def __init__(self, settings: EngineSettings, *, threads: int | None, device: str) -> None:
        self.workers = worker_count(settings.workers, device)
        self.threads = threads_each(threads, self.workers)
        self.retries = settings.retries
        self.gpus = gpus() if on_gpus(device) else []
        self._crews: list[_Crew] = []

    def run(
        self, function: Callable[[J], R], jobs: Iterable[J], stop: Callable[[], bool] | None = None
    ) -> Iterator[Finished[J, R]]:
        """See `Engine.run`."""
        crew = _Crew(packed_function(function), self.threads, self.gpus)
        self._crews.append(crew)
        return run_jobs(crew, jobs, size=self.workers, retries=self.retries, stop=stop)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every worker, also where a run was left in the middle."""
        while self._crews:
            self._crews.pop().close()


@dataclass(eq=False)
class _Worker:
    process: subprocess.Popen[bytes]
    connection: Connection
    log: IO[bytes]  # what it prints; a file without a name
    gpu: str | None
    idle: bool = False

    def send(self, kind: str, payload: bytes = b"") -> None:
        try:
            self.connection.send((kind, payload))
        except OSError:
            pass  # it is dead, and will be found so

    def why_dead(self) -> str:
        """End it if need be, and say how it ended."""
        try:
            code = self.process.wait(timeout=1)  # its socket closes a moment before it is gone
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        words = f"ended with exit code {code}"
        if code == -signal.SIGKILL:
            words = "killed by SIGKILL, as the system does where memory runs out"
        elif code < 0:
            words = f"killed by {signal.Signals(-code).name}"
        if said := self._last_line():
            words += f" (it last said: {said})"
        self.release()
        return words

    def release(self) -> None:
        self.connection.close()
        self.log.close()

    def _last_line(self) -> str:
        size = self.log.seek(0, os.SEEK_END)
        self.log.seek(max(0, size - 4096))
        lines = self.log.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1].strip()[:300] if lines else ""


class _Crew:
    """See `crew.Crew`."""

    def __init__(self, function: bytes, threads: int, gpus: list[str]) -> None:
        self.function, self.threads, self.gpus = function, threads, gpus
        self.workers: list[_Worker] = []

    def start(self) -> _Worker:
        ours, theirs = Pipe()
        gpu = self._least_used_gpu()
        environment = {**os.environ, **thread_environment(self.threads)}
        if gpu is not None:
            environment["CUDA_VISIBLE_DEVICES"] = gpu
        log = tempfile.TemporaryFile()
        # blocked signals stay blocked in the child: a Ctrl-C in its first moments waits until it is ignored
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process = subprocess.Popen(
                [sys.executable, "-c", _BOOT, str(theirs.fileno()), *sys.path],
                env=environment,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        except BaseException:
            ours.close()
            log.close()
            raise
        finally:
            theirs.close()
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        worker = _Worker(process, ours, log, gpu)
        self.workers.append(worker)
        worker.send("setup", Setup(self.function, self.threads, os.getpid()).packed())
        return worker

    def give(self, worker: _Worker, payload: bytes) -> None:
        worker.idle = False
        worker.send("job", payload)

    def hear(self, seconds: float) -> list[tuple[_Worker, Event]]:
        speaking = set(wait([worker.connection for worker in self.workers], seconds))
        events: list[tuple[_Worker, Event]] = []
        for worker in list(self.workers):
            if worker.connection in speaking:
                events.append((worker, self._message(worker)))
            # dead, but a child that it forked still holds its socket open
            elif worker.process.poll() is not None and not worker.connection.poll():
                events.append((worker, self._dead(worker)))
        return events

    def ask_to_stop(self) -> None:
        for worker in self.workers:
            worker.send("stop")

    def close(self) -> None:
        leaving, self.workers = self.workers, []
        for worker in leaving:
            if worker.idle:
                worker.send("end")
            else:
                worker.process.kill()
        end = time.monotonic() + _FAREWELL_S
        for worker in leaving:
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
            return self._dead(worker)
        worker.idle = True  # it speaks when it is ready, and when a job is done
        return message

    def _dead(self, worker: _Worker) -> Died:
        self.workers.remove(worker)
        return Died(worker.why_dead())

    def _least_used_gpu(self) -> str | None:
        used = Counter(worker.gpu for worker in self.workers)
        return min(self.gpus, key=lambda name: used[name]) if self.gpus else None
