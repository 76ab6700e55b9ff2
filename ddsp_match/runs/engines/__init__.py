"""Engines run jobs: in this process, in worker processes, on a Ray cluster. They know nothing of what the jobs do."""

from __future__ import annotations

import os

from ddsp_match.core.errors import ConfigError
from ddsp_match.core.settings.many import EngineSettings
from ddsp_match.runs.engines.base import Engine, EngineError, Finished
from ddsp_match.runs.engines.inline import Inline
from ddsp_match.runs.engines.job import asked_to_stop

__all__ = ["Engine", "EngineError", "Finished", "asked_to_stop", "engine_of"]

# Workers inherit a socket, have blocked signals, and see that their parent is gone: all of it as POSIX does it.
_POSIX = os.name == "posix"


def engine_of(settings: EngineSettings, *, threads: int | None, device: str) -> Engine:
    """Return the engine that the settings name; nothing is started before it is entered with ``with``.

    Args:
        settings: Which engine, how many workers, where Ray is, how often a job is tried again.
        threads: Threads of each worker; None: the cores divided among the workers.
        device: ``cpu``, ``cuda`` or ``mps``: what the jobs compute on decides how many workers are worth having.
            ``auto`` is taken for cuda where there is a GPU, else for cpu.

    Raises:
        ConfigError: Ray is asked for and is not installed, or worker processes where the system is not POSIX.
    """
    if settings.name == "inline":
        return Inline()
    if settings.name == "ray":
        from ddsp_match.runs.engines.ray import RayEngine

        return RayEngine(settings, threads=threads, device=device)
    if not _POSIX:
        raise ConfigError(
            "worker processes", where="engine=processes", needed="Linux or macOS for them", hint="engine=inline"
        )
    from ddsp_match.runs.engines.processes import Processes

    return Processes(settings, threads=threads, device=device)
