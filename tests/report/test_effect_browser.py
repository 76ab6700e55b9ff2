"""The page of an effect in a browser, opened from disk as a user would."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ddsp_match.report import effect_page
from ddsp_match.report.animation import animate
from tests.report.driver import Browser, missing
from tests.report.effect_reports import effect_result
from tests.report.test_browser import STATE

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = effect_result(2.0)
    return effect_page.write(tmp_path_factory.mktemp("page") / "report.html", data, moving=animate(data))


@pytest.fixture
def opened(browser: Browser, file: Path, tmp_path: Path) -> Browser:
    browser.log("browser")
    browser.requests()
    browser.open(Path(shutil.copy(file, tmp_path / "report.html")))  # a new address: no reload that may lag behind
    browser.wait_for("document.readyState === 'complete' && window.ddspMatchPlayer")
    return browser


def test_the_page_opens_without_errors_or_requests(opened: Browser) -> None:
    """Nothing on the console, nothing asked of any network, every plot drawn."""
    opened.keys(" ")
    opened.wait_for("ddspMatchPlayer.playing")
    assert opened.log("browser") == []
    asked = opened.requests()
    assert asked
    assert [url[:60] for url in asked if not url.startswith(("file:", "data:", "chrome"))] == []
    drawn = opened.run(
        "return [...document.querySelectorAll('figure')].map(f => f.querySelectorAll('svg text').length)"
    )
    assert len(drawn) == 9
    assert min(drawn) >= 4


def test_switching_between_target_and_output_keeps_the_position(opened: Browser) -> None:
    """Keys change what is heard while it plays on; target and output come out equally loud."""
    opened.keys(" ")
    opened.wait_for("ddspMatchPlayer.playing && ddspMatchPlayer.position() > 0.1")
    before = opened.run(STATE)
    for key, name in (("2", "match"), ("3", "difference"), ("4", "dry"), ("1", "target")):
        opened.keys(key)
        opened.wait_for(f"ddspMatchPlayer.context.currentTime > {before['now'] + 0.1}")
        after = opened.run(STATE)
        assert after["current"] == name
        assert after["gains"][name] > 1e-3
        assert max(gain for other, gain in after["gains"].items() if other != name) < 1e-3
        gone = after["now"] - before["now"]
        assert gone > 0.05
        assert (after["at"] - before["at"]) % 2.0 == pytest.approx(gone, abs=0.03)
        before = after


def test_no_two_texts_of_a_plot_lie_over_each_other(opened: Browser, tmp_path: Path) -> None:
    """On a desk and on a phone; and neither scrolls sideways."""
    for width in (1280, 760, 320):
        opened.screenshot(tmp_path / "page.png", width)
        assert opened.run("return document.documentElement.scrollWidth") <= width
        over = opened.run("""
            const found = [];
            for (const svg of document.querySelectorAll('figure svg')) {
                const boxes = [...svg.querySelectorAll('text')].filter((t) => t.textContent)
                    .map((t) => [t.textContent, t.getBoundingClientRect()]);
                for (let i = 0; i < boxes.length; i++) for (let k = 0; k < i; k++) {
                    const [a, b] = [boxes[i][1], boxes[k][1]];
                    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
                    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
                    if (wide > 1 && high > 3) found.push(`${boxes[i][0]} / ${boxes[k][0]}`);
                }
            }
            return found;
        """)
        assert over == []


def test_the_animation_can_be_stopped(opened: Browser) -> None:
    kinds = opened.run("""
        const picture = document.querySelector('.approach'), box = document.getElementById('moving');
        const seen = [picture.src.slice(0, 15)];
        for (let i = 0; i < 2; i++) { box.click(); seen.push(picture.src.slice(0, 15)); }
        return seen;
    """)
    assert kinds == ["data:image/gif;", "data:image/png;", "data:image/gif;"]


def test_curves_are_read_out(opened: Browser) -> None:
    """Under the pointer the response names a frequency and three figures, and gain over time a time."""
    said = opened.run("""
        const out = [];
        for (const name of ['response', 'gain', 'knobs', 'loss', 'shape-found']) {
            const figure = document.querySelector(`figure[data-plot="${name}"]`), svg = figure.querySelector('svg');
            const frame = svg.querySelector('rect.axis').getBoundingClientRect();
            const at = {clientX: frame.left + frame.width / 2, clientY: frame.top + frame.height / 2};
            svg.dispatchEvent(new PointerEvent('pointermove', at));
            out.push(figure.querySelector('.readout').textContent);
        }
        return out;
    """)
    assert "measured" in said[0] and "coherence" in said[0] and "Hz" in said[0]
    assert abs(float(said[1].split()[0]) - 1.0) < 0.03 and said[1].count("dB") == 2
    assert said[2].startswith("step") and "." in said[2]
    assert "best" in said[3]
    assert said[4].startswith("in ")


def test_a_click_in_the_gain_goes_there(opened: Browser) -> None:
    opened.run("""
        const svg = document.querySelector('figure[data-plot=gain] svg');
        const frame = svg.querySelector('rect.axis').getBoundingClientRect();
        svg.dispatchEvent(new MouseEvent('click', {clientX: frame.left + 0.75 * frame.width, clientY: frame.top + 5}));
    """)
    assert opened.run(STATE)["at"] == pytest.approx(1.5, abs=0.05)
