"""The pages show pictures that exist, link to files that exist, quote only figures that were measured, and name only
settings, options and figures that there are.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
from pathlib import Path

import pytest
import soundfile
import yaml

from ddsp_match import __version__, config
from ddsp_match.cli.parser import build_parser
from ddsp_match.core.settings import EffectSettings, FitSettings
from ddsp_match.score.definitions import BY_KEY
from tests.accessible import assert_accessible
from tests.report.driver import Browser, missing

ROOT = Path(__file__).resolve().parents[1]
PAGES = [path for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))] if path.is_file()]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
STORY = ROOT / "docs" / "how-a-sound-is-matched.md"
MARKED = re.compile(r"\*\*([^*\n]+)\*\*<!--([\w.]+)-->")
MANY = ROOT / "docs" / "many-sounds.md"
CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
SETTING = re.compile(r"([a-z_]\w*(?:[./][a-z_]\w*)*)=.*|([a-z_]\w*(?:\.[a-z_]\w*)+)")
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
SLURM_OPTION = re.compile(r"hydra\.launcher\.(\w+)")
OTHERS = {"hydra", "ddsp_match", "benchmarks"}
FILES = {"json", "csv", "html", "wav", "md", "sqlite", "yaml", "sbatch", "flac"}
BOLD_NUMBER = re.compile(r"\*\*(−?\d[\d,.]*)\*\*")


def linked(page: Path) -> list[str]:
    """The files that a page links to or shows, as it writes them."""
    links = [link.split("#")[0] for link in LINK.findall(page.read_text(encoding="utf-8"))]
    return [link for link in links if link and "://" not in link]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_linked_file_exists(page):
    assert [link for link in linked(page) if not (page.parent / link).exists()] == []


def test_the_listening_page_has_its_sounds_and_no_others():
    folder = ROOT / "docs" / "listen"
    played = re.findall(r'src="([^"]+)"', (folder / "index.html").read_text(encoding="utf-8"))
    assert sorted(played) == sorted(path.name for path in folder.glob("*.ogg"))
    seconds = [soundfile.info(folder / name).duration for name in played]
    assert len(played) > 20 and min(seconds) > 0.3


@pytest.mark.browser
@pytest.mark.skipif(bool(missing()), reason=str(missing()))
def test_the_listening_page_is_for_everybody():
    with Browser() as browser:
        browser.open(ROOT / "docs" / "listen" / "index.html")
        assert_accessible(browser)


def test_the_version_is_one():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    releases = re.findall(r"^## (\d+\.\d+\.\d+) \((.*)\)", changes, re.MULTILINE)
    assert releases[0] == (citation["version"], str(citation["date-released"])) and citation["version"] == __version__


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


def verbs() -> list[argparse.ArgumentParser]:
    """The parsers of the verbs."""
    (choices,) = [action.choices for action in build_parser()._actions if isinstance(action.choices, dict)]
    return list(choices.values())


def in_code(page: Path) -> list[str]:
    """What a page sets as code within its sentences and tables."""
    return CODE.findall(FENCED.sub("", page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", [ROOT / "README.md", STORY, MANY], ids=lambda page: page.name)
def test_every_setting_that_is_named_exists(page):
    kinds = (FitSettings, EffectSettings)
    known = {name for kind in kinds for name in (*config.groups(kind=kind), *config.setting_keys(kind))}
    matches = [SETTING.fullmatch(word) for words in in_code(page) for word in words.split()]
    named = [match[1] or match[2] for match in matches if match]
    named = [name for name in named if name.split(".")[-1] not in FILES and re.split("[./]", name)[0] not in OTHERS]
    assert [name for name in named if name not in known] == []
    assert named


def test_every_option_that_is_named_exists():
    known = {flag for parser in verbs() for action in parser._actions for flag in action.option_strings}
    ours = [words for words in in_code(MANY) if words.startswith(("-", "ddsp-match "))]
    named = {word for words in ours for word in words.split() if re.fullmatch(r"--?[a-z][\w-]*", word)}
    assert {"--refit", "-o"} <= named <= known


def test_every_figure_of_the_score_card_is_explained():
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", MANY.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(BY_KEY) <= {name for cell in rows for name in re.findall(r"\w+", cell)}


def test_every_option_for_slurm_is_one_of_the_launcher():
    launcher = pytest.importorskip("hydra_plugins.hydra_submitit_launcher.config")
    fields = {field.name for field in dataclasses.fields(launcher.SlurmQueueConf)}
    text = MANY.read_text(encoding="utf-8")
    slurm = text[text.index("## A Slurm cluster") : text.index("**A folder of sounds**")]
    named = set(SLURM_OPTION.findall(slurm))
    listed = re.search(r"Further options of `hydra\.launcher` are (.*?)\. Slurm's logs", slurm, re.DOTALL)
    assert listed
    named |= set(re.findall(r"`(\w+)`", listed[1]))
    assert {"partition", "timeout_min", "qos"} <= named <= fields
