"""Ways through the page that are easily forgotten: real drops, pages out of sight, octaves without a keyboard."""

from __future__ import annotations

import base64

import pytest

from tests.app import made
from tests.app.page import Page
from tests.app.serving import Served, until, wav
from tests.report.driver import missing

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(missing()), reason=str(missing()))]

DROP = """
    const [files, land] = given, moved = new DataTransfer();
    const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    for (const [name, text] of files) moved.items.add(new File([bytesOf(text)], name));
    const tell = (kind) => document.querySelector('main').dispatchEvent(
        new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: moved}));
    tell('dragenter'); tell('dragover');
    await new Promise((done) => setTimeout(done, 60));
    const veiled = Boolean(document.querySelector('.drop-veil'));
    if (land) tell('drop');
    return veiled;
"""
HIDE = """
    Object.defineProperty(document, 'hidden', {value: given[0], configurable: true});
    document.dispatchEvent(new Event('visibilitychange'));
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with Served(tmp_path_factory.mktemp("ways") / "outputs") as served:
        yield served


@pytest.fixture(scope="module")
def page(served):
    with Page(1280, 900) as page:
        yield page


def dropped(page: Page, *names: str) -> bool:
    sound = base64.b64encode(wav(0.4)).decode()
    return page.run(DROP, [[name, sound] for name in names], True)


def test_what_is_dropped_is_taken_under_its_whole_name_and_can_be_found_again(page, served):
    page.visit(served.origin + "/")
    assert dropped(page, "take 1.2.wav"), "nothing said that it may be dropped here"
    page.until("location.hash.startsWith('#sound=')")
    assert page.text("h1") == "take 1.2"
    page.press("New sound")
    page.until("document.querySelector('.home')")
    page.press("take 1.2", ".side")
    page.until("location.hash.startsWith('#sound=')")
    assert page.troubles() == []


def test_of_several_files_the_first_is_taken_and_the_rest_are_spoken_of(page, served):
    page.visit(served.origin + "/")
    dropped(page, "one.wav", "two.wav")
    page.until("document.querySelector('.trouble')")
    assert "2 files" in page.text(".trouble")
    page.until("document.querySelector('h1').innerText === 'one'")


def test_a_folder_is_refused_in_words_and_the_server_is_not_thought_gone(page, served):
    page.visit(served.origin + "/")
    page.run("const {take} = await import('/static/views/drop.js');"
             "const folder = new File(['x'], 'sounds.wav');"
             "folder.slice = () => ({arrayBuffer: () => Promise.reject(new DOMException('', 'NotFoundError'))});"
             "await take(folder, 'sounds.wav', null);")  # fmt: skip
    page.until("document.querySelector('.trouble')")
    assert "sounds.wav" in page.text(".trouble .about") and "folder" in page.text(".trouble dl")
    assert not page.run("return Boolean(document.querySelector('.gone, .taking'))")


def test_a_page_out_of_sight_lets_go_of_its_connection_and_catches_up(page, served):
    page.visit(served.origin + "/")
    streams = served.app.services.events._queues
    page.until("!document.querySelector('.gone')")
    until(lambda: len(streams) == 1)
    page.run(HIDE, True)
    until(lambda: not streams)
    made.run(served.app.services.runs.outputs / "meanwhile", "meanwhile")
    page.run(HIDE, False)
    until(lambda: len(streams) == 1)
    page.until("document.querySelector('.side').innerText.includes('meanwhile')")
    assert not page.run("return Boolean(document.querySelector('.gone'))")


def test_pages_that_were_left_for_another_hold_no_connection(page, served):
    # A browser keeps them to go back to, and has six connections to a server in all.
    for visit in range(7):
        page.visit(f"{served.origin}/?{visit}")
    streams = served.app.services.events._queues
    until(lambda: len(streams) == 1)
    page.run("history.back()")
    page.until("location.search === '?5' && document.querySelector('main h1')")
    until(lambda: len(streams) == 1)
    made.run(served.app.services.runs.outputs / "after", "after going back")
    served.app.services.events.tell("runs", {})
    page.until("document.querySelector('.side').innerText.includes('after going back')")


def test_the_piano_stands_about_the_pitch_of_the_sound_and_moves_by_octaves(page, served):
    made.run(served.app.services.runs.outputs / "high", "high", f0_hz=1760.0)
    (run,) = [one["id"] for one in served.get("/api/runs").json["runs"] if one["name"] == "high"]
    page.visit(f"{served.origin}/#run={run}")
    page.until("document.querySelector('[role=tab]')")
    page.press("Play", ".tabs")
    page.until("document.querySelector('.piano-card b')", 20)
    keys = "[...document.querySelectorAll('.piano-key')].map((key) => Number(key.dataset.midi))"
    assert page.run(f"const keys = {keys}; return [keys[0], keys.at(-1)]") == [84 - 24, 84 + 24]
    letters = "return document.querySelector('.piano-key .letter').parentElement.dataset.midi"
    assert page.run(letters) == "84"
    page.run("document.querySelector('[aria-label=\"Octave down\"]').click()")
    page.until("document.querySelector('.octaves .number').innerText === 'C5'")
    assert page.run(letters) == "72"
    for _ in range(3):
        page.run("document.querySelector('[aria-label=\"Octave up\"]').click()")
    page.until("document.querySelector('.octaves .number').innerText === 'C8'")
    assert page.run(letters) == "108"


def test_a_new_sound_ends_the_complaint_about_the_last(page, served):
    page.visit(served.origin + "/")
    page.run(DROP, [["notes.wav", base64.b64encode(b"no sound").decode()]], True)
    page.until("document.querySelector('.trouble .about')")
    assert page.text(".trouble .about") == "notes.wav"
    dropped(page, "one.wav")
    page.until("location.hash.startsWith('#sound=')")
    assert not page.run("return Boolean(document.querySelector('.trouble'))")
