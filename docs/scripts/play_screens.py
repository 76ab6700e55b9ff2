"""Takes the pictures of the app and the exported page for play-it.md: real ones, of a real fit, in headless Chromium.

::

    python docs/scripts/play_screens.py            # needs chromium and chromedriver
    python docs/scripts/play_screens.py home edit  # only these

A server of its own is started, in a folder that is removed afterwards. Speeds and times in the pictures are those of
the machine that took them.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from PIL import Image
from play_page import PICTURES

from ddsp_match.tasks.export import export
from tests.app.page import Page
from tests.app.serving import Served
from tests.report.driver import Browser

DATA = Path(__file__).resolve().parents[2] / "data"
SOUND = "saxophone-c4"
WIDE, HIGH, PHONE = 1180, 860, 390
HEIGHTS = {"sound": 760, "blind": 660}  # of views that fill less than the window
COLOURS = 160
KEYS = ("KeyA", "KeyD", "KeyG")  # C, E, G in the lower octave of the letters


def main(only: list[str]) -> None:
    """Takes all of them, or those that are named."""
    PICTURES.mkdir(parents=True, exist_ok=True)

    def wanted(name: str) -> bool:
        return not only or name in only

    with tempfile.TemporaryDirectory() as folder:
        outputs = Path(folder) / "outputs"
        with Served(outputs, warm=True) as served:
            with Page(WIDE, HIGH) as page:
                address = first_visit(page, served, wanted)
                for name, view in VIEWS.items():
                    if wanted(name):
                        opened(page, served, address)
                        view(page)
                        shot(page, name)
            if wanted("phone"):
                phone(served, address)
        if wanted("page"):
            exported(next(outputs.glob("*/*.patch.safetensors")), Path(folder))


def first_visit(page: Page, served: Served, wanted: Callable[[str], bool]) -> str:
    """From the empty page to a match; the address of the match."""
    page.visit(served.origin + "/")
    if wanted("home"):
        shot(page, "home")
    page.give(DATA / f"{SOUND}.flac")
    page.until("location.hash.startsWith('#sound=') && document.querySelector('.lane.picture .f0')", 60)
    if wanted("sound"):
        shot(page, "sound")
    page.press("Fit", ".fit-form .primary, main .fit-form")
    page.until("/version [2-9]/.test(document.querySelector('main').innerText)", 120)
    if wanted("fit"):
        shot(page, "fit")
    page.until("location.hash.startsWith('#run=')", 300)
    return page.run("return location.hash;")


def opened(page: Page, served: Served, address: str) -> None:
    """The match, all of its sounds loaded."""
    page.visit(served.origin + "/")
    page.run("sessionStorage.clear();")
    page.visit(f"{served.origin}/{address}")
    page.until("globalThis.ddspMatchDeck?.buffer('noise') && ddspMatchDeck.buffer('match')", 60)
    page.until("[...document.images].every((one) => one.complete)", 30)


def listen(page: Page) -> None:
    """The match beside its original, somewhere in the middle."""
    page.run("ddspMatchDeck.seek(0.8);")


def edit(page: Page) -> None:
    """Two edits."""
    page.press("Edit", ".tabs")
    for card, value in (("Transpose", -5), ("Stretch", 0.5)):  # the knob of the stretch has a scale of octaves
        page.run(
            "const card = [...document.querySelectorAll('.edit-card')].find((one) => one.ariaLabel === given[0]);"
            "const knob = card.querySelector('input[type=range]'); knob.value = given[1];"
            "knob.dispatchEvent(new Event('input', {bubbles: true}));",
            card,
            value,
        )
        page.until(f"[...document.querySelectorAll('.chip')].some((one) => one.innerText.includes('{card}'))")
    page.until("ddspMatchDeck.buffer('edited')?.duration > 3 && !document.body.innerText.includes('rendering')", 60)


def keyboard(page: Page) -> None:
    """A chord, held."""
    page.press("Play", ".tabs")
    page.until("document.querySelector('.piano-card b')", 60)
    for code in KEYS:
        page.run(
            "document.body.dispatchEvent(new KeyboardEvent('keydown', {code: given[0], key: given[0].slice(3), "
            "bubbles: true}));",
            code,
        )
    page.until("ddspMatchInstrument.level() > 0.001")


def blind(page: Page) -> None:
    """A blind test, some trials in."""
    page.press("Blind test", ".tabs")
    page.press("Begin")
    page.until("document.querySelector('.abx-buttons')")
    for answer in "12":
        page.keys(answer)
    page.keys("x")


def downloads(page: Page) -> None:
    """What can be taken along."""
    page.press("Download", ".tabs")
    page.until("document.querySelectorAll('.export').length > 4")


VIEWS = {"listen": listen, "edit": edit, "keyboard": keyboard, "blind": blind, "downloads": downloads}


def phone(served: Served, address: str) -> None:
    """Three views on a phone's width, side by side."""
    parts = []
    with Page(PHONE, 844, dark=True) as page:
        page.visit(served.origin + "/")
        parts.append(taken(page, 844, PHONE))
        opened(page, served, address)
        parts.append(taken(page, 844, PHONE))
        keyboard(page)
        parts.append(taken(page, 844, PHONE))
    gap = 24
    whole = Image.new("RGB", (len(parts) * (PHONE + gap) - gap, max(part.height for part in parts)), "#777777")
    for place, part in enumerate(parts):
        whole.paste(part, (place * (PHONE + gap), 0))
    saved(whole, "phone")


def exported(patch: Path, folder: Path) -> None:
    """The page that plays, opened from the disk, with a chord held."""
    (path,) = export(patch, "html", folder / f"{SOUND}.html")
    with Browser(WIDE, HIGH) as browser:
        browser.open(path)
        browser.run("await ddspMatchInstrument.loaded;")
        for code in KEYS:
            browser.run(
                "document.body.dispatchEvent(new KeyboardEvent('keydown', {code: given[0], key: given[0].slice(3), "
                "bubbles: true}));",
                code,
            )
        browser.wait_for("ddspMatchInstrument.keys.level() > 0.001")
        saved(taken(browser, 1120, WIDE), "page")


def shot(page: Page, name: str) -> None:
    """Saves what a window shows from the top."""
    saved(taken(page, HEIGHTS.get(name, HIGH), WIDE), name)


def taken(browser: Browser, height: int, width: int) -> Image.Image:
    """The top of the page."""
    browser._devtools("Emulation.setScrollbarsHidden", {"hidden": True})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.png"
        browser.screenshot(path, width)
        whole = Image.open(path).convert("RGB")
        return whole.crop((0, 0, whole.width, min(height, whole.height)))


def saved(picture: Image.Image, name: str) -> None:
    """Writes a picture of few colours, so that it is small."""
    path = PICTURES / f"app-{name}.png" if name != "page" else PICTURES / "page.png"
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path.name, path.stat().st_size // 1000, "kB")


if __name__ == "__main__":
    main(sys.argv[1:])
