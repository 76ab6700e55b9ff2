"""Ray: a cluster of machines, or a local Ray where no address is given.

Results are files: every node must see the run's folder and the sounds under the same paths (a shared disk), and have
ddsp-match installed with the same versions of Python and Ray. On one machine that is so by itself.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self

from ddsp_match.core.errors import ConfigError
from ddsp_match.core.settings.many import EngineSettings
from ddsp_match.runs.engines.base import Finished, J, R
from ddsp_match.runs.engines.crew import run_jobs
from ddsp_match.runs.engines.machine import gpus, on_gpus, threads_each, worker_count
from ddsp_match.runs.engines.performing import packed_function
from ddsp_match.runs.engines.ray_address import check_answers
from ddsp_match.runs.engines.ray_crew import RayCrew

# Jobs and results are small (paths, figures); Ray's default would take a third of the memory for objects.
_STORE_BYTES = 128 * 2**20
# Ray's sockets lie up to 70 characters below its folder, and the system allows 107 in all.
_LONGEST_FOLDER = 30


class RayEngine:
    """Workers on Ray; see `Engine`. Ray is joined or started by ``with``, and left or ended after it.

    A Ray that this process uses already is used as it is, and left running.

    Args:
        settings: How many workers (None: what the cluster holds), where it is, how often a job is tried again.
        threads: Threads of each worker, and CPUs that it takes of a cluster; None: one on a cluster,
            the cores divided among the workers on a local Ray.
        device: What the jobs compute on; on cuda each worker has a GPU of its own.

    Raises:
        ConfigError: Ray is not installed.
    """

    def __init__(self, settings: EngineSettings, *, threads: int | None, device: str) -> None:
        self._ray = _imported_ray()
        self.settings, self.device = settings, device
        self.workers = worker_count(settings.workers, device)
        self.threads = threads_each(threads, self.workers)
        self._given_threads = threads
        self._needs: dict[str, float] = {"num_cpus": 1}
        self._folder: Path | None = None
        self._ours = False
        self._crews: list[RayCrew] = []

    def __enter__(self) -> Self:
        """Join or start Ray.

        Raises:
            ConfigError: Nothing answers at the address, its Ray is another version, or it has no GPU where cuda
                is asked for.
        """
        address = self.settings.address
        local = not address and not self._ray.is_initialized()
        if not self._ray.is_initialized():
            if address:
                check_answers(address)
            try:
                with _terminate_as_before(), _without_advice():
                    self._start() if local else self._join(str(address))
            except BaseException:
                self._leave()
                raise
        if not local:
            try:
                self._measure()
            except BaseException:
                self._leave()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End our workers; end Ray, or leave the cluster, where it was not in use before."""
        while self._crews:
            self._crews.pop().close()
        self._leave()

    def run(
        self, function: Callable[[J], R], jobs: Iterable[J], stop: Callable[[], bool] | None = None
    ) -> Iterator[Finished[J, R]]:
        """See `Engine.run`."""
        crew = RayCrew(self._ray, packed_function(function), self.threads, self._needs)
        self._crews.append(crew)
        return run_jobs(crew, jobs, size=self.workers, retries=self.settings.retries, stop=stop)

    def _start(self) -> None:
        """A Ray of our own, in a folder of its own that goes when it goes."""
        base = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
        base = base if len(base) <= _LONGEST_FOLDER else "/tmp"
        self._folder = Path(tempfile.mkdtemp(prefix="ddsp-ray-", dir=base))
        cards = len(gpus()) if on_gpus(self.device) else 0
        self._ours = True
        self._ray.init(
            address="local",  # RAY_ADDRESS would lead elsewhere; who wants that says address=auto
            num_cpus=self.workers,
            num_gpus=cards,
            include_dashboard=False,
            object_store_memory=_STORE_BYTES,
            _temp_dir=str(self._folder),
            **_QUIET,
        )
        if cards:
            self._needs["num_gpus"] = 1 if self.workers <= cards else int(1000 * cards / self.workers) / 1000

    def _join(self, address: str) -> None:
        self._ours = True
        try:
            self._ray.init(address=address, **({"log_to_driver": False} if "://" in address else _QUIET))
        except (OSError, RuntimeError, ValueError) as error:
            raise ConfigError(
                str(error).strip().splitlines()[0],
                where=f"engine.address={address}",
                needed="a Ray cluster with this version of Python and Ray",
            ) from error

    def _measure(self) -> None:
        """How many workers the cluster holds, where that was not said."""
        holds = self._ray.cluster_resources()
        self.threads = self._given_threads or 1
        self._needs["num_cpus"] = self.threads
        cards = int(holds.get("GPU", 0))
        room = int(holds.get("CPU", 0)) // self.threads
        if self.device == "cuda" or (self.device == "auto" and cards):
            if not cards:
                raise ConfigError(
                    "a Ray cluster without a GPU", where="device=cuda", needed="nodes with GPUs", hint="device=cpu"
                )
            self._needs["num_gpus"] = 1
            room = min(room, cards)
        self.workers = self.settings.workers or max(1, room)

    def _leave(self) -> None:
        if self._ours:
            self._ours = False
            self._ray.shutdown()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


# No reports home; no advice about GPUs at every start; of a death the user hears from us.
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": "A worker died or was killed|killed due to memory pressure",
}
_QUIET: dict[str, Any] = {"configure_logging": False, "log_to_driver": False, "logging_level": logging.ERROR}


def _imported_ray() -> ModuleType:
    # before it is imported, which reads them; what the user has set stays
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise ConfigError(
            f"no ray ({error})", where="engine=ray", needed="the extra `ray`", hint="pip install 'ddsp-match[ray]'"
        ) from error
    return ray


@contextlib.contextmanager
def _terminate_as_before() -> Iterator[None]:
    """Ray puts its own handler of SIGTERM in place; ours, or the system's, comes back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _without_advice() -> Iterator[None]:
    """Ray's notices at its start are not for whoever fits sounds; its errors come as exceptions."""
    logger = logging.getLogger("ray")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
