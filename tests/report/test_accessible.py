"""Every page that is written, in light, in dark and on a phone: no violation of axe."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddsp_match.effects.chain import Serial
from ddsp_match.effects.gain import Gain
from ddsp_match.report import compare_page, effect_page, page, score_page, sweep_page
from ddsp_match.report.animation import animate
from tests.accessible import assert_accessible
from tests.report.driver import Browser, missing
from tests.report.effect_reports import Taps, effect_result
from tests.report.many_examples import SWEEP, card, comparison, jobs, sound_files
from tests.report.reports import PATCH_FILE, fit_result

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(missing() is not None, reason=f"needs a browser: {missing()}"),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, bundled: Path) -> list[tuple[Path, Path]]:
    """Sounds for the pages that play files."""
    return sound_files(tmp_path_factory.mktemp("files"), bundled)


def test_a_report(browser: Browser, tmp_path: Path) -> None:
    """With everything it can show, and with as little as it can."""
    full = fit_result(0.5, timbre=True)
    full.metrics = {**full.metrics, "mel_steady_db": 0.4}
    for name, data in (("full", full), ("bare", fit_result(0.5, pitched=False, bare=True))):
        browser.open(page.write(tmp_path / f"{name}.html", data, PATCH_FILE))
        assert_accessible(browser, f"report, {name}")


def test_an_effect(browser: Browser, tmp_path: Path) -> None:
    """With knobs at either end of their ranges."""
    chain, truth = Serial((Gain(), Taps(2))), {"gain.gain_db": -100.0, "taps.taps": [2.0, -2.0]}
    data = effect_result(0.5, chain=chain, truth=truth, steps=5, error=0.0, ambiguous=[])
    browser.open(effect_page.write(tmp_path / "effect.html", data, moving=animate(data), patch_file=PATCH_FILE))
    assert_accessible(browser, "effect")


def test_a_score(browser: Browser, files: list[tuple[Path, Path]], tmp_path: Path) -> None:
    """With all its tables."""
    browser.open(score_page.write(tmp_path / "scores.html", card(40, files)))
    assert_accessible(browser, "score")


def test_a_comparison(browser: Browser, files: list[tuple[Path, Path]], tmp_path: Path) -> None:
    """With both charts."""
    browser.open(compare_page.write(tmp_path / "compare.html", comparison(40, files)))
    assert_accessible(browser, "compare")


def test_a_sweep(browser: Browser, files: list[tuple[Path, Path]], tmp_path: Path) -> None:
    """With a plot for each setting."""
    browser.open(sweep_page.write(tmp_path / "sweep.html", jobs(tmp_path, files), **SWEEP))
    assert_accessible(browser, "sweep")
