"""The report of a run, opened from the app: it works, and can do nothing to it."""

from __future__ import annotations

import pytest

from ddsp_match.core.audio import read
from tests.app.page import Page
from tests.app.serving import Served
from tests.report.driver import missing

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(missing()), reason=str(missing()))]

ASK = """
    const told = await Promise.allSettled([
        fetch(given[0] + "/api/state"),
        fetch(given[0] + "/api/sounds?name=a", {method: "POST", body: "x", headers: {"X-Ddsp-Match": "1"}}),
    ]);
    return told.map((one) => one.status);
"""


def test_a_report_plays_in_its_sandbox_and_cannot_ask_the_server(tmp_path, bundled):
    from ddsp_match.tasks.fit import fit

    folder = tmp_path / "outputs" / "tabla"
    sound = read(bundled / "tabla-tun.flac")[0]
    fit(sound.samples[:, : sound.sample_rate // 4], sound.sample_rate, settings=_few_steps(), out=folder, name="tabla")
    with Served(tmp_path / "outputs") as served, Page() as page:
        (run,) = served.get("/api/runs").json["runs"]
        address = f"{served.origin}/api/runs/{run['id']}/report.html"
        page._send("POST", f"{page.session}/url", {"url": address})
        page.until("document.querySelectorAll('canvas, img, svg').length > 3")
        page.until("document.querySelectorAll('button').length > 3")
        assert [entry for entry in page.log("browser") if entry["level"] == "SEVERE"] == []
        assert page.run("return self.origin;") == "null"
        assert page.run(ASK, served.origin) == ["rejected", "rejected"]
        assert served.get("/api/state").json["sounds"] == []


def _few_steps():
    from ddsp_match.core.settings import F0Settings, FitSettings, OptimizerSettings

    return FitSettings(f0=F0Settings(source="constant", hz=100.0), optimizer=OptimizerSettings(steps=2))
