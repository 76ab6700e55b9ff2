"""Ray: a cluster of machines, or a local Ray where no address is given.

Results are files: every node must see the run's folder and the sounds under the same paths (a shared disk), and have
ddsp-match installed with the same versions of Python and Ray. On one machine that is so by itself.

A worker is an actor, not a row of tasks: torch and CREPE are loaded once and stay, a GPU keeps its process (Ray ends
the process of a GPU task after each), a job that runs can be asked to stop, and it is known which job a death
concerns. Ray's own restarts are off: `pool.PoolEngine` tries again as it does for processes, so that the two agree.
An actor is given a job once it lives, and one at a time. So actors for which a cluster has no room yet wait without
keeping a job from the others, and work as soon as nodes join (more workers than the cluster holds: it may grow).
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self

from ddsp_match.core.errors import ConfigError
from ddsp_match.core.settings.many import EngineSettings
from ddsp_match.runs.engines.job import Reply, cap_torch, error_text, perform, stop_request
from ddsp_match.runs.engines.machine import gpus, on_gpus, thread_environment, threads_each, worker_count
from ddsp_match.runs.engines.pool import Event, Exited, PoolEngine, Ready, Unusable

# Jobs and results are small (paths, figures); Ray's default would take a third of the memory for objects.
_STORE_BYTES = 128 * 2**20
# Ray's sockets lie up to 70 characters below its folder, and the system allows 107 in all.
_LONGEST_FOLDER = 30
_CONNECT_S = 4.0
_JOIN_S = 60.0
# Ray tries once a second, 20 times by itself; then it says what was wrong, which should be within our time.
_TRIES = 8
_JOIN = (
    "import logging, sys;"
    "sys.path[:] = sys.argv[2:];"
    "import ray;"
    "quiet = {} if '://' in sys.argv[1] else {'configure_logging': False, 'logging_level': logging.ERROR};"
    "ray.init(address=sys.argv[1], log_to_driver=False, **quiet)"
)


class RayEngine(PoolEngine[Any]):
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
        super().__init__(worker_count(settings.workers, device), settings.retries)
        self.threads = threads_each(threads, self.workers)
        self._given_threads = threads
        self._needs: dict[str, float] = {"num_cpus": 1}
        self._folder: Path | None = None
        self._ours = False

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
                with _sigterm_restored(), _quiet_log():
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
        super().__exit__(kind, error, trace)
        self._leave()

    def new_pool(self, function: bytes) -> _Pool:
        """See `PoolEngine`."""
        return _Pool(self._ray, function, self.threads, self._needs)

    def _start(self) -> None:
        """A Ray of our own, in a folder of its own that goes when it goes."""
        base = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
        base = base if len(base) <= _LONGEST_FOLDER else "/tmp"
        self._folder = Path(tempfile.mkdtemp(prefix="ddsp-ray-", dir=base))
        cards = len(gpus()) if on_gpus(self.device) else 0
        self._ours = True
        self._ray.init(
            address="local",  # RAY_ADDRESS would lead elsewhere; address=auto asks for that
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
        """Ask the cluster how many workers it holds."""
        self.workers, self.threads, self._needs = workers_of_cluster(
            self._ray.cluster_resources(), self.settings.workers, self._given_threads, self.device
        )

    def _leave(self) -> None:
        if self._ours:
            self._ours = False
            self._ray.shutdown()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def workers_of_cluster(
    resources: Mapping[str, float], workers: int | None, threads: int | None, device: str
) -> tuple[int, int, dict[str, float]]:
    """Count the workers that a cluster holds.

    Args:
        resources: What the cluster has, as Ray tells it: ``CPU``, ``GPU``.
        workers: As set; None: as many as there is room for.
        threads: Of each worker, as set; None: one.
        device: What the jobs compute on.

    Returns:
        The number of workers, their threads, and what each takes of the cluster.

    Raises:
        ConfigError: It has no GPU, and cuda is asked for.
    """
    threads = threads or 1
    needs: dict[str, float] = {"num_cpus": threads}
    cards = int(resources.get("GPU", 0))
    room = int(resources.get("CPU", 0)) // threads
    if device == "cuda" or (device == "auto" and cards):
        if not cards:
            raise ConfigError(
                "a Ray cluster without a GPU", where="device=cuda", needed="nodes with GPUs", hint="device=cpu"
            )
        needs["num_gpus"] = 1
        room = min(room, cards)
    return workers or max(1, room), threads, needs


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
def _sigterm_restored() -> Iterator[None]:
    """Put the handler of SIGTERM back that Ray replaces by its own."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _quiet_log() -> Iterator[None]:
    """Keep Ray's notices at its start off the screen; its errors come as exceptions."""
    logger = logging.getLogger("ray")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


