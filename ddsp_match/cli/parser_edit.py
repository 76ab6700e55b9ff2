"""The part of the command line, and of its help, that is about editing. Imports nothing heavy."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Any

from ddsp_match.cli import values
from ddsp_match.cli.streams import given
from ddsp_match.edits.kinds import EDITS, LONGEST_S, EditKind

_EDIT_EXAMPLES = """\
examples:
  ddsp-match edit sound.patch.safetensors --transpose 7 -o higher.patch.safetensors
  ddsp-match edit sound.patch.safetensors --transpose -12 --formant move --wav
                                           an octave down, the body grown with it; also as a WAV
  ddsp-match edit sound.patch.safetensors --stretch 1.5 --brightness +3dB --noise -6dB
  ddsp-match edit sound.patch.safetensors --trim 0.1:2.0 --fade-out 300ms
  ddsp-match edit sound.patch.safetensors --hold 6s --vibrato 5.5Hz:30c
  ddsp-match edit sound.patch.safetensors --freeze 1.2s:4s
  ddsp-match edit higher.patch.safetensors --list      the edits so far

Edits are applied in the order in which they stand on the line, and listed in the patch. Before an edit of pitch or
time, tone and noise are separated automatically. What changes nothing leaves the patch as it is, bit for bit.
"""

_INSTRUMENT_EXAMPLES = """\
examples:
  ddsp-match instrument soft.patch.safetensors loud.patch.safetensors high.patch.safetensors -o sax.patch.safetensors
  ddsp-match instrument phrase.patch.safetensors --note 2,5 -o two.patch.safetensors
  ddsp-match render sax.patch.safetensors --midi 62 --velocity 90 --seconds 3 -o note.wav
  ddsp-match export sax.patch.safetensors --to sfz
"""

_MORPH_EXAMPLES = """\
examples:
  ddsp-match morph flute.patch.safetensors reed.patch.safetensors --steps 5 -o morphs/
                                           01 (the flute) to 05 (the reed), and `through`, which goes all the way
  ddsp-match morph flute.patch.safetensors reed.patch.safetensors --amount 0.3 -o between.patch.safetensors --wav
