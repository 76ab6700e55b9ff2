"""Values of the command line's own flags. Imports nothing heavy."""

from __future__ import annotations

import argparse
import math
import re

PROGRAM = "ddsp-match"
SUBTYPES = {"float": "FLOAT", "24": "PCM_24", "16": "PCM_16"}


def seconds(text: str) -> float:
    """Read a time budget: ``20s``, ``2m``, ``1.5h``, ``90``."""
    match = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)\s*(s|sec|m|min|h)?", text.strip().lower())
    value = float(match[1]) * {"m": 60, "h": 3600}.get((match[2] or "s")[0], 1) if match else 0.0
    if value <= 0:
        raise argparse.ArgumentTypeError(f"found {text!r}; needed: a time above 0 such as 20s, 2m or 90")
    return value


def midi_note(text: str) -> float:
    """Read a MIDI note number, fractions allowed."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 127:
        raise argparse.ArgumentTypeError(f"found {text!r}; needed: a MIDI note number, 0 to 127")
    return value


def frequency(text: str) -> float:
    """Read a frequency: ``220`` or ``220Hz``."""
    try:
        value = float(text.strip().lower().removesuffix("hz"))
    except ValueError:
        value = math.nan
    if not 0 < value <= 20_000:
        raise argparse.ArgumentTypeError(f"found {text!r}; needed: a frequency in Hz, above 0, at most 20000")
    return value


def block_length(text: str) -> int:
    """Read a number of samples, 1 or more."""
    if not re.fullmatch(r"\d+", text.strip()) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text!r}; needed: a whole number of samples, 1 or more")
    return int(text)
