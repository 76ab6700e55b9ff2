"""The pages about many sounds in a browser: sorting, filtering, the keyboard, and whether sounds really play."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ddsp_match.report import compare_page, score_page, sweep_page
from tests.report.driver import Browser, missing
from tests.report.many_examples import SWEEP, card, comparison, jobs, sound_files

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]

ARROW_DOWN = "\ue015"
STATE = """
    const p = ddspMatchPage.player;
    const running = [...p.audio].filter(([, a]) => !a.paused && !a.muted).map(([name]) => name);
    return {running, at: p.position(), current: p.current, playing: p.playing, clock: performance.now() / 1000,
        row: document.getElementById('dock-name').textContent,
        volumes: Object.fromEntries([...p.audio].map(([name, a]) => [name, a.volume]))};
"""
NAMES = "return [...document.querySelectorAll('.list tbody tr:not(.spacer) th .name')].map(n => n.textContent)"
VALUES = """
    const { table } = ddspMatchPage;
    return table.order.map(table.columns.find((column) => column.key === given[0]).value);
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, bundled: Path) -> list[tuple[Path, Path]]:
    """Real sounds, and matches in folders with names that an address must escape."""
    return sound_files(tmp_path_factory.mktemp("a run #1? 100% ü"), bundled)


def show(browser: Browser, page: Path) -> None:
    """Opens a page with the logs emptied before."""
    browser.log("browser")
    browser.requests()
    browser.open(page)


def sweep(files: list[tuple[Path, Path]]) -> Path:
    """A page of a sweep, beside the folders of its jobs."""
    folder = files[0][1].parents[2] / "sweep"
    return sweep_page.write(folder / "sweep.html", jobs(folder, files), **SWEEP)


@pytest.fixture
def opened(browser: Browser, files: list[tuple[Path, Path]]) -> Browser:
    """The browser with a score page of 60 sounds."""
    page = score_page.write(files[0][1].parents[2] / "scores.html", card(60, files, name="<b>my kit</b>"))
    show(browser, page)
    return browser


def expected(key: str, worst_first: bool = True, higher_is_worse: bool = True) -> list[str]:
    """Names in the order of a metric, without those that lack it."""
    rows = [row for row in card(60, [(Path("t"), Path("m"))]).scored if key in row.metrics]
    rows.sort(key=lambda row: float(f"{row.metrics[key]:.5g}"), reverse=worst_first == higher_is_worse)
    return [row.name for row in rows]


def press(browser: Browser, selector: str) -> None:
    """Clicks what a selector finds."""
    browser.run("const e = document.querySelector(given[0]); if (!e) throw Error(given[0]); e.click();", selector)


def sorted_by(browser: Browser) -> tuple[str, str]:
    """Key and direction that the headers tell."""
    key, way = browser.run(
        "return [...document.querySelectorAll('.list [aria-sort]')].flatMap("
        "(th) => [th.querySelector('button').dataset.key, th.getAttribute('aria-sort')])"
    )
    return key, way


def test_nothing_is_asked_of_a_network_and_the_console_stays_empty(opened: Browser) -> None:
    """Playing asks for files alone, and a title stays text."""
    opened.keys("t")
    opened.wait_for("ddspMatchPage.player.position() > 0.1")
    assert opened.log("browser") == []
    asked = opened.requests()
    assert any(url.endswith(".flac") for url in asked)
    assert [url[:60] for url in asked if not url.startswith(("file:", "data:"))] == []
    assert opened.run("return document.querySelector('h1').textContent") == "<b>my kit</b>"


def test_the_worst_come_first_and_a_header_turns_the_order(opened: Browser) -> None:
    """Every metric knows which way is bad; sounds without the figure come last either way."""
    shown = opened.run(NAMES)
    assert len(shown) > 10
    assert shown == expected("mrstft")[: len(shown)]
    assert sorted_by(opened) == ("mrstft", "descending")
    press(opened, ".list [data-key=mrstft]")
    assert opened.run(NAMES)[:10] == expected("mrstft", worst_first=False)[:10]
    assert sorted_by(opened) == ("mrstft", "ascending")
    press(opened, ".list [data-key=snr_db]")
    assert opened.run(NAMES)[:10] == expected("snr_db", higher_is_worse=False)[:10]
    assert sorted_by(opened) == ("snr_db", "ascending")
    assert opened.run("return document.querySelector('.chosen-name').textContent") == "SNR"
    for _ in range(2):
        press(opened, ".list [data-key=f0_l1_cents]")
        last = opened.run(
            "const { table } = ddspMatchPage; const c = table.columns.find(c => c.key === 'f0_l1_cents');"
            "return table.order.map(c.words)"
        )
        empty = last.count("—")
        assert 0 < empty < 60
        assert last[-empty:] == ["—"] * empty


