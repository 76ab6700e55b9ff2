"""A headless Chromium to open pages in, spoken to over WebDriver with the standard library alone."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tests.waiting import HANG_S, wait_for

# What has changed is laid out and painted.
PAINTED = "await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));"
INSTALL = "try: apt-get install chromium chromium-driver, or brew install --cask chromium chromedriver"
_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
]


def missing() -> str | None:
    """Why no browser can be opened here, and what to install; None if one can."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        return f"no Chromium is installed; {INSTALL}"
    return None if shutil.which("chromedriver") else f"no chromedriver is installed; {INSTALL}"


class Browser:
    """One browser with one page, closed with the ``with`` block.

    Args:
        width: Of the window, in CSS pixels.
        height: Of the window.
        dark: Whether the system prefers dark colours.
        flags: Further flags of Chromium.
    """

    def __init__(self, width: int = 1280, height: int = 900, dark: bool = False, flags: Sequence[str] = ()) -> None:
        """Takes the window's size; the browser starts with the block."""
        self.width, self.height, self.dark, self.flags = width, height, dark, flags

    def __enter__(self) -> Browser:
        """Starts chromedriver and a browser with a fresh profile."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.process = subprocess.Popen(
            ["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        flags = [*_FLAGS, *self.flags, f"--user-data-dir={self.profile.name}"]
        flags += [f"--window-size={self.width},{self.height}"]
        flags += ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"] if self.dark else []
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": flags},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        wait_for(self._answers)
        made = self._send("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.session = f"/session/{made['sessionId']}"
        return self

    def __exit__(self, *_: object) -> None:
        """Ends both."""
        try:
            self._send("DELETE", self.session)
        finally:
            self.process.terminate()
            self.process.wait(HANG_S)
            self.profile.cleanup()

    def _answers(self) -> bool:
        """Tell whether the driver takes requests yet."""
        try:
            return self._send("GET", "/status")["ready"]
        except urllib.error.URLError:
            return False

    def _send(self, method: str, path: str, body: object = None) -> dict:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.address + path, data, {"Content-Type": "application/json"}, method=method
        )
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
                request, timeout=HANG_S
            ) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from error

    def open(self, path: Path) -> None:
        """Opens a file and waits until it has loaded, is painted and takes keys."""
        self._send("POST", f"{self.session}/url", {"url": path.resolve().as_uri()})
        # A key typed before the new page has the focus goes nowhere.
        self._devtools("Page.bringToFront", {})
        wait_for(
            lambda: self.run(
                f"{PAINTED} window.focus(); return document.hasFocus() && document.readyState === 'complete';"
            )
        )

    def reset(self) -> None:
        """Take back every look that was put on, and forget the logs."""
        self._devtools("Emulation.clearDeviceMetricsOverride", {})
        self._devtools("Emulation.setEmulatedMedia", {"features": []})
        self.log("browser")
        self.requests()

    def run(self, script: str, *arguments: object):
        """Runs the body of an asynchronous function in the page and returns what it returns."""
        wrapped = (
            "const done = arguments[arguments.length - 1];"
            f"(async (...given) => {{ {script} }})(...arguments)"
            ".then(done, (e) => done({failed: String(e)}));"
        )
        value = self._send(
            "POST", f"{self.session}/execute/async", {"script": wrapped, "args": list(arguments)}
        )
        if isinstance(value, dict) and "failed" in value:
            raise RuntimeError(value["failed"])
        return value

    def wait_for(self, condition: str) -> None:
        """Waits until an expression holds in the page."""
        wait_for(lambda: self.run(f"return Boolean({condition});"))

    def keys(self, text: str) -> None:
        """Types keys as a user would."""
        strokes = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        actions = {"actions": [{"type": "key", "id": "keys", "actions": strokes}]}
        self._send("POST", f"{self.session}/actions", actions)

    def log(self, kind: str) -> list[dict]:
        """Entries of the ``browser`` or ``performance`` log since the last call."""
        return self._send("POST", f"{self.session}/se/log", {"type": kind})

    def requests(self) -> list[str]:
        """Addresses asked for since the last call, but for those of the browser's own pages."""
        events = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        asked = [e["params"] for e in events if e["method"] == "Network.requestWillBeSent"]
        return [p["request"]["url"] for p in asked if not p["documentURL"].startswith("chrome")]

    def screenshot(self, path: Path, width: int | None = None) -> None:
        """Saves the whole page as a picture, as wide as a device of that width shows it."""
        width = width or self.width
        metrics = {"width": width, "height": self.height, "deviceScaleFactor": 1, "mobile": False}
        self._devtools("Emulation.setDeviceMetricsOverride", metrics)
        height = self.run(f"{PAINTED} return document.documentElement.scrollHeight;")
        self._devtools("Emulation.setDeviceMetricsOverride", {**metrics, "height": height})
        self.run(PAINTED)
        path.write_bytes(base64.b64decode(self._send("GET", f"{self.session}/screenshot")))

    def _devtools(self, command: str, parameters: dict) -> None:
        self._send("POST", f"{self.session}/goog/cdp/execute", {"cmd": command, "params": parameters})
