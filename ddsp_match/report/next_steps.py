"""Next steps with a match: commands with its own patch file, for the terminal, the report and the app."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True)
class NextStep:
    """A command to go on with.

    Attributes:
        words: What it does.
        command: It, as one types it.
    """

    words: str
    command: str


def next_steps(patch: str | PurePath, pitched: bool) -> list[NextStep]:
    """Commands to play, edit and export a match.

    Args:
        patch: Its patch file, as one types it from where the commands are to be run.
        pitched: Whether it follows a pitch; what does not makes no instrument over a keyboard.
    """
    path = str(patch)
    file = shlex.quote(path if not path.startswith("-") else f"./{path}")
    outputs = os.path.normpath(os.path.join(os.path.dirname(path) or ".", ".."))
    app = "ddsp-match app" if outputs == "outputs" else f"ddsp-match app --outputs {shlex.quote(outputs)}"
    edits = "--transpose 7 --stretch 1.5" if pitched else "--stretch 1.5 --brightness +3dB"
    steps = [
        NextStep("Play and edit it in the browser", app),
        NextStep("Edit it", f"ddsp-match edit {file} {edits}"),
        NextStep("Make a page that plays it", f"ddsp-match export {file} --to html"),
    ]
    if pitched:
        steps.insert(2, NextStep("Make a sampled instrument", f"ddsp-match export {file} --to sfz"))
    return steps


def steps_text(steps: list[NextStep]) -> str:
    """For a terminal: a line each."""
    width = max(len(step.words) for step in steps)
    return "\n".join(["next:", *(f"  {step.words.ljust(width)}  {step.command}" for step in steps)])
