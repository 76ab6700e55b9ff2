"""Sounds and patches from a pipe: ``-``, ``/dev/stdin``, and what a shell makes of ``<(…)``."""

from __future__ import annotations

import functools
import os
import re
import shutil
import sys
from pathlib import Path

from ddsp_match.cli.console import temporary_folder
from ddsp_match.core.errors import SoundError
from ddsp_match.core.files import refusal

_HANDLES = re.compile(r"/(?:dev|proc/self)/fd/\d+")


@functools.cache
def given(word: str) -> Path:
    """The file that a word names; what comes through a pipe is copied to one, which goes when the process ends.

    A word of the command line may be read several times; a pipe only once.

    Raises:
        SoundError: It is standard input, and that is a terminal.
        OutputError: There is no room for a copy.
    """
    if word not in ("-", "/dev/stdin") and not _HANDLES.fullmatch(word):
        return Path(word)
    standard = not _HANDLES.fullmatch(word)
    if standard and os.isatty(0):
        hint = "cat sound.wav | ddsp-match … -"
        raise SoundError("a terminal", where="standard input", needed="a sound or a patch", hint=hint)
    copy = temporary_folder() / "stdin"
    try:
        with sys.stdin.buffer if standard else open(word, "rb") as stream, copy.open("wb") as file:
            shutil.copyfileobj(stream, file)
    except OSError as error:
        raise refusal(copy, error) from error
    return copy
