"""Who runs jobs: this process, worker processes, a Ray cluster. What the jobs do is nothing the engines know."""

from __future__ import annotations

from ddsp_match.runs.engines.base import Engine, EngineError, Finished
from ddsp_match.runs.engines.choose import engine_of
from ddsp_match.runs.engines.stopping import asked_to_stop

__all__ = ["Engine", "EngineError", "Finished", "asked_to_stop", "engine_of"]
