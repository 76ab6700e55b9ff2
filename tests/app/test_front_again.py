"""Second thoughts in the app: another name, a part, another pitch, the two compared; a dry and a wet sound; knobs."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from tests.accessible import assert_accessible
from tests.app import made
from tests.app.page import LOADED, Page
from tests.app.serving import Served, wav
from tests.report.driver import missing

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(missing()), reason=str(missing()))]

CHOOSE = """
    const [selector, value] = given, field = document.querySelector(selector);
    field.value = value ?? field.options[1].value;
    field.dispatchEvent(new Event('change', {bubbles: true}));
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with Served(tmp_path_factory.mktemp("again") / "outputs", warm=True) as served:
        yield served


@pytest.fixture(scope="module")
def page(served):
    with Page(1280, 900) as page:
        yield page


@pytest.fixture(scope="module")
def run(served):
    """A match that was made by hand."""
    made.run(served.app.services.runs.outputs / "by-hand", "by hand")
    (run,) = [one["id"] for one in served.get("/api/runs").json["runs"] if one["name"] == "by hand"]
    served.get(f"/api/runs/{run}/level")  # the server's first work loads what it needs for all
    return run


def opened(page, served, run, tab="Listen"):
    page.visit(f"{served.origin}/?{tab}")
    page.run("sessionStorage.clear(); localStorage.clear()")
    page.visit(f"{served.origin}/?{tab}#run={run}")
    page.until("globalThis.ddspMatchDeck?.buffer('noise') && ddspMatchDeck.buffer('match')")
    page.until("Number.isFinite(ddspMatchDeck.gainsDb.match)")
    page.press(tab, ".tabs")


@pytest.mark.parametrize("address", ["#run=%E0%A4%A", "#run=", "#nothing=1", "#%"])
def test_an_address_that_names_nothing_shows_the_first_page_and_says_so(page, served, address):
    page.visit(f"{served.origin}/?{len(address)}{address}")
    page.until("document.querySelector('.home')")
    assert address in page.text(".banner")
    page.press("New sound", ".side")
    page.until("!document.querySelector('.banner')")


def test_a_stem_alone_a_solo_and_the_match_have_one_gain_and_one_scale(page, served, run):
    opened(page, served, run)
    page.run("ddspMatchDeck.setGains({target: 0, match: -1.5, harmonic: 4, noise: 24, dry: 4})")
    gain = "return [ddspMatchDeck.chosen, ddspMatchDeck.gainOf('noise')]"
    page.keys("4")
    alone = page.run(gain)
    page.run("document.querySelectorAll('.strip')[1].querySelector('.toggle').click()")
    solo = page.run(gain)
    assert [alone[0], solo[0]] == ["noise", "stems"]
    assert alone[1] == solo[1] == pytest.approx(10 ** (-1.5 / 20))
    assert "−1.5 dB" in page.text(".transport")
    # All lanes are drawn on the scale of the loudest: the faint noise is a line, not as tall as the target.
    page.keys("4")
    tallest = """
        const ink = (canvas) => {
            const {width, height} = canvas, {data} = canvas.getContext('2d').getImageData(0, 0, width, height);
            const rows = new Set();
            for (let i = 3; i < data.length; i += 4) if (data[i] > 200) rows.add(Math.floor(i / 4 / width));
            return rows.size / height;
        };
        return [...document.querySelectorAll('.lane canvas')].map(ink);
    """
    page.until("document.querySelectorAll('.lane canvas').length === 2")
    target, noise = page.run(f"await new Promise((done) => requestAnimationFrame(done)); {tallest}")
    assert target > 0.7 > 0.3 > noise


def test_with_edits_the_verdict_says_what_it_is_about(page, served, run):
    opened(page, served, run)
    page.run(
        f"sessionStorage.setItem('edits {run}', JSON.stringify([{{name: 'transpose', values: {{semitones: 7}}}}]))"
    )
    page.visit(f"{served.origin}/?edited#run={run}")
    page.until("document.querySelector('.verdict .edited')")
    assert "before your edits" in page.text(".verdict")
    assert "1,040 numbers a second, 8.13 kbit/s" in page.text(".verdict")
    page.until("document.querySelector('main h2 + a') || document.querySelector('.card-head')")
    assert "before your edits" in page.text("#panel")


