"""Engines as the tests want them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ddsp_match.engines import Engine, engine_of
from ddsp_match.settings.many import EngineSettings


@pytest.fixture
def processes() -> Callable[..., Engine]:
    """``processes(workers=2, retries=2, threads=None, device="cpu")``."""

    def make(workers: int | None = 2, retries: int = 2, threads: int | None = 1, device: str = "cpu") -> Engine:
        return engine_of(EngineSettings(workers=workers, retries=retries), threads=threads, device=device)

    return make
