"""The instrument's page as text: whole, closed to the world, and never what a name makes of it."""

from __future__ import annotations

import base64
import hashlib
import json
import re

from ddsp_match.exports.html import instrument_page

FACTS = {
    "name": "a </script><b>&{{voices}}",
    "root": "A4",
    "words": ["2 s", "<i>"],
    "nyquist_hz": 8000.0,
    "harmonics": [[440.0, -20.0]],
    "noise": [],
    "outline": [1.0],
}
VOICES = {"sound": {"name": "</script><script>x", "seconds": 1.0}, "keys": {"name": "k"}}


def page() -> str:
    return instrument_page(VOICES, FACTS)


def elements(html: str) -> dict[str, str]:
    return dict(re.findall(r'<script type="application/json" id="(\w+)">(.*?)</script>', html, re.S))


def test_only_the_pages_own_script_may_run_and_nothing_be_fetched():
    html = page()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.S)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}' data:" in policy[1]
    assert policy[1].startswith("default-src 'none'")
    for word in ("connect-src", "unsafe-eval", "http"):
        assert word not in policy[1]


def test_nothing_of_a_name_becomes_markup():
    html = page()
    assert html.count("<script") == html.count("</script>") == 4
    assert "<b>&" not in html and "<i>" not in html.partition("<main>")[0]
    assert "<h1>a &lt;/script&gt;&lt;b&gt;&amp;{{voices}}</h1>" in html
    assert json.loads(elements(html)["facts"]) == FACTS
    assert json.loads(elements(html)["voices"]) == VOICES


def test_every_place_is_filled_and_every_link_stays_in_the_page():
    html = page()
    outside = html.replace("{{voices}}", "")
    assert not re.search(r"\{\{\w+\}\}", outside)
    addresses = re.findall(r'(?:src|href)="([^"]*)"', html)
    assert addresses and all(address.startswith(("#", "data:")) for address in addresses)
    assert not re.search(r"@import|url\(", html)


def test_the_worklet_travels_with_it():
    from ddsp_match.exports.web import worklet_source

    assert json.loads(elements(page())["worklet"]) == worklet_source()
