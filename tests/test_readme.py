"""Every command in README.md and docs/ works.

The first words after the fence say what a block is: ``bash run`` is run here, all of a page's in order and in
one folder that holds ``data/`` and ``sound.wav``; ``bash setup`` sets a machine up, and only its make targets
are checked; ``python run`` is run as a script; ``bash example`` and ``python example`` need what is not at hand in a
test (a data set, a GPU, a cluster), and are only parsed. A block of commands without such a word is refused.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ddsp_match import config
from ddsp_match.cli import words
from ddsp_match.cli.parser import build_parser
from ddsp_match.core.settings import EffectSettings, FitSettings

ROOT = Path(__file__).resolve().parents[1]
PAGES = [path for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))] if path.is_file()]
KINDS = {("bash", "run"), ("bash", "setup"), ("bash", "example"), ("python", "run"), ("python", "example")}
# Stands in where the tool is not installed: sqlite3 [-header] FILE SQL
SQLITE3 = """#!{python}
import sqlite3, sys
base = sqlite3.connect(f"file:{{sys.argv[-2]}}?mode=ro", uri=True)
for row in base.execute(sys.argv[-1]):
    print(*row, sep="|")
"""
FENCE = re.compile(r"^```(\w+)[ \t]*([^\n]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(page: Path) -> list[tuple[str, str, str]]:
    """Language, kind and text of each block of commands of a page."""
    found = FENCE.findall(page.read_text(encoding="utf-8"))
    return [
        (language, kind.strip(), text)
        for language, kind, text in found
        if language in ("bash", "sh", "python")
    ]


def commands(text: str) -> list[list[str]]:
    """The ddsp-match commands in a block, as words; of a loop the first round."""
    joined = text.replace("\\\n", " ")
    for name, value in re.findall(r"^for (\w+) in (\S+)", joined, re.MULTILINE):
        joined = joined.replace(f"${name}", value)
    lines = [line.strip() for line in joined.splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("ddsp-match ")]


def test_the_readme_has_commands_that_are_run():
    assert (ROOT / "README.md").is_file()
    assert "run" in [kind for _, kind, _ in blocks(ROOT / "README.md")]
    assert "setup" in [kind for _, kind, _ in blocks(ROOT / "README.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_says_what_it_is(page):
    for language, kind, text in blocks(page):
        assert (language, kind) in KINDS, text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_is_one_that_the_command_line_accepts(page, monkeypatch):
    monkeypatch.setattr("ddsp_match.config.plugins.shutil.which", lambda name: f"/usr/bin/{name}")  # Slurm's sbatch
    for _, _, text in blocks(page):
        for argv in commands(text):
            if argv and "--help" not in argv:
                arguments, rest = build_parser().parse_known_args(argv)
                _, overrides = words.split([*getattr(arguments, "words", []), *rest])
                config.check(overrides, kind=EffectSettings if argv[0] == "effect" else FitSettings)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_script_is_one(page):
    for language, _, text in blocks(page):
        if language == "python":
            compile(text, page.name, "exec")
        else:
            done = subprocess.run(["bash", "-n", "-c", text], capture_output=True, text=True)
            assert done.returncode == 0, f"{text}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_exists(page):
    for _, kind, text in blocks(page):
        for target in re.findall(r"^make +(\w+)", text, re.MULTILINE) if kind == "setup" else ():
            done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_runs(page, tmp_path):
    shutil.copytree(ROOT / "data", tmp_path / "data", ignore=shutil.ignore_patterns("nsynth"))
    audio = pytest.importorskip("soundfile")
    audio.write(tmp_path / "sound.wav", *audio.read(ROOT / "data" / "trumpet-a4.flac"))
    command_file = tmp_path / "bin" / "ddsp-match"
    command_file.parent.mkdir()
    command_file.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ddsp_match "$@"\n')
    command_file.chmod(0o755)
    if shutil.which("sqlite3") is None:
        (command_file.parent / "sqlite3").write_text(SQLITE3.format(python=sys.executable))
        (command_file.parent / "sqlite3").chmod(0o755)
    path = os.pathsep.join([str(command_file.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    for language, kind, text in blocks(page):
        if kind == "run":
            command = (
                ["bash", "-euo", "pipefail", "-c", text]
                if language == "bash"
                else [sys.executable, "-c", text]
            )
            done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
