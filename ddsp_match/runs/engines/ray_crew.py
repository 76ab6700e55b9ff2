"""Workers on Ray.

A worker is an actor, not a row of tasks: torch and CREPE are loaded once and stay, a GPU keeps its process (Ray ends
the process of a GPU task after each), a job that runs can be asked to stop, and it is known which job a death
concerns. Ray's own restarts are off: `crew.run_jobs` tries again as it does for processes, so that the two agree.
An actor is given a job once it lives, and one at a time. So actors for which a cluster has no room yet wait without
keeping a job from the others, and work as soon as nodes join (more workers than the cluster holds: it may grow).
"""

from __future__ import annotations

import contextlib
import re
from types import ModuleType
from typing import Any

from ddsp_match.runs.engines.crew import Died, Event, Ready, Useless
from ddsp_match.runs.engines.machine import thread_environment
from ddsp_match.runs.engines.ray_actor import Actor


class RayCrew:
    """See `crew.Crew`.

    Args:
        ray: The module, connected.
        function: What the workers will do, pickled by name.
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

    def give(self, worker: Any, payload: bytes) -> None:
        """Hand a pickled job to an actor."""
        self.expected[worker.perform.remote(payload)] = worker

    def hear(self, seconds: float) -> list[tuple[Any, Event]]:
        """What happened, at the latest after so many seconds."""
        arrived, left = self.ray.wait(list(self.expected), num_returns=1, timeout=seconds)
        if arrived and left:
            arrived += self.ray.wait(left, num_returns=len(left), timeout=0)[0]
        return [(actor, self._event(actor, answer)) for answer in arrived for actor in [self.expected.pop(answer)]]

    def ask_to_stop(self) -> None:
        """Make `asked_to_stop` true in every actor."""
        for actor in self.actors:
            actor.ask_to_stop.options(concurrency_group="asking").remote()

    def close(self) -> None:
        """End all actors."""
        self.expected.clear()
        while self.actors:
            self._bury(self.actors.pop())

    def _event(self, actor: Any, answer: Any) -> Event:
        try:
            value = self.ray.get(answer)
        except self.ray.exceptions.RayError as error:
            # also where it is only out of reach: its job is given to another, and must not run twice
            self.actors.discard(actor)
            self._bury(actor)
            return Died(_words_of_ray(error))
        if isinstance(value, str):
            return Useless(value) if value else Ready()
        return value

    def _bury(self, actor: Any) -> None:
        with contextlib.suppress(self.ray.exceptions.RayError):
            self.ray.kill(actor)


def _words_of_ray(error: Exception) -> str:
    """What of Ray's message helps: how the process ended and on which machine, or its beginning."""
    text = " ".join(line.strip() for line in str(error).splitlines() if line.strip())
    detail = re.search(r"Worker exit detail: (.*?)(?: Some common causes|$)", text)
    machine = re.search(r" ip: (\S+)", text)
    said = (detail[1] if detail else text)[:300]
    return f"{said}{f' ({machine[1]})' if machine else ''}"
