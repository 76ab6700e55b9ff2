"""The commands to go on with: they name the match's own file, and the program takes them."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from ddsp_match.cli.parser import build_parser
from ddsp_match.report.next_steps import next_steps, steps_text


@pytest.mark.parametrize("pitched", [True, False])
@pytest.mark.parametrize("patch", ["outputs/a kit/x.patch.safetensors", "-x.patch.safetensors", "o'clock.x"])
def test_every_command_is_one_that_the_program_takes(patch: str, pitched: bool) -> None:
    """Whatever a sound is called, the shell hands the program its very file."""
    parser = build_parser()
    verbs = []
    for step in next_steps(patch, pitched):
        program, *words = shlex.split(step.command)
        arguments = parser.parse_args(words)
        verbs.append(words[0])
        assert program == "ddsp-match"
        if words[0] != "app":
            assert arguments.patch == Path(patch)
    assert {"app", "edit", "export"} <= set(verbs)


def test_what_has_no_pitch_is_not_offered_as_an_instrument() -> None:
    """A snare makes no sampled instrument over the keyboard, and is not transposed."""
    text = steps_text(next_steps("outputs/snare/snare.patch.safetensors", False))
    assert "sfz" not in text and "--transpose" not in text


def test_the_app_is_told_where_the_run_lies() -> None:
    """The default folder needs no word."""
    commands = [next_steps(patch, True)[0].command for patch in ("outputs/x/x.p", "elsewhere/x/x.p", "x.p")]
    assert commands == ["ddsp-match app", "ddsp-match app --outputs elsewhere", "ddsp-match app --outputs .."]
