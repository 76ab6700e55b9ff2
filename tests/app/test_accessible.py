"""Every view of the app, in light, dark and on a phone, as axe and the window's width judge it."""

from __future__ import annotations

import pytest

from tests.accessible import assert_accessible
from tests.app import made
from tests.app.page import LOADED, Page
from tests.app.serving import Served, wav
from tests.report.driver import missing

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=str(missing()))]

JOB = {
    "id": "x", "name": "A sound with a long name", "quality": "default", "effects": None, "state": "running",
    "stage": "optimise", "progress": None, "version": 0, "step": 30, "steps": 120, "loss": 0.5, "best": 0.4,
    "losses": [[0, 0.9, 0.9], [10, 0.6, 0.6], [30, 0.5, 0.4]], "elapsed_s": 3.0, "position": 0, "sound": "",
    "run": None, "error": {"found": "a sound of glass", "needed": "wood", "try": "knock on it"}, "created": 0,
}  # fmt: skip
SET = "const {set} = await import('/static/store.js'); set(given[0]);"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with Served(tmp_path_factory.mktemp("accessible") / "outputs") as served:
        made.run(served.app.services.runs.outputs / "a-tone", "a tone", metrics=FIGURES)
        yield served


FIGURES = {"mrstft": 0.3, "mel_db": 0.8, "loudness_l1_db": 0.2, "f0_cents": 1.5, "harmonic_share": 0.97, "mos": 4.2}


@pytest.fixture(scope="module")
def page(served):
    with Page(1280, 900) as page:
        yield page


@pytest.fixture(scope="module")
def run(served):
    run = served.get("/api/runs").json["runs"][0]["id"]
    served.get(f"/api/runs/{run}/level")  # the server's first work loads what it needs for all
    return run


def test_home(page, served):
    page.visit(served.origin + "/")
    assert_accessible(page, "home")


def test_a_sound_before_its_fit(page, served):
    sound = served.drop(wav(0.5), "a tone.wav").json["id"]
    page.visit(f"{served.origin}/?dropped#sound={sound}")
    page.until("document.querySelector('.lane.picture .f0')")
    page.press("Rename", "main")
    assert_accessible(page, "sound")


@pytest.mark.parametrize("state", ["queued", "running", "failed", "cancelled"])
def test_a_fit(page, served, state):
    page.visit(f"{served.origin}/?{state}#job=x")
    page.until(LOADED)
    page.run(SET, {"jobs": [{**JOB, "state": state, "position": 1}]})
    page.until("document.querySelector('main .card:not(.empty-state)')")
    assert_accessible(page, f"a fit that is {state}")


def test_a_match(page, served, run):
    page.visit(f"{served.origin}/?match#run={run}")
    for tab in ("Listen", "Edit", "Play", "Blind test", "Download"):
        page.press(tab, ".tabs")
        loaded = (
            "!document.querySelector('main .wait') && !document.querySelector('main').innerText.includes('loading')"
        )
        page.until(loaded)
        assert_accessible(page, tab)
    page.press("Fit again", ".page-head")
    page.press("Near a note", ".fit-form")
    page.press("Delete", ".page-head")
    assert_accessible(page, "a match to be fitted again or deleted")


def test_two_matches_side_by_side(page, served, run):
    made.run(served.app.services.runs.outputs / "b-tone", "a tone", metrics={**FIGURES, "mel_db": 0.4})
    (other,) = [one["id"] for one in served.get("/api/runs").json["runs"] if one["folder"] == "b-tone"]
    page.visit(f"{served.origin}/?two#compare={run},{other}")
    page.until("document.querySelector('.pair-table') && ddspMatchDeck.buffer('b')")
    page.press("What the figures mean")
    assert_accessible(page, "two matches")


def test_a_dry_and_a_wet_sound(page, served):
    page.visit(f"{served.origin}/?pair#effects")
    page.until("document.querySelectorAll('main select option').length > 20")
    assert_accessible(page, "the page for a dry and a wet sound")


def test_an_edited_match(page, served, run):
    page.visit(f"{served.origin}/")
    page.run(
        f"sessionStorage.setItem('edits {run}', JSON.stringify([{{name: 'transpose', values: {{semitones: 7}}}}]))"
    )
    page.visit(f"{served.origin}/?edited-now#run={run}")
    page.until("globalThis.ddspMatchDeck?.buffer('edited')")
    for tab in ("Edit", "Download"):
        page.press(tab, ".tabs")
        assert_accessible(page, f"{tab} of an edited match")
    page.run("sessionStorage.clear()")


def test_the_help_a_complaint_and_what_is_no_longer_there(page, served):
    page.visit(f"{served.origin}/#sound=gone")
    page.until("document.querySelector('.empty-state')")
    complain = (
        "const {complain} = await import('/static/store.js'); complain(new Error('a long complaint'), 'a file.wav');"
    )
    page.run(complain)
    assert_accessible(page, "a complaint")
    page.run("document.querySelector('[aria-label=\"Keys and help\"]').click()")
    page.until("document.querySelector('dialog[open]')")
    assert_accessible(page, "help")
