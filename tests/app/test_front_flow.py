"""The app in headless Chromium, as a person uses it: drop, fit, compare, edit, play, test blind, take along."""

from __future__ import annotations

import json
import re

import pytest

from tests.app.page import Page
from tests.app.serving import Served, wav
from tests.report.driver import missing

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(missing()), reason=str(missing()))]

CONTROL = "\ue009"  # as WebDriver writes the key
MUTE_HARMONIC = "document.querySelectorAll('.strip')[0].querySelectorAll('.toggle')[1].click()"
LEVEL = """
    const [names, choose] = given, deck = ddspMatchDeck, found = {};
    await deck.play();
    const meter = deck.context.createAnalyser(), heard = new Float32Array(meter.fftSize);
    deck.out.connect(meter);
    for (const name of names) {
        if (choose) deck.choose(name);
        deck.seek(0.15);
        await new Promise((done) => setTimeout(done, 350));
        meter.getFloatTimeDomainData(heard);
        found[name] = Math.sqrt(heard.reduce((sum, x) => sum + x * x, 0) / heard.length);
    }
    deck.pause();
    return found;
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with Served(tmp_path_factory.mktemp("front") / "outputs", warm=True) as served:
        yield served


@pytest.fixture(scope="module")
def tone(tmp_path_factory):
    path = tmp_path_factory.mktemp("sounds") / "My tone.wav"
    path.write_bytes(wav(0.8))
    return path


@pytest.fixture(scope="module")
def run(served, tone):
    """A match of the tone."""
    sound = served.drop(tone.read_bytes(), "My tone.wav").json["id"]
    return served.ended(served.fit(sound)["id"])["run"]


@pytest.fixture(scope="module")
def page(served):
    with Page(1280, 900) as page:
        yield page


def opened(page, served, run, tab=None):
    page.visit(served.origin + "/")
    page.run("sessionStorage.clear()")
    page.visit(f"{served.origin}/#run={run}")
    page.until("globalThis.ddspMatchDeck && ddspMatchDeck.buffer('noise') && ddspMatchDeck.buffer('match')")
    if tab:
        page.press(tab, ".tabs")
    page.log("browser")


def turn(page, card, value, field="range"):
    page.run(
        "const card = [...document.querySelectorAll('.edit-card')].find((one) => one.ariaLabel === given[0]);"
        "const knob = card.querySelector(`input[type=${given[2]}]`); knob.value = given[1];"
        "knob.dispatchEvent(new Event(given[2] === 'range' ? 'input' : 'change', {bubbles: true}));",
        card, value, field,
    )  # fmt: skip


@pytest.mark.slow
def test_a_file_becomes_a_match_and_nothing_is_asked_of_other_servers(page, served, tone):
    page.requests()
    page.visit(served.origin + "/")
    page.give(tone)
    page.until("location.hash.startsWith('#sound=')")
    page.until("document.querySelector('.lane.picture .f0')", 30)
    assert "My tone" in page.text("h1") and "A3 · 220" in page.text()
    page.press("Draft", ".fit-form")
    page.press("Fit", ".fit-form .primary, main .fit-form")
    page.until("location.hash.startsWith('#job=')")
    page.until("location.hash.startsWith('#run=')", 60)
    page.until("document.querySelector('.verdict')")
    assert "match" in page.text(".verdict")
    assert "My tone" in page.text(".side")
    assert page.troubles() == []
    asked = [one for one in page.requests() if not one.startswith(("blob:", "data:"))]
    assert len(asked) > 20 and all(one.startswith(served.origin) for one in asked)


def test_switching_keeps_the_position_and_changes_the_sound(page, served, run):
    opened(page, served, run)
    page.keys(" ")
    page.until("ddspMatchDeck.playing")
    before = page.run("return [ddspMatchDeck.chosen, ddspMatchDeck.startedAt]")
    page.keys("1")
    assert page.run("return [ddspMatchDeck.chosen, ddspMatchDeck.startedAt]") == ["target", before[1]]
    page.keys(" ")
    page.until("!ddspMatchDeck.playing")
    level = page.run(LEVEL, ["target", "match", "difference"], True)
    assert level["target"] > 0.05
    assert level["match"] == pytest.approx(level["target"], rel=0.15)
    assert level["difference"] < 0.7 * level["match"]
    assert page.troubles() == []


POINT = """
    const svg = [...document.querySelectorAll('.stage svg')][given[0]], box = svg.getBoundingClientRect();
    const at = {clientX: box.left + box.width / 2, clientY: box.top + box.height / 2};
    svg.dispatchEvent(new PointerEvent('pointermove', at));
    return document.querySelectorAll('p.readout')[given[0]].textContent;
