"""The page in a browser, opened from disk as a user would."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ddsp_match.core.settings import FitSettings, ModelSettings
from ddsp_match.report import page
from tests.report.driver import Browser, missing
from tests.report.reports import fit_result

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]

FRAMES = FitSettings(model=ModelSettings(name="frames"))
STATE = """
    const p = window.ddspMatchPlayer;
    const gains = {};
    for (const [name, node] of Object.entries(p.gains || {})) gains[name] = node.gain.value;
    const now = p.context ? p.context.currentTime : 0;
    return {at: p.position(), now, playing: p.playing, current: p.current, gains};
"""


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Browser:
    """The browser with a fresh report of four seconds, its logs emptied before."""
    path = page.write(tmp_path / "report.html", fit_result(4.0, title="<b>a tone</b> #1?.wav"))
    browser.log("browser")
    browser.requests()
    browser.open(path)
    return browser


def test_the_page_opens_without_errors_or_requests(opened: Browser) -> None:
    """Nothing on the console, nothing asked of any network, every plot drawn, the title as text."""
    opened.keys(" ")
    opened.wait_for("ddspMatchPlayer.playing")
    assert opened.log("browser") == []
    asked = opened.requests()
    assert asked
    assert [url[:60] for url in asked if not url.startswith(("file:", "data:"))] == []
    drawn = opened.run(
        "return [...document.querySelectorAll('figure')].map(f => f.querySelectorAll('svg text').length)"
    )
    assert len(drawn) == 9
    assert min(drawn) >= 4
    assert opened.run("return document.querySelector('h1').textContent") == "<b>a tone</b> #1?.wav"


def test_switching_keeps_the_position(opened: Browser) -> None:
    """While it plays, keys and buttons change what is heard; its position runs on without a jump."""
    opened.keys(" ")
    opened.wait_for("ddspMatchPlayer.playing && ddspMatchPlayer.position() > 0.2")
    before = opened.run(STATE)
    assert before["current"] == "target"
    for key, name in (
        ("2", "match"),
        ("3", "harmonic"),
        ("4", "noise"),
        ("5", "difference"),
        ("1", "target"),
    ):
        opened.keys(key)
        opened.wait_for(f"ddspMatchPlayer.context.currentTime > {before['now'] + 0.1}")
        after = opened.run(STATE)
        assert after["current"] == name
        assert after["playing"]
        assert after["gains"][name] > 0.01
        assert max(gain for other, gain in after["gains"].items() if other != name) < 1e-3
        gone = after["now"] - before["now"]
        assert gone > 0.05
        assert (after["at"] - before["at"]) % 4.0 == pytest.approx(gone, abs=0.03)
        before = after
    opened.run("document.querySelector('[data-source=match]').click();")
    assert opened.run(STATE)["current"] == "match"
    assert (
        opened.run("return document.querySelector('[data-source=match]').getAttribute('aria-pressed')")
        == "true"
    )


def test_what_is_heard_is_the_sound_at_equal_loudness(opened: Browser) -> None:
    """Decoded buffers are as long as the sound; after its gain the softer match is as loud as the target."""
    opened.keys(" ")
    opened.wait_for("ddspMatchPlayer.playing")
    levels = opened.run("""
        const p = window.ddspMatchPlayer, out = {};
        for (const one of p.list) {
            const x = p.buffers[one.name].getChannelData(0);
            let sum = 0;
            for (const v of x) sum += (v * one.unscale) ** 2;
            out[one.name] = {n: x.length, own: 10 * Math.log10(sum / x.length), gain: one.gain_db};
        }
        return out;
    """)
    assert {one["n"] for one in levels.values()} == {64_000}
    assert levels["match"]["own"] == pytest.approx(levels["target"]["own"] - 1.94, abs=0.1)
    played = [levels[name]["own"] + levels[name]["gain"] for name in ("target", "match", "harmonic")]
    assert played == pytest.approx([played[0]] * 3, abs=0.1)
    assert levels["difference"]["own"] < levels["match"]["own"] - 6


def test_pause_seek_and_loop(opened: Browser) -> None:
    """Space pauses where it is, the seek bar and pictures go elsewhere, and without loop the sound ends."""
    opened.keys(" ")
    opened.wait_for("ddspMatchPlayer.playing && ddspMatchPlayer.position() > 0.1")
    opened.keys(" ")
    paused = opened.run(STATE)
    assert not paused["playing"]
    assert paused["at"] > 0.1
    opened.run("await new Promise((done) => setTimeout(done, 200));")
    assert opened.run(STATE)["at"] == paused["at"]
    opened.run(
        "const s = document.getElementById('seek'); s.value = 500; s.dispatchEvent(new Event('change'));"
    )
    assert opened.run(STATE)["at"] == pytest.approx(2.0, abs=0.01)
    opened.run("""
        const svg = document.querySelector('figure[data-plot=f0] svg'), box = svg.getBoundingClientRect();
        const frame = svg.querySelector('rect.axis').getBoundingClientRect();
        const at = {clientX: frame.left + 0.9 * frame.width, clientY: box.top + 20};
        svg.dispatchEvent(new MouseEvent('click', at));
    """)
    assert opened.run(STATE)["at"] == pytest.approx(3.6, abs=0.05)
    heads = opened.run("return [...document.querySelectorAll('.playhead')].map(l => +l.getAttribute('x1'))")
    assert len(set(heads)) == 1
    opened.keys("l")
    opened.keys(" ")
    opened.wait_for("!ddspMatchPlayer.playing")
    assert opened.run(STATE)["at"] == 0


def test_the_phone_has_no_sideways_scroll(opened: Browser, tmp_path: Path) -> None:
    """At 390 and 320 pixels everything fits, and the plots were drawn anew."""
    for width in (390, 320):
        opened.screenshot(tmp_path / "phone.png", width)
        assert opened.run("return document.documentElement.scrollWidth") <= width
        widest = opened.run(
            "const axes = [...document.querySelectorAll('svg .axis')];"
            "return Math.max(...axes.map((one) => one.getBoundingClientRect().right));"
        )
        assert widest <= width


def test_pictures_read_out_their_values(opened: Browser) -> None:
    """Under the pointer on the fundamental the spectrogram names time, frequency and a high level."""
    said = opened.run("""
        const figure = document.querySelector('figure[data-plot="spectrum-target"]');
        const clip = figure.querySelector('.clip').getBoundingClientRect();
        const share = Math.log(113 / 25) / Math.log(8000 / 25);
        const at = {clientX: clip.left + clip.width / 4, clientY: clip.bottom - share * clip.height};
        figure.querySelector('svg').dispatchEvent(new PointerEvent('pointermove', at));
        return figure.querySelector('.readout').textContent;
    """)
    time_s, hertz, level = (float(part.split()[0].replace("\u2212", "-")) for part in said.split(","))
    assert time_s == pytest.approx(1.0, abs=0.02)
    assert hertz == pytest.approx(113, abs=2)
    assert -30 < level < -5


def test_no_coordinate_is_ever_other_than_finite(opened: Browser) -> None:
    """Of a lone point, equal values, none, NaN, values that a logarithm does not take, an axis without a range."""
    odd = opened.run("""
        const {Axis, Plot} = Plots;
        const rows = [[null, null, 3], [null, 3, null], [3, 3, 3], [], [NaN, 1, NaN], [0, -1, 2],
                      [Infinity, 1, 2], [0, 0, 0]];
        const ranges = [[0, 1], [3, 3], [0, 0], [NaN, 1], [Infinity, -Infinity], [undefined, undefined], [-1, 0]];
        const odd = [];
        for (const y of rows) for (const [low, high] of ranges) for (const log of [false, true]) {
            const figure = document.createElement('figure');
            figure.innerHTML = '<span class="readout"></span><div class="stage"></div>';
            document.body.append(figure);
            const line = {x: y.map((_, i) => i), y, kind: 'curve'};
            const axes = {x: new Axis({low, high, log}), y: new Axis({low, high, log})};
            new Plot(figure, {...axes, height: 100, lines: [line]});
            if (/NaN|Infinity/.test(figure.innerHTML)) odd.push([y, low, high, log]);
            figure.remove();
        }
        return odd;
    """)
    assert odd == []


def test_a_timbre_frame_is_chosen_seen_and_held(browser: Browser, tmp_path: Path) -> None:
    """By the arrow keys or a click in the levels; what is held stops where the player begins."""
    browser.open(page.write(tmp_path / "frames.html", fit_result(1.0, timbre=True)))
    facts = browser.run("return JSON.parse(document.getElementById('data').textContent).timbre;")
    shown = "return document.getElementById('moment-words').textContent;"
    browser.run("const slider = document.getElementById('moment'); slider.focus(); slider.value = 0;")
    browser.keys("\ue014")
    assert browser.run(shown).startswith(f"{facts['time_s'][1]:.2f} s: 24 partials")
    browser.run("""
        const svg = document.querySelector('figure[data-plot=levels] svg'), box = svg.getBoundingClientRect();
        svg.dispatchEvent(new MouseEvent('click', {clientX: box.right - 5, clientY: box.top + 20, bubbles: true}));
    """)
    assert browser.run(shown).startswith(f"{facts['time_s'][-1]:.2f} s")
    assert browser.run("return ddspMatchPlayer.position();") == pytest.approx(1.0, abs=0.02)
    browser.run("document.getElementById('moment').focus();")
    browser.keys("\ue007")
    browser.wait_for("document.getElementById('moment-play').textContent === 'Stop'")
    browser.keys(" ")
    browser.wait_for("ddspMatchPlayer.playing")
    assert browser.run("return document.getElementById('moment-play').textContent;") == "Hold this moment"


def test_a_held_moment_is_as_loud_as_its_levels_and_has_no_seam(browser: Browser, tmp_path: Path) -> None:
    """Partials and noise bands by their levels; the last sample goes on to the first as any other to its next."""
    browser.open(page.write(tmp_path / "frames.html", fit_result(0.5, timbre=True)))
    tones, noises = [[1, 0.5], [3, 0.2]], [[1000, 1100, 0.1], [3000, 3400, 0.2]]
    for partials, bands, power in ((tones, [], 0.145), ([], noises, 0.025)):
        measured, seam, widest = browser.run(
            """
            const context = new OfflineAudioContext(1, 1, 16000);
            const out = Timbre.loopOf(context, 220.3, ...given).getChannelData(0);
            const steps = out.map((v, i) => Math.abs(out[(i + 1) % out.length] - v));
            return [out.reduce((a, b) => a + b * b, 0) / out.length, steps[steps.length - 1], Math.max(...steps)];
            """,
            partials,
            bands,
        )
        assert measured == pytest.approx(power, rel=0.02 if partials else 0.2)
        assert seam <= widest


def test_closeness_over_numbers_is_drawn_with_the_match_as_a_dot(browser: Browser, tmp_path: Path) -> None:
    """And the number at the knee is told as a setting."""
    data = fit_result(0.6, timbre=True)
    data = replace(data, metrics={**data.metrics, "mel_steady_db": 0.4})
    browser.open(page.write(tmp_path / "sizes.html", replace(data, settings=FRAMES)))
    drawn = "return document.querySelectorAll('figure[data-plot=sizes] svg').length && "
    assert browser.run(drawn + "document.querySelectorAll('figure[data-plot=sizes] .dot').length;") == 1
    assert browser.run("return /model.numbers=\\d+/.test(document.body.textContent);")
