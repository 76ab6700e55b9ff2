"""The app's files: complete, and asking nothing of other servers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import ddsp_match.app

STATIC = Path(ddsp_match.app.__file__).parent / "static"
FOLDERS = {"static": STATIC, "web": STATIC.parents[1] / "exports" / "web", "report": STATIC.parents[1] / "report"}
OURS = [p for p in sorted(STATIC.rglob("*")) if p.suffix in {".js", ".css", ".html"} and "vendor" not in p.parts]


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.relative_to(STATIC).as_posix())
def test_a_file_names_no_other_server(path):
    text = path.read_text()
    assert text.strip()
    # The one address in it is the name space of SVG, which nothing is fetched from.
    assert not re.findall(r"(?:https?:)?//(?!www\.w3\.org/2000/svg)[a-z0-9-]+\.[a-z]{2,}", text)


def test_what_the_page_names_is_there():
    page = (STATIC / "index.html").read_text()
    named = re.findall(r'(?:src|href)="/(\w+)/([^"]+)"', page)
    assert len(named) > 8
    for room, name in named:
        assert (FOLDERS[room] / name).is_file(), name
    assert not re.findall(r"<script(?![^>]*src=)", page), "the page's policy runs no script within it"


def test_what_a_script_imports_is_there():
    imports = [
        (path, name)
        for path in OURS
        if path.suffix == ".js"
        for name in re.findall(r'^import [^"]*"([^"]+)"', path.read_text(), re.MULTILINE)
    ]
    assert len(imports) > 50
    for path, name in imports:
        assert name.startswith("."), f"{path.name} imports {name}: a browser does not know where that is"
        assert (path.parent / name).resolve().is_file(), f"{path.name} imports {name}"


def test_whatever_is_vendored_has_its_licence_and_version():
    vendored = {path.name for path in (STATIC / "vendor").iterdir()}
    table = (STATIC / "vendor" / "VERSIONS.md").read_text()
    code = {name for name in vendored if name.endswith((".js", ".css"))}
    assert code and all(f"`{name}`" in table for name in code)
    licences = set(re.findall(r"`(LICENSE-\w+)`", table))
    assert len(licences) == 2 and licences <= vendored