def test_the_whole_page_follows_the_metric(opened: Browser) -> None:
    """A press in the table of figures sorts the sounds and redraws families and histogram."""
    before = opened.run("return document.querySelector('#histogram svg').getAttribute('aria-label')")
    opened.run("[...document.querySelectorAll('#figures button')].find(b => b.textContent === 'mos').click()")
    assert sorted_by(opened) == ("mos", "ascending")
    assert opened.run("return document.querySelector('.chosen-name').textContent") == "mos"
    after = opened.run("return document.querySelector('#histogram svg').getAttribute('aria-label')")
    assert "mos" in after
    assert after != before
    assert opened.run("return document.querySelectorAll('#families svg.whisker circle').length") == 11


def test_rows_are_found_by_words_family_and_a_bar(opened: Browser) -> None:
    """The three narrow one another, and one button shows all again."""
    count = "return document.getElementById('count').textContent"
    opened.keys("/")
    opened.keys("vocal 0000")
    assert opened.run(count) == "1 of 60 sounds"
    assert opened.run(NAMES) == ["vocal_acoustic_00009-045-075"]
    press(opened, "#clear")
    assert opened.run(count) == "60 sounds"
    opened.run("[...document.querySelectorAll('#families button')].find(b => b.textContent === 'reed').click()")
    assert opened.run(count) == "6 of 60 sounds"
    assert all(name.startswith("reed") for name in opened.run(NAMES))
    assert opened.run("return document.getElementById('family').selectedOptions[0].textContent") == "reed"
    opened.run(
        "document.querySelector('#histogram .field').dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    inside = opened.run("return ddspMatchPage.table.order.length")
    assert opened.run("return document.querySelectorAll('#histogram .picked').length") == 1
    words = opened.run("return document.getElementById('range-words').textContent")
    assert 0 < inside < 6
    assert words.startswith("mrstft: ")
    press(opened, "#clear")
    assert opened.run(count) == "60 sounds"


def test_a_sound_plays_and_a_switch_keeps_its_place(opened: Browser) -> None:
    """One at a time: the clock runs, target and match change places, the quieter one is not turned down."""
    press(opened, ".list tbody .hear[data-source=target]")
    opened.wait_for("ddspMatchPage.player.position() > 0.4")
    first = opened.run(STATE)
    assert first["running"] == ["target"]
    assert first["volumes"]["target"] == pytest.approx(10 ** (-6 / 20), abs=1e-6)
    opened.keys("m")
    opened.wait_for("!ddspMatchPage.player.audio.get('match').muted && ddspMatchPage.player.audio.get('target').paused")
    second = opened.run(STATE)
    assert second["running"] == ["match"]
    assert second["volumes"]["match"] == 1
    passed = second["clock"] - first["clock"]
    assert second["at"] == pytest.approx(first["at"] + passed, abs=0.15)
    opened.keys(" ")
    opened.wait_for("!ddspMatchPage.player.playing")
    paused = opened.run(STATE)
    assert paused["running"] == []
    opened.keys("t")  # a switch plays, from the same place
    opened.wait_for("ddspMatchPage.player.playing && !ddspMatchPage.player.audio.get('target').paused")
    third = opened.run(STATE)
    assert third["at"] == pytest.approx(paused["at"] + third["clock"] - paused["clock"], abs=0.3)
    press(opened, ".list tbody .hear[data-source=target]")  # the button of what is heard pauses it
    assert opened.run(STATE)["playing"] is False


def test_keys_walk_the_rows_and_the_sound_goes_along(opened: Browser) -> None:
    """j and k choose rows; while one plays, the next one plays."""
    order = expected("mrstft")
    opened.keys("jj")
    assert opened.run(STATE)["row"] == order[2]
    assert opened.run(STATE)["playing"] is False
    opened.keys("km")
    opened.wait_for("ddspMatchPage.player.position() > 0.05")
    assert opened.run(STATE)["row"] == order[1]
    opened.keys("j")
    opened.wait_for("ddspMatchPage.player.playing && ddspMatchPage.player.position() > 0.05")
    moved = opened.run(STATE)
    assert (moved["row"], moved["running"]) == (order[2], ["match"])
    opened.keys(" ")
    opened.run("document.getElementById('list').focus()")
    opened.keys(ARROW_DOWN * 40)
    assert opened.run(STATE)["row"] == order[42]
    seen = opened.run(
        "const box = document.getElementById('list').getBoundingClientRect();"
        "const row = document.querySelector('.list [aria-current=true]').getBoundingClientRect();"
        "return row.top >= box.top && row.bottom <= box.bottom && row.bottom <= innerHeight"
    )
    assert seen is True


def test_a_lost_sound_is_named(browser: Browser, files: list[tuple[Path, Path]]) -> None:
    """A moved file gives a sentence, not silence."""
    data = card(2, files)
    lost = [replace(row, target="gone/away é.wav") for row in data.scored]
    show(browser, score_page.write(files[0][1].parents[2] / "lost.html", replace(data, rows=lost)))
    browser.keys("t")
    browser.wait_for("!document.getElementById('trouble').hidden")
    said = browser.run("return document.getElementById('trouble').textContent")
    assert said.startswith("Target could not be played")
    assert "gone/away é.wav" in said
    assert browser.run(STATE)["playing"] is False


def test_two_runs_are_heard_beside_the_target(browser: Browser, files: list[tuple[Path, Path]]) -> None:
    """Losses first, gains on a press; t, a and b play the three."""
    show(browser, compare_page.write(files[0][1].parents[2] / "compare.html", comparison(40, files)))
    losses = browser.run(VALUES, "mrstft")
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > 0 > losses[-1]
    press(browser, "#gains")
    assert browser.run(VALUES, "mrstft") == losses[::-1]
    for key, name in (("t", "target"), ("a", "a"), ("b", "b")):
        browser.keys(key)
        sound = f"ddspMatchPage.player.audio.get('{name}')"
        browser.wait_for(f"!{sound}.paused && !{sound}.muted")
        browser.wait_for("[...ddspMatchPage.player.audio.values()].filter((a) => !a.paused).length === 1")
        assert browser.run(STATE)["running"] == [name]
    browser.keys(" ")
    assert browser.run("return document.querySelectorAll('#changes tbody .badge').length") == 7
    assert browser.run("return document.querySelectorAll('#sorted path').length") == 2
    assert browser.log("browser") == []


def test_a_sweep_marks_its_best_and_draws_its_settings(browser: Browser, files: list[tuple[Path, Path]]) -> None:
    """The best run comes first; a plot a setting; another score re-sorts; nothing of a family is offered."""
    show(browser, sweep(files))
    best = "return document.querySelector('.list .badge').closest('tr').getAttribute('aria-rowindex')"
    assert browser.run(best) == "2"
    assert browser.run("return [...document.querySelectorAll('#plots code')].map(c => c.textContent)") == [
        "numbers_per_second",
        "synth.n_harmonics",
        "loss",
    ]
    assert browser.run("return document.querySelectorAll('#plots .best').length") == 3
    # What the runs cost differs: closeness over it is one curve from the cheapest to the dearest.
    curve = browser.run("return document.querySelector('#plots figure .curve').getAttribute('d')")
    across = [float(point.split()[0]) for point in curve.replace("M", "L").split("L")[1:]]
    assert len(across) == 9 and across == sorted(across)
    assert browser.run("return document.querySelectorAll('#plots .curve').length") == 1
    assert browser.run("return getComputedStyle(document.getElementById('family-switch')).display") == "none"
    browser.run(
        "const m = document.getElementById('metric'); m.value = 'snr_db'; m.dispatchEvent(new Event('change'))"
    )
    values = browser.run(VALUES, "snr_db")
    assert len(values) == 9
    assert values == sorted(values, reverse=True)
    assert browser.log("browser") == []


@pytest.mark.parametrize("kind", ["score", "compare", "sweep"])
def test_a_phone_shows_all_without_scrolling_sideways(
    kind: str, browser: Browser, files: list[tuple[Path, Path]], tmp_path: Path
) -> None:
    """At 390 pixels the page is as wide as the screen, and the sorted column can be seen."""
    path = files[0][1].parents[2] / f"{kind}-phone.html"
    pages = {
        "score": lambda: score_page.write(path, card(30, files)),
        "compare": lambda: compare_page.write(path, comparison(30, files)),
        "sweep": lambda: sweep(files),
    }
    show(browser, pages[kind]())
    try:
        browser.screenshot(tmp_path / "phone.png", 390)
        assert browser.run("return document.documentElement.scrollWidth") <= 390
        right, end, left, lead = browser.run(
            "const cell = document.querySelector('.list [aria-sort]').getBoundingClientRect();"
            "const box = document.getElementById('list').getBoundingClientRect();"
            "const lead = document.querySelector('.list th').getBoundingClientRect();"
            "return [cell.right, box.right, cell.left, lead.right]"
        )
        assert right <= end + 1
        assert left >= lead - 1
    finally:
        browser.reset()


def test_few_of_many_rows_are_drawn(browser: Browser, files: list[tuple[Path, Path]]) -> None:
    """Of a thousand, as many as fit on the screen, and the last one is drawn where it is scrolled to."""
    show(browser, score_page.write(files[0][1].parents[2] / "many.html", card(1_000, files)))
    assert browser.run("return document.querySelectorAll('.list tbody tr').length") < 60
    browser.run("const l = document.getElementById('list'); l.scrollTop = l.scrollHeight;")
    browser.wait_for("document.querySelector('.list tbody tr[aria-rowindex=\"1001\"]')")
