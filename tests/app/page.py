"""The app's page in headless Chromium: the report's browser, opened at an address, with a way to hand it files."""

from __future__ import annotations

import time
from pathlib import Path

from tests.report.driver import PAINTED, Browser
from tests.waiting import HANG_S, wait_for

# The state has been fetched, and the first events, which hello ends, are in: neither replaces what a test sets.
LOADED = "(({limits, boot}) => limits && boot)((await import('/static/store.js')).current())"


class Page(Browser):
    """A browser that opens addresses of the app."""

    def visit(self, address: str) -> None:
        """Opens an address and waits until the page has drawn itself and takes keys."""
        self._send("POST", f"{self.session}/url", {"url": address})
        self._devtools("Page.bringToFront", {})
        drawn = (
            "await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));"
            "window.focus(); return document.hasFocus() && Boolean(document.querySelector('main h1'));"
        )
        wait_for(lambda: self.run(drawn))

    def until(self, condition: str, seconds: float = HANG_S) -> None:
        """Waits until an expression holds in the page; fails with what can be read there."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.run(f"return Boolean({condition});"):
                return
            time.sleep(0.05)
        text = self.run("return document.body.innerText.slice(0, 3000);")
        raise AssertionError(f"never came true: {condition}\n{text}\n{self.log('browser')}")

    def press(self, words: str, within: str = "body") -> None:
        """Clicks the button, tab, label or link with these words, as a user would find it."""
        found = self.run(
            "const [words, within] = given;"
            "const all = [...document.querySelectorAll(`${within} :is(button, a, label, summary, [role=tab])`)];"
            "const seen = all.filter((one) => one.getClientRects().length);"
            "const hit = seen.find((one) => one.innerText.trim() === words)"
            " || seen.find((one) => one.innerText.trim().includes(words));"
            "if (hit) hit.click(); return Boolean(hit);",
            words,
            within,
        )
        assert found, f"no button says {words!r}: {self.run('return document.body.innerText.slice(0, 2000);')}"

    def chord(self, modifier: str, key: str) -> None:
        """Types a key while another is held."""
        strokes = [("keyDown", modifier), ("keyDown", key), ("keyUp", key), ("keyUp", modifier)]
        steps = [{"type": kind, "value": value} for kind, value in strokes]
        body = {"actions": [{"type": "key", "id": "keys", "actions": steps}]}
        self._send("POST", f"{self.session}/actions", body)

    def give(self, path: Path) -> None:
        """Chooses a file as in the file dialog."""
        element = self._send("POST", f"{self.session}/element", {"using": "css selector", "value": "input[type=file]"})
        (identity,) = element.values()
        self._send("POST", f"{self.session}/element/{identity}/value", {"text": str(path.resolve())})

    def text(self, selector: str = "main") -> str:
        """What can be read in a part of the page."""
        return self.run("return document.querySelector(given[0])?.innerText ?? '';", selector)

    def too_wide(self, width: int) -> list[str]:
        """Parts that reach beyond a window of that width; also sets the window to it."""
        metrics = {"width": width, "height": self.height, "deviceScaleFactor": 1, "mobile": False}
        self._devtools("Emulation.setDeviceMetricsOverride", metrics)
        return self.run(
            PAINTED + "const wide = document.documentElement.clientWidth;"
            "return document.documentElement.scrollWidth <= wide && document.body.scrollWidth <= wide ? [] :"
            " [...document.querySelectorAll('main *')].filter((one) => one.getBoundingClientRect().right > wide + 1)"
            ".map((one) => one.tagName + '.' + one.className).slice(0, 10);"
        )

    def troubles(self) -> list[str]:
        """What the browser's console has complained about."""
        return [entry["message"] for entry in self.log("browser") if entry["level"] in ("SEVERE", "WARNING")]