"""


class _Edit(argparse.Action):
    """Puts an edit at the end of the list: their order is that of the line."""

    def __init__(self, *, edit: Callable[[Any], dict[str, Any]], **more: Any) -> None:
        super().__init__(**{**more, "dest": "edits", "default": None})
        self._edit = edit

    def __call__(self, _parser: Any, namespace: argparse.Namespace, value: Any, _flag: Any = None) -> None:
        namespace.edits = [*(namespace.edits or []), self._edit(value)]


def add_edit(parser: argparse.ArgumentParser) -> None:
    """Describe ``edit``."""
    _take_signed_values(parser)
    parser.description = "Edit a patch: pitch, time, tone, level. Writes a new patch."
    parser.epilog = _EDIT_EXAMPLES
    parser.add_argument("patch", type=given, metavar="PATCH", help="a .patch.safetensors that fit, edit or morph wrote")
    values.add_writing(parser, "OUT", "patch file to write (default: PATCH-edited.patch.safetensors)")
    parser.add_argument("--wav", action="store_true", help="also play it to a WAV of the same name")
    parser.add_argument("--list", action="store_true", help="print the edits in PATCH, and write nothing")

    groups = {"pitch": parser.add_argument_group("pitch"), "time": parser.add_argument_group("time")}
    groups["tone"] = groups["level"] = parser.add_argument_group("tone and level")
    for kind in EDITS:
        _add(groups[kind.group], kind)
        if kind.name == "transpose":
            groups["pitch"].add_argument(
                "--formant", choices=("keep", "move"),
                help="whether the body keeps its size under --transpose (default) or moves along",
            )  # fmt: skip


def add_morph(parser: argparse.ArgumentParser) -> None:
    """Describe ``morph``."""
    parser.description = (
        "Mix two patches: harmonics and noise in dB, f0 in cents; onset, attack, release and end are aligned."
    )
    parser.epilog = _MORPH_EXAMPLES
    parser.add_argument("a", type=given, metavar="A", help="a .patch.safetensors to go from")
    parser.add_argument("b", type=given, metavar="B", help="a .patch.safetensors to go to")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--steps", type=int, metavar="N", help="number of sounds, both ends among them (default: 5)")
    how.add_argument("--amount", type=values.factor, metavar="SHARE", help="one sound: 0 is A, 1 is B")
    parser.add_argument(
        "--seconds",
        type=values.seconds,
        metavar="TIME",
        help="length of the sound that goes all the way, in seconds: 8s (at most 120 s)",
    )
    values.add_writing(parser, "OUT", "folder, or with --amount a patch file (default: A-to-B)")
    parser.add_argument("--wav", action="store_true", help="with --amount: also play it to a WAV of the same name")


def add_instrument(parser: argparse.ArgumentParser) -> None:
    """Describe ``instrument``."""
    parser.description = (
        "Build an instrument from fits at several pitches and strengths, or from the notes of a phrase. A key plays "
        "what lies between the nearest of them; velocity goes from the softer to the louder ones."
    )
    parser.epilog = _INSTRUMENT_EXAMPLES
    parser.add_argument("patches", type=given, nargs="+", metavar="PATCH", help="patches or instruments")
    parser.add_argument(
        "--note", type=values.numbers, metavar="N", help="take some of the notes, by their numbers: 3, or 1,4 (all)"
    )
    values.add_writing(parser, "OUT", "patch file (default: NAME-instrument.patch.safetensors)")


# By an edit's name or the unit of its first number: the reader of its value, the word for it, and examples.
_FORMS: dict[str, tuple[Callable[[str], Any], str, str]] = {
    "f0_depth": (values.factor, "DEPTH", "0, 0.5, 150%"),
    "vibrato": (values.swing, "RATE:DEPTH", "5.5Hz:30c"),
    "f0_curve": (given, "FILE", "a file with lines of time in s, f0 in Hz"),
    "hold": (values.seconds, "TIME", f"6s, 800ms, at most {LONGEST_S:g} s"),
    "freeze": (values.moment_and_length, "AT[:TIME]", f"1.2s:4s, at most {LONGEST_S:g} s"),
    "trim": (values.stretch_of_time, "FROM:TO", "0.1:2.0, :2, 500ms:"),
    "semitones": (values.semitones, "SEMITONES", "7, -12, 50c or 50ct (cents), 1oct"),
    "Hz": (values.frequency, "HZ", "220, A3"),
    "s": (values.moment, "TIME", "0.3s, 300ms, at most the sound's length"),
    "dB": (values.decibels, "DB", "+3dB, -6dB"),
    "dB/octave": (values.decibels, "DB", "+3dB, -3dB"),
    "\u00d7": (values.factor, "FACTOR", "1.5, 80%"),
}
# The numbers of a value that has more than one, and of a file.
_SEVERAL = {"vibrato": ("rate_hz", "depth_cents"), "freeze": ("at_s", "seconds"), "trim": ("start_s", "stop_s"),
            "f0_curve": ("file",)}  # fmt: skip


def _add(group: Any, kind: EditKind) -> None:
    """Add the option of an edit."""
    first = kind.parameters[0]
    reader, metavar, examples = _FORMS.get(kind.name) or _FORMS[first.unit]
    names = _SEVERAL.get(kind.name, (first.name,))
    numbers = {one.name: one for one in kind.parameters}
    spans = [numbers[name].span for name in names if name in numbers and first.unit != "s"]
    if len(spans) == 1 and re.search(r"\d", first.meaning):  # which says what 0 is
        spans.append(first.meaning)
    said = f"{kind.words[:1].lower()}{kind.words[1:].rstrip('.')}: {examples}"
    said += f" ({', '.join(spans)})" if spans else ""

    def edit(value: Any) -> dict[str, Any]:
        return {"edit": kind.name, **dict(zip(names, value if len(names) > 1 else [value], strict=True))}

    flag = "--f0-csv" if kind.name == "f0_curve" else f"--{kind.name.replace('_', '-')}"
    help_words = said.replace("%", "%%")
    group.add_argument(flag, action=_Edit, edit=edit, type=reader, metavar=metavar, help=help_words)


def _take_signed_values(parser: argparse.ArgumentParser) -> None:
    """Lets ``-6dB`` be a value, as argparse lets ``-6`` be one; no option of ours begins with a digit."""
    parser._negative_number_matcher = re.compile(r"^-\.?\d")
