"""The part of the command line, and of its help, that is about export. Imports nothing heavy."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable
from typing import Any

from ddsp_match.cli.streams import given
from ddsp_match.cli.values import add_writing, numbers, rate, seconds
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.params import Parameter
from ddsp_match.dsp.notes import midi_number
from ddsp_match.exports.kinds import KINDS

_EXAMPLES = """\
kinds:
{kinds}

examples:
  ddsp-match export trumpet.patch.safetensors --to sfz                  trumpet-sfz/trumpet.sfz and its samples
  ddsp-match export trumpet.patch.safetensors --to sfz --keys C3-C6/4 --velocities 3
                                                        every fourth key from C3 to C6, three velocity layers each
  ddsp-match export pluck.patch.safetensors --to sfz --no-loop --release 0.1s --bits 16
  ddsp-match export phrase.patch.safetensors --to sfz --note 3          keys play its third note: render --list-notes
  ddsp-match export trumpet.patch.safetensors --to wavetable --frames 64
  ddsp-match export trumpet.patch.safetensors --to wt --frame-size 1024 --bits 16
  ddsp-match export trumpet.patch.safetensors --to midi --tempo 96 --bend-range 12
  ddsp-match export trumpet.patch.safetensors --to html -o play.html

A patch is transposed with its body kept: a high key is a small string, not a small violin.
"""


_KEY = r"(?:\d+|[A-Ga-g][#\u266fsb\u266d]?-?\d)"


def keys(text: str) -> int | list[int]:
    """Read keys: ``48-72``, ``C3-C5/4`` (every fourth), ``36,48,60``, or ``4``: every fourth over the keyboard."""
    spread = re.fullmatch(rf"({_KEY})-({_KEY})(?:/(\d+))?", text.strip())
    if spread:
        low, high, step = midi_number(spread[1]), midi_number(spread[2]), int(spread[3] or 3)
        numbers = [low, high] if math.isnan(low + high) else [*range(int(low), int(high) + 1, step)] if step else []
    elif re.fullmatch(r"\d+", text.strip()) and 1 <= int(text) <= 24:
        return int(text)
    else:
        numbers = [midi_number(key) for key in text.split(",")]
    if not numbers or not all(0 <= number <= 127 and number == int(number) for number in numbers):
        raise argparse.ArgumentTypeError(
            f"found {text!r}; needed: MIDI keys 0 to 127 or notes as 48-72, C3-C5/4 (every fourth) or C2,C3,60; or 4 "
            "for every fourth key of two octaves either way"
        )
    return sorted({int(number) for number in numbers})


def _tempo(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(bpm)?", text.strip().lower())
    if match is None or not 4 <= float(match[1]) <= 1000:
        raise argparse.ArgumentTypeError(f"found {text!r}; needed: quarter notes a minute, 4 to 1000")
    return float(match[1])


_FLAGS = {"release_s": "--release", "sample_rate": "--rate"}
# Values that are more than a number: how they are read, and what the help says of them.
_READERS = {"keys": (keys, "KEYS"), "sample_rate": (rate, "HZ"), "tempo": (_tempo, "BPM")}
_FORMS = {"keys": "4; or the keys themselves: 48-72, C3-C5/4, C2,C3,60", "sample_rate": "44100, 48k"}


def flag_of(option: Parameter) -> str:
    """Return the flag of an option: ``--no-loop`` where its default is true."""
    no = "no-" if option.default is True else ""
    return _FLAGS.get(option.name, f"--{no}{option.name.replace('_', '-')}")


def add_export(parser: argparse.ArgumentParser) -> None:
    """Describe ``export``; an option that was not given is not in the namespace."""
    parser.description = "Write a patch in a form that other programs play or read."
    parser.epilog = _EXAMPLES.format(kinds="\n".join(f"  {kind.name:<11}{kind.words}" for kind in KINDS.values()))
    parser.add_argument("patch", type=given, metavar="PATCH", help="a .patch.safetensors that fit or edit has written")
    parser.add_argument("--to", required=True, choices=tuple(KINDS), metavar="KIND", help=" | ".join(KINDS))
    add_writing(parser, "OUT", "file, or folder for sfz (default: by name)")
    owners = ", ".join(name for name, kind in KINDS.items() if kind.plays_instruments)
    words = f"{owners}: play keys from some of its notes: 3, or 1,4 (of a phrase its best)"
    parser.add_argument("--note", type=numbers, metavar="N", help=words)
    same: dict[str, dict[str, Parameter]] = {}
    for kind in KINDS.values():
        for option in kind.options:
            same.setdefault(option.name, {})[kind.name] = option
    titles = list(dict.fromkeys(", ".join(owners) for owners in same.values()))
    groups = {title: parser.add_argument_group(title) for title in titles}
    for owners in same.values():
        _add(groups[", ".join(owners)], list(owners.values()))


def _add(group: Any, same: list[Parameter]) -> None:
    """Add the flag of an option that one or more kinds have."""
    option = same[0]
    more: dict[str, Any] = {"dest": option.name, "default": argparse.SUPPRESS}
    if option.kind == "switch":
        action = "store_false" if option.default else "store_true"
        words = f"do not {option.meaning}" if option.default else option.meaning
        group.add_argument(flag_of(option), action=action, help=words, **more)
        return
    defaults = {one.default for one in same}
    words = option.meaning + (f": {_FORMS[option.name]}" if option.name in _FORMS else "")
    words += f" ({option.default})" if len(defaults) == 1 and option.default is not None else ""
    if option.choices:
        choices = sorted({choice for one in same for choice in one.choices})
        group.add_argument(flag_of(option), type=int, choices=choices, help=words, **more)
        return
    reader, metavar = _READERS.get(option.name) or ((seconds, "TIME") if option.unit == "s" else (_whole(option), "N"))
    group.add_argument(flag_of(option), type=reader, metavar=metavar, help=words, **more)


def _whole(option: Parameter) -> Callable[[str], int]:
    def read(text: str) -> int:
        try:
            return option.check(int(text) if re.fullmatch(r"\d+", text.strip()) else text)
        except ConfigError as error:
            raise argparse.ArgumentTypeError(f"found {text!r}; needed: {error.needed}") from error

    return read