def test_a_refusal_writes_the_name_of_a_file_as_it_is(page, served):
    page.visit(served.origin + "/?refusal")
    page.run(
        "const {complain} = await import('/static/store.js'); complain(new Error('tiny.wav: a sound of 3 samples'))"
    )
    page.until("document.querySelector('.trouble dd')")
    drawn = "getComputedStyle(document.querySelector('.trouble dd'), '::first-letter').textTransform"
    assert page.text(".trouble dd") == "tiny.wav: a sound of 3 samples" and page.run(f"return {drawn}") == "none"


@pytest.mark.slow
def test_a_sound_is_renamed_cut_fitted_near_a_note_and_again_compared_and_deleted(page, served):
    sound = served.drop(wav(1.0), "long.wav").json["id"]
    page.visit(f"{served.origin}/?again#sound={sound}")
    page.press("Rename", "main")
    page.until("document.querySelector('.title input')")
    page.run("const field = document.querySelector('.title input'); field.value = 'A tone';"
             "field.dispatchEvent(new Event('input', {bubbles: true}));")  # fmt: skip
    page.press("Save", ".title")
    page.until("document.querySelector('h1').innerText === 'A tone' && !document.querySelector('.title form')")
    assert "A tone" in page.text(".side")

    page.until("ddspMatchDeck.durationS > 0.9")
    page.run("const [, end] = document.querySelectorAll('.trim input'); end.value = 0.5;"
             "end.dispatchEvent(new Event('change', {bubbles: true}));")  # fmt: skip
    page.until("!document.querySelector('.trim button').disabled")
    page.press("Cut out this part")
    page.until(f"location.hash.startsWith('#sound=') && !location.hash.endsWith('{sound}')")
    page.until("ddspMatchDeck.durationS && Math.abs(ddspMatchDeck.durationS - 0.5) < 0.01")

    page.press("Draft", ".fit-form")
    page.press("Near a note", ".fit-form")
    page.until("document.querySelector('.fit-form select')")
    page.run(CHOOSE, ".fit-form select", "57")
    page.press("Fit", ".fit-form .primary, main .fit-form")
    page.until("location.hash.startsWith('#run=')")
    page.until("document.querySelector('.verdict')")
    first = page.run("return location.hash.slice(5)")
    page.press("Fit again", ".page-head")
    page.press("One note", ".fit-form")
    page.run("document.querySelector('.fit-form .primary').click()")
    page.until("location.hash.startsWith('#job=')")
    page.until("location.hash.startsWith('#run=')")

    page.until("document.querySelector('.page-head select')")
    page.run(CHOOSE, ".page-head select", None)
    page.until("location.hash.startsWith('#compare=')")
    page.until("document.querySelector('.pair-table') && ddspMatchDeck.buffer('b')")
    assert "net mel" in page.text(".pair-table") and "f0" in page.text("main")
    page.keys("3")
    assert page.run("return ddspMatchDeck.chosen") == "b"

    page.visit(f"{served.origin}/?gone#run={first}")
    page.until("document.querySelector('.verdict')")
    page.until("document.querySelector('.lane.picture img')?.complete")
    page.press("Delete", ".page-head")
    page.press("Delete it", ".ask")
    page.until("document.querySelector('.home')")
    assert first not in {one["id"] for one in served.get("/api/runs").json["runs"]}
    assert page.troubles() == []


@pytest.mark.slow
def test_what_lies_between_a_dry_and_a_wet_sound_is_found_and_heard(page, served):
    noise = np.random.default_rng(0).normal(0, 0.1, 16000)
    for name, samples in (("dry.wav", noise), ("wet.wav", 0.5 * noise)):
        file = io.BytesIO()
        soundfile.write(file, samples, 16000, format="WAV", subtype="FLOAT")
        served.drop(file.getvalue(), name)
    page.visit(f"{served.origin}/?pair#effects")
    page.until(LOADED)
    sounds = {one["name"]: one["id"] for one in served.get("/api/state").json["sounds"]}
    for place, name in enumerate(("dry", "wet")):
        page.run(CHOOSE, f".two > section:nth-child({place + 1}) select", sounds[name])
    page.run("document.querySelectorAll('.chip').forEach((one) => one.click())")
    page.until("document.querySelectorAll('.chip').length < 4")
    while page.run("document.querySelector('.chip')?.click(); return document.querySelectorAll('.chip').length"):
        pass
    page.run(CHOOSE, "main .card .row > select", "gain")
    page.until("document.querySelectorAll('.chip').length === 1")
    page.press("Find the settings")
    page.until("location.hash.startsWith('#effect=')")
    page.until("document.querySelector('.verdict') && ddspMatchDeck.buffer('difference')")
    assert "gain.gain_db" in page.text("main") and "−6.02" in page.text("main")
    page.keys("4")
    assert page.run("return ddspMatchDeck.chosen") == "difference"
    page.until("document.querySelector('.lane.picture img')?.complete")
    assert page.troubles() == []
    assert_accessible(page, "the effects that were found")  # which has the browser warn of how it reads canvases
    page.press("Delete", ".page-head")
    page.press("Delete it", ".ask")
    page.until("location.hash === '#effects'")
    assert served.get("/api/effects").json["effects"] == []


