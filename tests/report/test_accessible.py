"""Every page of a report, a score, a comparison and a sweep, in light, in dark and on a phone: no violation of axe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ddsp_match.report import compare_page, page, score_page, sweep_page
from tests.accessible import assert_accessible
from tests.report.driver import Browser, missing
from tests.report.many_examples import compare_data, score_data, sound_files, sweep_data
from tests.report.reports import report_data

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(missing() is not None, reason=f"needs a browser: {missing()}"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all pages."""
    with Browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, bundled: Path) -> list[tuple[Path, Path]]:
    """Sounds for the pages that play files."""
    return sound_files(tmp_path_factory.mktemp("files"), bundled)


def test_a_report(browser: Browser, tmp_path: Path) -> None:
    """With everything it can show, and with as little as it can."""
    for name, data in (("full", report_data(0.5)), ("bare", report_data(0.5, pitched=False, bare=True))):
        browser.open(page.write(tmp_path / f"{name}.html", data))
        assert_accessible(browser, f"report, {name}")


def test_a_score(browser: Browser, files: list[tuple[Path, Path]], tmp_path: Path) -> None:
    """With all its tables."""
    browser.open(score_page.write(tmp_path / "scores.html", score_data(40, files)))
    assert_accessible(browser, "score")


def test_a_comparison(browser: Browser, files: list[tuple[Path, Path]], tmp_path: Path) -> None:
    """With both charts."""
    browser.open(compare_page.write(tmp_path / "compare.html", compare_data(40, files)))
    assert_accessible(browser, "compare")


def test_a_sweep(browser: Browser, files: list[tuple[Path, Path]], tmp_path: Path) -> None:
    """With a plot for each setting."""
    browser.open(sweep_page.write(tmp_path / "sweep.html", sweep_data(files)))
    assert_accessible(browser, "sweep")
