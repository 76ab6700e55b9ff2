"""One browser for all tests of pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.report.driver import Browser


@pytest.fixture(scope="session")
def _browser() -> Iterator[Browser]:
    with Browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def browser(_browser: Browser) -> Browser:
    """The browser as it started: in its own size, with the system's colours and motion, with empty logs."""
    _browser.reset()
    return _browser
