"""The page while fits run, and the ways in other than a file: the microphone, formats only the browser reads."""

from __future__ import annotations

import pytest

from tests.app.page import Page
from tests.app.serving import Served, wav
from tests.report import driver

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(driver.missing()), reason=str(driver.missing())),
]

TAB, ARROW_RIGHT, ESCAPE = "\ue004", "\ue014", "\ue00c"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with Served(tmp_path_factory.mktemp("front") / "outputs", warm=True) as served:
        yield served


@pytest.fixture(scope="module")
def page(served):
    with Page(1280, 900) as page:
        yield page


@pytest.mark.slow
def test_a_fit_survives_a_reload_queues_the_next_and_keeps_its_best_when_stopped(page, served):
    sounds = [served.drop(wav(4.0, f0_hz), f"{f0_hz}.wav").json["id"] for f0_hz in (196.0, 311.0)]
    first = served.fit(sounds[0], "best")["id"]
    page.visit(f"{served.origin}/#job={first}")
    page.until("document.querySelector('[data-tone=best]')", 60)
    page.visit(f"{served.origin}/?again#job={first}")
    page.until("document.querySelector('[data-tone=best]')", 30)
    page.until("ddspMatchDeck.buffer('best')")
    page.keys(" ")
    page.until("ddspMatchDeck.playing")
    heard = page.run("globalThis.before = ddspMatchDeck.tracks.get('best').url; return before")
    page.until("ddspMatchDeck.tracks.get('best').url !== before && ddspMatchDeck.buffer('best')", 30)
    assert heard and page.run("return ddspMatchDeck.playing"), "a better version stopped the playing"

    second = served.fit(sounds[1], "best")["id"]
    page.visit(f"{served.origin}/#job={second}")
    page.until("document.querySelector('.status')")
    assert "next in the queue" in page.text(".status")
    page.press("Leave the queue")
    page.until("location.hash.startsWith('#sound=')")
    assert served.job(second)["state"] == "cancelled"

    page.visit(f"{served.origin}/#job={first}")
    page.until("document.querySelector('[data-tone=best]')")
    page.press("Stop and keep the best")
    page.until("location.hash.startsWith('#run=')", 60)
    page.until("document.querySelector('.verdict')")
    assert page.troubles() == []


def test_a_fit_that_fails_says_why(page, served):
    from ddsp_match.core.errors import SoundError

    def broken(*_, **__):
        raise SoundError("a sound of glass", where="the shelf", needed="wood", hint="knock on it")

    worker = served.app.services.worker
    worker.fit, real = broken, worker.fit
    sound = served.drop(wav(), "glass.wav").json["id"]
    job = served.fit(sound)["id"]
    served.ended(job)
    worker.fit = real
    page.visit(f"{served.origin}/#job={job}")
    page.until("document.querySelector('.problem')")
    assert all(word in page.text(".problem") for word in ("sound of glass", "wood", "knock on it"))
    page.press("Back to the sound")
    page.until("location.hash.startsWith('#sound=')")


def test_the_keys_are_told_and_the_first_tab_skips_to_the_content(page, served):
    page.visit(served.origin + "/")
    page.keys("?")
    page.until("document.querySelector('dialog[open]')")
    assert "play and pause" in page.text("dialog")
    page.keys(ESCAPE)
    page.until("!document.querySelector('dialog[open]')")
    page.visit(served.origin + "/?fresh")
    page.keys(TAB)
    assert page.run("return document.activeElement.className") == "skip"


@pytest.mark.slow
def test_a_recording_becomes_a_sound(served):
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with Page(flags=fake) as page:
        page.visit(served.origin + "/")
        page.press("Record")
        page.until("parseFloat(document.querySelector('.recording .number')?.innerText) > 0.8")
        page.press("Stop")
        page.until("location.hash.startsWith('#sound=')")
        page.until("globalThis.ddspMatchDeck?.durationS > 0.7")
        samples = page.run(
            "const x = ddspMatchDeck.buffer('target').getChannelData(0);"
            "return [Math.max(...x.map(Math.abs)), x.filter((v) => v === 0).length / x.length];"
        )
        assert samples[0] > 0.01, "the fake microphone beeps"
        assert page.troubles() == []


def test_what_only_the_browser_reads_reaches_the_server_as_wav(page, served):
    page.visit(served.origin + "/")
    page.run("""
        const context = new AudioContext(), tone = context.createOscillator();
        const out = context.createMediaStreamDestination();
        tone.frequency.value = 330; tone.connect(out); tone.start(); await context.resume();
        const recorder = new MediaRecorder(out.stream), parts = [];
        recorder.ondataavailable = (event) => parts.push(event.data);
        recorder.start(); await new Promise((done) => setTimeout(done, 900)); recorder.stop();
        await new Promise((done) => { recorder.onstop = done; });
        const {take} = await import('/static/views/drop.js');
        await take(new Blob(parts), 'tone.webm', null);
    """)
    page.until("location.hash.startsWith('#sound=')")
    sound = served.get("/api/state").json["sounds"][0]
    assert sound["name"] == "tone" and sound["seconds"] > 0.5
    page.until("document.querySelector('.facts').innerText.includes('E4')")
