"""docs/effects.md tells what the processors' own ranges say, and shows each of them."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAKE = "python docs/scripts/effects_page.py, or with --text where no picture changes"


@pytest.fixture(scope="module")
def page():
    spec = importlib.util.spec_from_file_location("effects_page", ROOT / "docs" / "scripts" / "effects_page.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_its_script_writes(page):
    written = page.PAGE.read_text(encoding="utf-8")
    figures = json.loads(page.FIGURES.read_text(encoding="utf-8"))
    assert page.page(written, figures) == written, MAKE


def test_every_processor_has_its_section_and_its_picture(page):
    written = page.PAGE.read_text(encoding="utf-8")
    assert len(page.single()) > 10
    for name, part in page.single().items():
        assert f"\n## {name}\n" in written, MAKE
        assert part.title and part.equation
        assert (page.PICTURES / f"{name}.png").is_file(), MAKE


def test_the_pictures_are_shown_and_small(page):
    written = page.PAGE.read_text(encoding="utf-8")
    sizes = {picture.name: picture.stat().st_size for picture in page.PICTURES.glob("*.png")}
    assert sizes
    assert [name for name in sizes if f"](pictures/effects/{name})" not in written] == []
    assert max(sizes.values()) <= 40_000
    assert sum(sizes.values()) <= 1_500_000


def test_all_measured_figures_are_quoted(page):
    quoted = dict((name, value) for value, name in page.FIGURE.findall(page.PAGE.read_text(encoding="utf-8")))
    assert quoted == json.loads(page.FIGURES.read_text(encoding="utf-8"))