"""


def test_the_pointer_reads_the_curves_of_pitch_loudness_and_loss(page, served, run):
    opened(page, served, run)
    page.until("document.querySelectorAll('.stage svg path.curve').length === 4")
    labels = page.run("return document.querySelector('.stage svg').textContent;")
    assert "Hz" in labels and "dB" in labels and "NaN" not in labels
    assert re.fullmatch(r"0\.\d\d s, 2[12]\d\.\d Hz, −\d+\.\d dB", page.run(POINT, 0))
    assert re.fullmatch(r"step \d+: loss [\d.e-]+, best [\d.e-]+", page.run(POINT, 1))
    assert page.troubles() == []


def test_solo_mute_and_level_are_what_is_heard(page, served, run):
    opened(page, served, run)
    page.until("ddspMatchDeck.buffer('harmonic')")
    page.run(MUTE_HARMONIC)
    heard = "return [ddspMatchDeck.chosen, ddspMatchDeck.weights.harmonic, ddspMatchDeck.weights.noise]"
    assert page.run(heard) == ["stems", 0, 1]
    muted = page.run(LEVEL, ["stems"], False)["stems"]
    page.run(MUTE_HARMONIC)
    mixed = page.run(LEVEL, ["stems"], False)["stems"]
    match = page.run(LEVEL, ["match"], True)["match"]
    assert mixed == pytest.approx(match, rel=0.15)
    assert muted < 0.3 * mixed


def test_an_edit_is_heard_undone_and_redone(page, served, run):
    opened(page, served, run, "Edit")
    turn(page, "Stretch", 1)  # an octave of lengths: twice as long
    page.until("ddspMatchDeck.buffer('edited') && document.querySelector('.chip')", 30)
    page.until("Math.abs(ddspMatchDeck.buffer('edited').duration - 1.6) < 0.011")
    page.until("ddspMatchDeck.chosen === 'edited'")  # a first edit is heard without being asked for
    turn(page, "Transpose", 7)
    page.until("document.querySelectorAll('.chip').length === 2")
    assert "Transpose 7 semitones" in page.text(".chips")
    page.chord(CONTROL, "z")
    page.until("document.querySelectorAll('.chip').length === 1")
    page.press("Redo")
    page.until("document.querySelectorAll('.chip').length === 2")
    page.press("Reset")
    page.until("!document.querySelector('.chip') && !ddspMatchDeck.buffer('edited')")
    assert page.run("return [ddspMatchDeck.chosen, ddspMatchDeck.durationS.toFixed(2)]") == ["match", "0.80"]
    assert page.troubles() == []


@pytest.mark.slow
def test_edits_are_still_there_after_a_reload(page, served, run):
    opened(page, served, run, "Edit")
    turn(page, "Transpose", -5, "number")
    page.until("ddspMatchDeck.buffer('edited')", 30)
    page.visit(f"{served.origin}/?again#run={run}")
    page.until("globalThis.ddspMatchDeck?.buffer('edited')", 30)
    assert page.run("return ddspMatchDeck.chosen") == "match"
    page.press("Edit", ".tabs")
    assert "Transpose −5 semitones" in page.text(".chips")


def test_the_keyboard_plays_and_its_letters_are_no_shortcuts(page, served, run):
    opened(page, served, run, "Play")
    page.until("document.querySelector('.piano-card b')", 20)
    page.run("document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'l', code: 'KeyL', bubbles: true}))")
    page.until("ddspMatchInstrument.level() > 0.001")
    assert page.run("return ddspMatchInstrument.pressed.size") == 1
    page.run("document.body.dispatchEvent(new KeyboardEvent('keyup', {key: 'l', code: 'KeyL', bubbles: true}))")
    page.until("ddspMatchInstrument.pressed.size === 0")
    page.keys("n")  # a new sound, in the other views
    assert page.run("return location.hash") == f"#run={run}"
    assert page.troubles() == []


def test_the_blind_test_hides_x_and_counts_right(page, served, run):
    opened(page, served, run, "Blind test")
    page.press("5", ".abx")
    page.press("Begin")
    page.until("document.querySelector('.abx-buttons')")
    shown, drawn = set(), []
    for trial in range(5):
        page.until(f"document.querySelector('.abx h2').innerText === 'Trial {trial + 1} of 5'")
        page.keys("x")
        # Nothing on the page may tell which one X is: all trials look the same but for how far the player is.
        shown.add(re.sub(r"[\d.]+", "", page.run("return document.querySelector('main').innerHTML")))
        drawn.append(page.run("return Object.keys(ddspMatchDeck.weights)[0]"))
        assert page.run("return ddspMatchDeck.chosen") == "abx"
        assert page.run("return document.querySelector('[aria-pressed=true] b').innerText") == "X"
        page.keys("1" if drawn[-1] == "target" else "2")
    page.until("document.querySelector('.big-number')")
    assert page.text(".big-number").split() == ["5", "of", "5", "right"]
    assert "tell them apart" in page.text(".abx h2") and "3.1 %" in page.text(".abx")
    assert len(shown) == 1


def test_the_binomial_tail_is_exact(page, served):
    page.visit(served.origin + "/")
    found = page.run("const {pValue} = await import('/static/audio/binomial.js');"
                     "return [[5, 5], [9, 10], [8, 16], [0, 7], [50, 100]].map((one) => pValue(...one));")  # fmt: skip
    from scipy.stats import binom

    wanted = [binom.sf(k - 1, n, 0.5) for k, n in [(5, 5), (9, 10), (8, 16), (0, 7), (50, 100)]]
    assert found == pytest.approx(wanted, rel=1e-9)


def test_a_file_that_is_no_sound_is_answered_in_words(page, served, tmp_path):
    page.visit(served.origin + "/")
    (tmp_path / "notes.wav").write_text("this is not a sound")
    page.give(tmp_path / "notes.wav")
    page.until("document.querySelector('.trouble')")
    said = page.text(".trouble")
    assert "Found" in said and "Needed" in said and "Try" in said
    assert page.run("return location.hash") == ""
    page.run("document.querySelector('.trouble button').click()")
    page.until("!document.querySelector('.trouble')")


def test_too_much_is_said_before_it_is_sent(page, served, tmp_path):
    page.visit(served.origin + "/")
    limit = json.loads(served.get("/api/state").body)["limits"]["bytes"]
    with (tmp_path / "long.wav").open("wb") as file:
        file.truncate(limit + 1)
    page.requests()
    page.give(tmp_path / "long.wav")
    page.until("document.querySelector('.trouble')")
    assert "256 MB" in page.text(".trouble")
    assert not [one for one in page.requests() if "/api/sounds" in one]


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_phone_shows_every_view_without_scrolling_sideways(served, run, dark):
    with Page(390, 844, dark=dark) as phone:
        phone.visit(served.origin + "/")
        assert phone.too_wide(390) == []
        phone.visit(f"{served.origin}/#run={run}")
        for tab in ("Listen", "Edit", "Play", "Blind test", "Download"):
            phone.press(tab, ".tabs")
            assert phone.too_wide(390) == [], tab
        assert phone.troubles() == []


@pytest.mark.slow
def test_a_page_whose_server_went_away_says_so_and_goes_on(tmp_path, tone):
    with Page() as page:
        with Served(tmp_path / "outputs") as served:
            page.visit(served.origin + "/")
            page.until("document.querySelector('.home') && !document.querySelector('.gone')")
        page.until("document.querySelector('.gone')")
        assert "ddsp-match app" in page.text(".gone")
        with Served(tmp_path / "outputs", port=served.port):
            page.until("!document.querySelector('.gone')", 20)
            page.give(tone)
            page.until("location.hash.startsWith('#sound=')")
