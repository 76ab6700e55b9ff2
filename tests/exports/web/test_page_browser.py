"""The instrument's page in Chromium, opened from the disk: it plays, its sliders act, and it asks for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ddsp_match.exports.html import export_html
from ddsp_match.patch import Patch
from tests.compare import assert_close
from tests.exports.sounds import TIMEBASE, sung
from tests.report.driver import Browser, missing

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]
TONE = "ddspMatchInstrument"


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    frames = 151
    level = np.full(frames, -26.0)
    level[-20:] = np.linspace(-26, -90, 20)
    controls = sung(np.full(frames, 69.0), level, n_partials=10, noise_db=-50)
    patch = Patch.of(
        controls, TIMEBASE, TIMEBASE.samples(frames), noise_seed=1, phase="zero", provenance={"sound": "é <b>.wav"}
    )
    (path,) = export_html(patch, tmp_path_factory.mktemp("page") / "a page.html")
    return path


@pytest.fixture(scope="module")
def browser(written) -> Iterator[Browser]:
    with Browser() as opened:
        yield opened


@pytest.fixture
def fresh(browser, written) -> Browser:
    browser.log("browser"), browser.log("performance")
    browser.open(written)
    browser.run(f"await {TONE}.loaded;")
    return browser


def loudest_hz(browser: Browser) -> float:
    return browser.run(f"""
        const {{analyser}} = {TONE}.keys;
        analyser.fftSize = 16384; analyser.smoothingTimeConstant = 0;
        await new Promise((done) => setTimeout(done, 500));
        const bins = new Float32Array(analyser.frequencyBinCount);
        analyser.getFloatFrequencyData(bins);
        return bins.indexOf(Math.max(...bins)) * analyser.context.sampleRate / analyser.fftSize;
    """)


def held(browser: Browser, midi: float = 69, **knobs: float) -> dict[str, float]:
    """Levels in dB of a held key, near the fundamental and where only noise is."""
    return browser.run(
        f"""
        const [midi, knobs] = given, {{keys, knobs: sliders}} = {TONE};
        await keys.start();
        for (const [name, value] of Object.entries(knobs)) sliders.set(sliders.named(name), value);
        keys.analyser.fftSize = 8192; keys.analyser.smoothingTimeConstant = 0;
        keys.on(midi, 0.8);
        await new Promise((done) => setTimeout(done, 900));
        const bins = new Float32Array(keys.analyser.frequencyBinCount), power = new Float64Array(bins.length);
        for (let k = 0; k < 6; k++) {{
            keys.analyser.getFloatFrequencyData(bins);
            bins.forEach((db, bin) => {{ power[bin] += 10 ** (db / 10) / 6; }});
            await new Promise((done) => setTimeout(done, 60));
        }}
        const level = keys.level(), step = keys.context.sampleRate / keys.analyser.fftSize;
        const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;
        const top = (low, high) => 10 * Math.log10(mean(power.slice(Math.round(low / step), Math.round(high / step))));
        keys.panic();
        return {{level, tone: top(400, 480), high: top(3900, 4020), noise: top(5000, 7000)}};
        """,
        midi,
        knobs,
    )


def test_it_opens_from_the_disk_without_a_word_or_a_request(fresh, written):
    assert fresh.run("return document.querySelector('h1').textContent;") == "é <b>"
    assert fresh.run("return document.querySelector('.facts').textContent;") == "A4 1.5 s · 16 kHz · mono"
    held(fresh)
    assert fresh.log("browser") == []
    asked = fresh.requests()
    assert asked[0] == written.as_uri()
    assert [address[:20] for address in asked[1:] if not address.startswith("data:")] == []


def test_a_computer_key_sounds_at_its_pitch_and_stops(fresh):
    actions = [{"type": "keyDown", "value": "h"}, {"type": "pause", "duration": 1500}, {"type": "keyUp", "value": "h"}]
    fresh.run(f"await {TONE}.keys.start();")
    fresh._send("POST", f"{fresh.session}/actions", {"actions": [{"type": "key", "id": "k", "actions": actions[:1]}]})
    fresh.wait_for(f"{TONE}.sounded > 0 && {TONE}.keys.level() > 0.01")
    assert abs(loudest_hz(fresh) - 440) < 4  # H is the A above the lower row's C
    lit = "[...document.querySelectorAll('#keyboard [aria-pressed=true]')].length"
    assert fresh.run(f"return {lit};") == 1
    fresh._send("POST", f"{fresh.session}/actions", {"actions": [{"type": "key", "id": "k", "actions": actions[2:]}]})
    fresh.wait_for(f"{TONE}.keys.level() < 0.001")
    assert fresh.run(f"return {lit};") == 0


def test_a_click_on_the_piano_sounds(fresh):
    fresh.run("""
        const key = [...document.querySelectorAll('#keyboard button, #keyboard [role=button]')][5];
        const box = key.getBoundingClientRect();
        const where = {bubbles: true, clientX: box.x + box.width / 2, clientY: box.y + box.height * 0.9, pointerId: 1,
            isPrimary: true, button: 0, buttons: 1, pointerType: 'mouse'};
        key.dispatchEvent(new PointerEvent('pointerdown', where));
    """)
    fresh.wait_for(f"{TONE}.keys.level() > 0.01")


def test_the_sound_plays_as_it_is_and_ends(fresh):
    fresh.run("document.getElementById('play').click();")
    fresh.wait_for(f"{TONE}.whole.level() > 0.03")
    assert fresh.run("return document.getElementById('play').textContent.trim();") == "Stop"
    fresh.wait_for("document.getElementById('play').textContent.trim() === 'Hear the sound'")
    fresh.keys(" ")
    fresh.wait_for(f"{TONE}.whole.level() > 0.03")
    fresh.keys("\ue00c")  # Escape
    fresh.wait_for(f"{TONE}.whole.level() < 0.001")


def test_each_slider_acts(fresh):
    plain = held(fresh)
    assert held(fresh, brightness=-6)["high"] - plain["high"] < -6
    fresh.run(f"{TONE}.knobs.reset();")
    assert_close(held(fresh, noise=12)["noise"] - plain["noise"], 12.0, atol=3)
    fresh.run(f"{TONE}.knobs.reset();")
    assert_close(held(fresh, level=-12)["tone"] - plain["tone"], -12.0, atol=1)
    fresh.run(f"{TONE}.knobs.reset();")
    assert_close(held(fresh)["tone"], plain["tone"], atol=1)


def test_attack_release_and_reverb_act_in_time(fresh):
    def level_after(ms: int, then_off: int = 0, **knobs: float) -> float:
        return fresh.run(
            f"""
            const [ms, off, knobs] = given, {{keys, knobs: sliders}} = {TONE};
            const wait = (time) => new Promise((done) => setTimeout(done, time));
            sliders.reset();
            for (const [name, value] of Object.entries(knobs)) sliders.set(sliders.named(name), value);
            await keys.start();
            keys.on(69, 0.8);
            await wait(ms);
            if (off) {{ keys.off(69); await wait(off); }}
            const level = keys.level();
            keys.panic();
            for (let k = 0; k < 100 && keys.level() > 1e-4; k++) await wait(50);
            return level;
            """,
            ms,
            then_off,
            knobs,
        )

    whole = level_after(500)
    assert level_after(300, attack=2) < 0.5 * whole
    dry = level_after(500, 400, release=0.1)
    assert level_after(500, 400, release=4) > 0.2 * whole > 20 * dry
    assert level_after(500, 400, release=0.1, reverb=1) > 0.01 * whole


def test_a_slider_is_a_slider_for_the_keyboard_and_goes_back_on_a_double_click(fresh):
    shown = "document.querySelector('#knob-brightness').previousElementSibling.textContent"
    fresh.run("document.getElementById('knob-brightness').focus();")
    fresh.keys("\ue014\ue014")  # arrow right
    assert fresh.run(f"return [{shown}, {TONE}.keys.knobs.brightness];") == ["+0.2 dB/oct", pytest.approx(0.2)]
    said = fresh.run("return document.getElementById('knob-brightness').getAttribute('aria-valuetext');")
    assert said == "+0.2 dB/oct"
    fresh.run("document.getElementById('knob-brightness').dispatchEvent(new MouseEvent('dblclick', {bubbles: true}));")
    assert fresh.run(f"return [{shown}, {TONE}.keys.knobs.brightness];") == ["0.0 dB/oct", 0]
    values = fresh.run("""
        return Instrument.KNOBS.filter((knob) => !knob.choices).map((knob) =>
            [knob.low, knob.high, knob.value].map((value) =>
                PageKnobs.value(knob, PageKnobs.place(knob, value)) - value));
    """)
    assert_close(np.array(values)[:, :2], np.zeros((len(values), 2)), atol=1e-6)


def test_turned_knobs_are_there_again_when_the_page_is_opened_again(fresh, written):
    fresh.run(
        f"const {{knobs}} = {TONE}; knobs.set(knobs.named('brightness'), 3); knobs.set(knobs.named('reverb'), 0.5);"
    )
    fresh.open(written)
    assert fresh.run(f"await {TONE}.loaded; return [{TONE}.keys.knobs.brightness, {TONE}.keys.knobs.reverb];") == [
        3,
        0.5,
    ]
    fresh.run(f"{TONE}.knobs.reset();")
    fresh.open(written)
    assert fresh.run(f"await {TONE}.loaded; return [{TONE}.keys.knobs.brightness, {TONE}.keys.knobs.reverb];") == [0, 0]


def test_octaves_move_by_key_and_by_button(fresh):
    octave = "document.getElementById('octave').textContent"
    assert fresh.run(f"return {octave};") == "C4"
    fresh.keys("z")
    fresh.wait_for(f"{octave} === 'C3'")
    fresh.run("document.getElementById('up').click(); document.getElementById('up').click();")
    assert fresh.run(f"return {octave};") == "C5"


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_window(fresh, tmp_path, width):
    fresh.screenshot(tmp_path / "a.png", width)
    assert fresh.run("return [document.documentElement.scrollWidth, innerWidth];") == [width, width]