class _Pool:
    """See `pool.Pool`.

    Args:
        ray: The module, connected.
        function: Does a job, pickled by name.
        threads: Threads of each worker.
        needs: What a worker takes of the cluster: ``num_cpus``, ``num_gpus``.
    """

    def __init__(self, ray: ModuleType, function: bytes, threads: int, needs: dict[str, float]) -> None:
        self.ray, self.function, self.threads = ray, function, threads
        self.kind = ray.remote(
            **needs,
            max_restarts=0,
            max_task_retries=0,
            concurrency_groups={"asking": 1},  # beside the one job
            runtime_env={"env_vars": thread_environment(threads)},
        )(Actor)
        self.actors: set[Any] = set()
        self.expected: dict[Any, Any] = {}  # reference -> the actor that answers it

    def start(self) -> Any:
        """Begin to start an actor."""
        actor = self.kind.remote(self.function, self.threads)
        self.actors.add(actor)
        self.expected[actor.ready.remote()] = actor
        return actor

    def send(self, worker: Any, payload: bytes) -> None:
        """Hand a pickled job to an actor."""
        self.expected[worker.perform.remote(payload)] = worker

    def wait(self, seconds: float) -> list[tuple[Any, Event]]:
        """Return events, at the latest after so many seconds."""
        arrived, pending = self.ray.wait(list(self.expected), num_returns=1, timeout=seconds)
        if arrived and pending:
            arrived += self.ray.wait(pending, num_returns=len(pending), timeout=0)[0]
        return [(actor, self._event(actor, answer)) for answer in arrived for actor in [self.expected.pop(answer)]]

    def ask_to_stop(self) -> None:
        """Make `asked_to_stop` true in every actor."""
        for actor in self.actors:
            actor.ask_to_stop.options(concurrency_group="asking").remote()

    def close(self) -> None:
        """End all actors."""
        self.expected.clear()
        while self.actors:
            self._kill(self.actors.pop())

    def _event(self, actor: Any, answer: Any) -> Event:
        try:
            value = self.ray.get(answer)
        except self.ray.exceptions.RayError as error:
            # also where it is only out of reach: its job is given to another, and must not run twice
            self.actors.discard(actor)
            self._kill(actor)
            return Exited(_exit_reason(error))
        if isinstance(value, str):
            return Unusable(value) if value else Ready()
        return value

    def _kill(self, actor: Any) -> None:
        with contextlib.suppress(self.ray.exceptions.RayError):
            self.ray.kill(actor)


def _exit_reason(error: Exception) -> str:
    """Return the part of Ray's message that helps: how the process ended and on which machine, or its beginning."""
    text = " ".join(line.strip() for line in str(error).splitlines() if line.strip())
    detail = re.search(r"Worker exit detail: (.*?)(?: Some common causes|$)", text)
    machine = re.search(r" ip: (\S+)", text)
    reason = (detail[1] if detail else text)[:300]
    return f"{reason}{f' ({machine[1]})' if machine else ''}"


class Actor:
    """A worker, importable on every node without ray; Ray calls its methods.

    Args:
        function: Does a job, pickled by name.
        threads: Threads it may use.
    """

    def __init__(self, function: bytes, threads: int) -> None:
        self.threads = threads
        self.stop = threading.Event()
        self.unusable = ""
        try:
            self.function = pickle.loads(function)
        except (Exception, SystemExit) as error:
            self.unusable = error_text(error)

    def ready(self) -> str:
        """Empty, or why the function cannot be imported here."""
        return self.unusable

    def perform(self, payload: bytes) -> Reply:
        """Run one pickled job."""
        cap_torch(self.threads)
        with stop_request(self.stop.is_set):
            return perform(self.function, payload)

    def ask_to_stop(self) -> None:
        """Called beside `perform`, on another thread."""
        self.stop.set()


def check_answers(address: str, join_s: float = _JOIN_S) -> None:
    """Make sure that a Ray cluster answers, within a minute, before it is joined.

    Ray itself tries for minutes, prints, and may end the whole process when there is no answer. So another process
    joins first, and is given a limited time.

    Args:
        address: ``auto``, ``HOST:PORT`` or ``ray://HOST:PORT``.
        join_s: Seconds that joining may take.

    Raises:
        ConfigError: It is no address, or nothing, or something else, answers there.
    """
    where = f"engine.address={address}"
    hint = "`ray status` on that machine; engine.address=null starts a Ray here"
    target = os.environ.get("RAY_ADDRESS", address) if address == "auto" else address
    if target != "auto":
        place = re.fullmatch(r"(?:ray://)?(?:\[([^\]]+)\]|([^:/\[\]]+)):(\d{1,5})", target)
        if place is None or int(place[3]) > 65535:
            raise ConfigError(repr(target), where=where, needed="auto, HOST:PORT or ray://HOST:PORT")
        try:
            socket.create_connection((place[1] or place[2], int(place[3])), timeout=_CONNECT_S).close()
        except OSError as error:
            raise ConfigError(
                f"nothing that answers ({error.strerror or error})", where=where, needed="a running Ray", hint=hint
            ) from error
    try:
        done = subprocess.run(
            [sys.executable, "-c", _JOIN, address, *sys.path],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=join_s,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "RAY_NUM_REDIS_GET_RETRIES": str(_TRIES)},
        )
    except subprocess.TimeoutExpired as error:
        raise ConfigError(f"no answer within {join_s:.0f} s", where=where, needed="a running Ray", hint=hint) from error
    if done.returncode:
        if "AuthenticationError" in done.stderr:
            raise ConfigError(
                "a Ray cluster that asks for a token",
                where=where,
                needed="its token, as Ray itself wants it",
                hint="RAY_AUTH_MODE=token in the environment, and the token in RAY_AUTH_TOKEN or in Ray's own file",
            )
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        problem = f"no Ray that can be joined ({lines[-1][:300]})"
        raise ConfigError(problem, where=where, needed="a running Ray", hint=hint)
