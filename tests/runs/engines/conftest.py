"""Engines as the tests want them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ddsp_match.core.settings.many import EngineSettings
from ddsp_match.runs.engines import Engine, engine_of


@pytest.fixture
def processes() -> Callable[..., Engine]:
    """``processes(workers=2, retries=2, threads=None, device="cpu")``."""

    def make(workers: int | None = 2, retries: int = 2, threads: int | None = 1, device: str = "cpu") -> Engine:
        return engine_of(EngineSettings(workers=workers, retries=retries), threads=threads, device=device)

    return make
