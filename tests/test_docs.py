"""The pages show pictures that exist, link to files that exist, and quote only figures that were measured."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [path for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))] if path.is_file()]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
STORY = ROOT / "docs" / "how-a-sound-is-matched.md"
MARKED = re.compile(r"\*\*([^*\n]+)\*\*<!--([\w.]+)-->")
BOLD_NUMBER = re.compile(r"\*\*(−?\d[\d,.]*)\*\*")


def linked(page: Path) -> list[str]:
    """The files that a page links to or shows, as it writes them."""
    links = [link.split("#")[0] for link in LINK.findall(page.read_text(encoding="utf-8"))]
    return [link for link in links if link and "://" not in link]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_linked_file_exists(page):
    assert [link for link in linked(page) if not (page.parent / link).exists()] == []


def test_every_picture_is_shown_somewhere():
    shown = {(page.parent / link).resolve() for page in PAGES for link in linked(page)}
    made = set((ROOT / "docs" / "pictures").glob("*.png"))
    assert made
    assert made <= shown


def test_the_story_quotes_the_figures_that_its_script_measured():
    text = STORY.read_text(encoding="utf-8")
    figures = json.loads((ROOT / "docs" / "pictures" / "figures.json").read_text(encoding="utf-8"))
    assert {name: value for value, name in MARKED.findall(text)} == figures


def test_every_bold_number_of_the_story_is_a_measured_one():
    text = STORY.read_text(encoding="utf-8")
    assert len(BOLD_NUMBER.findall(text)) == len(MARKED.findall(text)) > 0
