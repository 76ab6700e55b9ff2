"""A patch in the browser: the synthesizer as an AudioWorklet, and the scripts of the page that plays it."""

from __future__ import annotations

from importlib.resources import files

SCRIPTS = ("synth.js", "noise.js", "formants.js", "key.js", "keys.js", "worklet.js")
"""Scripts of the AudioWorklet, in this order."""
PAGE_SCRIPTS = ("room.js", "inputs.js", "instrument.js", "keyboard.js")
"""Scripts of the page, in this order: classic ones that set ``Instrument`` and ``Keyboard``."""


def script(name: str) -> str:
    """The text of one script or style sheet of this room."""
    return (files("ddsp_match.exports.web") / name).read_text(encoding="utf-8")


def worklet_source() -> str:
    """All that runs in the AudioWorklet as one script."""
    return "\n".join(script(name) for name in SCRIPTS)