def test_two_files_dropped_on_the_pair_page_are_its_dry_and_its_wet_sound(page, served):
    page.visit(f"{served.origin}/?dropped#effects")
    page.until(LOADED)
    page.run("const {current} = await import('/static/store.js'), sound = new Uint8Array(given[0]);"
             "current().takeFiles(['one', 'two'].map((name) => new File([sound], `${name}.wav`)));",
             list(wav(0.3)))  # fmt: skip
    page.until("[...document.querySelectorAll('.two b')].map((one) => one.innerText).join() === 'one,two'")


def test_knobs_of_the_keyboard_are_there_again_and_become_edits(page, served, run):
    opened(page, served, run, "Play")
    page.until("document.querySelector('.piano-card b')")
    turn = """
        const [label, value] = given;
        const knob = [...document.querySelectorAll('.knob')].find((one) => one.innerText.startsWith(label));
        const slider = knob.querySelector('input'); slider.value = value;
        slider.dispatchEvent(new Event('input', {bubbles: true}));
    """
    for label, value in (("Transpose", 5), ("Noise stem", -40), ("Release", 2)):
        page.run(turn, label, value)
    page.visit(f"{served.origin}/?kept#run={run}")
    page.press("Play", ".tabs")
    page.until("document.querySelector('.piano-card b')")
    page.until("ddspMatchInstrument.knobs.transpose === 5 && ddspMatchInstrument.knobs.release === 2")
    page.press("Make edits of them")
    page.until("ddspMatchInstrument.knobs.transpose === 0")
    page.press("Edit", ".tabs")
    page.until("document.querySelectorAll('.chip').length === 2")
    assert "Transpose 5 semitones" in page.text(".chips") and "Noise stem −80 dB" in page.text(".chips")
    assert page.run("return JSON.parse(localStorage.getItem(`knobs ${given[0]}`)).release", run) == 2
    page.run("sessionStorage.clear(); localStorage.clear()")


def test_the_form_says_how_long_a_fit_takes(page, served):
    sound = served.drop(wav(0.4), "timed.wav").json["id"]
    page.visit(f"{served.origin}/?timed#sound={sound}")
    page.until("document.querySelector('.fit-form')")
    page.run(
        "const {set} = await import('/static/store.js');"
        "set((s) => ({sounds: s.sounds.map((one) => ({...one, estimate_s: {draft: 3.2, default: 12, best: 200}}))}));"
    )
    page.until("document.querySelector('.fit-form').innerText.includes('about 12 s')")
    page.press("Best", ".fit-form")
    page.until("document.querySelector('.fit-form').innerText.includes('about 3 min')")


def test_a_stage_that_is_over_in_a_moment_is_not_shown(page, served):
    page.visit(f"{served.origin}/?stages#job=j")
    page.until(LOADED)
    page.run(
        "const {set} = await import('/static/store.js');"
        "set({jobs: [{id: 'j', name: 'tone', state: 'running', stage: 'optimise', losses: [], steps: 0, version: 0}]});"
    )
    page.until("document.querySelector('.status')")
    page.run(
        "globalThis.shown = []; new MutationObserver(() => shown.push(document.querySelector('.status b').innerText))"
        ".observe(document.querySelector('main'), {subtree: true, childList: true, characterData: true});"
    )
    for stage in ("judge", "write"):
        served.app.services.events.tell("stage", {"job": "j", "stage": stage, "progress": None})
    page.until("shown.includes('Writing the result')")
    assert set(page.run("return shown")) <= {"Improving the match", "Writing the result"}
