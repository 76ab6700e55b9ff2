"""The part of the command line, and of its help, that is about editing. Imports nothing heavy."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Any

from ddsp_match.cli import values
from ddsp_match.cli.streams import given

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

    pitch = parser.add_argument_group("pitch")
    _add(
        pitch,
        "transpose",
        values.semitones,
        "SEMITONES",
        "7 up, -12 down, 50c or 50ct for cents, 1oct (-60 to 60 semitones)",
        lambda v: {"semitones": v},
    )
    pitch.add_argument(
        "--formant", choices=("keep", "move"),
        help="whether the body keeps its size under --transpose (default) or moves along",
    )  # fmt: skip
    _add(
        pitch,
        "f0-depth",
        values.factor,
        "DEPTH",
        "0: a steady note, 1: as it is, 2: twice as lively (0 to 4)",
        lambda v: {"depth": v},
    )
    _add(
        pitch, "vibrato", values.swing, "RATE:DEPTH", "rate in Hz (0.1 to 20), depth in cents (0 to 1200): 5.5Hz:30c",
        lambda v: {"rate_hz": v[0], "depth_cents": v[1]},
    )  # fmt: skip
    _add(
        pitch,
        "f0",
        values.frequency,
        "HZ",
        "one frequency throughout, in Hz or a note: 220, A3 (5 to 20000 Hz)",
        lambda v: {"hz": v},
    )
    pitch.add_argument(
        "--f0-csv", action=_Edit, edit=lambda v: {"edit": "f0_curve", "file": v}, type=given, metavar="FILE",
        help="another f0: lines of time in s, f0 in Hz",
    )  # fmt: skip

    time = parser.add_argument_group("time")
    _add(
        time,
        "stretch",
        values.factor,
        "FACTOR",
        "times as long: 1.5 longer, 80%% shorter (0.05 to 20)",
        lambda v: {"factor": v},
    )
    _add(
        time,
        "hold",
        values.seconds,
        "TIME",
        "hold the sustain until the sound is that long, in seconds: 6s, 800ms (at most 120 s)",
        lambda v: {"seconds": v},
    )
    _add(
        time, "freeze", values.moment_and_length, "AT[:TIME]", "one moment held, in seconds: 1.2s:4s (at most 120 s)",
        lambda v: {"at_s": v[0], "seconds": v[1]},
    )  # fmt: skip
    _add(
        time, "trim", values.stretch_of_time, "FROM:TO", "cut, in seconds: 0.1:2.0, :2, 500ms:",
        lambda v: {"start_s": v[0], "stop_s": v[1]},
    )  # fmt: skip

    tone = parser.add_argument_group("tone and level")
    _add(
        tone,
        "brightness",
        values.decibels,
        "DB",
        "tilt in dB an octave: +3dB brighter, -3dB darker (-12 to 12)",
        lambda v: {"db_per_octave": v},
    )
    _add(
        tone,
        "odd-even",
        values.decibels,
        "DB",
        "even harmonics against odd ones, in dB: -6dB hollow, as a clarinet (-60 to 60)",
        lambda v: {"db": v},
    )
    _add(
        tone,
        "harmonic",
        values.decibels,
        "DB",
        "level of the tonal part, in dB: +3dB louder, -6dB softer (-80 to 80)",
        lambda v: {"db": v},
    )
    _add(
        tone,
        "noise",
        values.decibels,
        "DB",
        "level of the noisy part (breath, bow, knock), in dB: +3dB, -6dB (-80 to 80)",
        lambda v: {"db": v},
    )
    _add(
        tone,
        "fade-in",
        values.moment,
        "TIME",
        "from silence, in seconds: 0.3s, 300ms (at most the sound's length)",
        lambda v: {"seconds": v},
    )
    _add(
        tone,
        "fade-out",
        values.moment,
        "TIME",
        "to silence, in seconds: 0.3s, 300ms (at most the sound's length)",
        lambda v: {"seconds": v},
    )


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


def _add(
    group: Any, name: str, kind: Callable[[str], Any], metavar: str, words: str, make: Callable[[Any], dict[str, Any]]
) -> None:
    edit = name.replace("-", "_")
    said: dict[str, Any] = {"type": kind, "metavar": metavar, "help": words}
    group.add_argument(f"--{name}", action=_Edit, edit=lambda value: {"edit": edit, **make(value)}, **said)


def _take_signed_values(parser: argparse.ArgumentParser) -> None:
    """Lets ``-6dB`` be a value, as argparse lets ``-6`` be one; no option of ours begins with a digit."""
    parser._negative_number_matcher = re.compile(r"^-\.?\d")
