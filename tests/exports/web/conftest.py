from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.exports.web.page import write_page
from tests.report.driver import Browser, missing


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser that has the synthesizer's page open."""
    why = missing()
    if why:
        pytest.skip(why)
    path = write_page(tmp_path_factory.mktemp("web") / "page.html")
    with Browser() as browser:
        browser.open(path)
        yield browser
