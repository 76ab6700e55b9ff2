"""docs/play-it.md tells what the edits' own ranges say, quotes measured figures, and names what there is."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest

from ddsp_match.app.limits import Limits
from ddsp_match.app.server import PORT
from ddsp_match.cli.parser import build_parser
from ddsp_match.edits.kinds import EDITS
from ddsp_match.exports.kinds import KINDS

ROOT = Path(__file__).resolve().parents[1]
MAKE = "python docs/scripts/play_page.py"
FIGURE = re.compile(r"\*\*([^*\n]+)\*\*<!--([\w.]+)-->")
CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def page():
    spec = importlib.util.spec_from_file_location("play_page", ROOT / "docs" / "scripts" / "play_page.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def written(page) -> str:
    return page.PAGE.read_text(encoding="utf-8")


def test_the_table_is_what_its_script_writes(page, written):
    assert page.page(written) == written, MAKE
    for kind in EDITS:
        for parameter in kind.parameters:
            assert f"`{parameter.name}`: {parameter.meaning} |" in written, MAKE


def test_the_figures_are_the_measured_ones(page, written):
    quoted = {name: value for value, name in FIGURE.findall(written)}
    assert quoted == json.loads(page.FIGURES.read_text(encoding="utf-8"))


def test_the_pictures_are_shown_and_small(page, written):
    sizes = {picture.name: picture.stat().st_size for picture in page.PICTURES.glob("*.png")}
    assert sizes
    assert [name for name in sizes if f"](pictures/play/{name})" not in written] == []
    assert max(sizes.values()) < 250_000
    assert sum(sizes.values()) < 1_500_000


def test_every_kind_of_export_and_every_verb_of_playing_is_told(written):
    rows = re.findall(r"^\| `(\w+)` \|", written, re.MULTILINE)
    assert rows == list(KINDS)
    for verb in ("edit", "morph", "render", "export", "app"):
        assert f"\nddsp-match {verb} " in written


def test_every_option_that_is_named_exists(written):
    (verbs,) = [action.choices for action in build_parser()._actions if isinstance(action.choices, dict)]
    known = {flag for parser in verbs.values() for action in parser._actions for flag in action.option_strings}
    spoken = [word for words in CODE.findall(FENCED.sub("", written)) for word in words.split()]
    named = {word for word in spoken if re.fullmatch(r"--[a-z][\w-]*", word)}
    assert {"--transpose", "--max-mb", "--keys"} & named
    assert named <= known


def test_the_limits_of_the_app_are_its_own(written):
    limits = Limits()
    assert f"end at {limits.n_bytes / 2**20:g} MB and {limits.seconds / 60:g} min" in written
    assert f"127.0.0.1:{PORT}" in written
