"""The part of the command line, and of its help, that is about export. Imports nothing heavy."""

from __future__ import annotations

import argparse
import math
import re
from typing import Any

from ddsp_match.cli.streams import given
from ddsp_match.cli.values import add_writing, rate, seconds
from ddsp_match.dsp.notes import midi_number

# The names are those of tasks.export.KINDS (tested), which would load torch.
KINDS = {
    "sfz": "a sampled instrument for samplers (sfizz, Sforzando, LinuxSampler): NAME.sfz and looped WAVs",
    "wavetable": "single periods for wavetable synthesizers (Vital, Serum, Bitwig), one WAV",
    "wt": "single periods in the format of Surge XT, one .wt",
    "midi": "its notes, pitch bends and expression, a .mid",
    "csv": "f0, levels and every partial over time, two tables",
    "json": "everything in it, as text",
    "ir": "the impulse response of its room or effects, a WAV for any convolver",
    "html": "a page with the instrument in it: open it in a browser and play",
}

_EXAMPLES = """\
kinds:
{kinds}

examples:
  ddsp-match export trumpet.patch.safetensors --to sfz                  trumpet-sfz/trumpet.sfz and its samples
  ddsp-match export trumpet.patch.safetensors --to sfz --keys C3-C6/4 --velocities 3
                                                        every fourth key from C3 to C6, three strengths each
  ddsp-match export pluck.patch.safetensors --to sfz --no-loop --release 0.1s --bits 16
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


def _whole(low: int, high: int, what: str) -> Any:
    def read(text: str) -> int:
        if not re.fullmatch(r"\d+", text.strip()) or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"found {text!r}; needed: {what}, {low} to {high}")
        return int(text)

    return read


def _tempo(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(bpm)?", text.strip().lower())
    if match is None or not 4 <= float(match[1]) <= 1000:
        raise argparse.ArgumentTypeError(f"found {text!r}; needed: quarter notes a minute, 4 to 1000")
    return float(match[1])


def add_export(parser: argparse.ArgumentParser) -> None:
    """Describe ``export``; an option that was not given is not in the namespace."""
    parser.description = "Write a patch in a form that other programs play or read."
    parser.epilog = _EXAMPLES.format(kinds="\n".join(f"  {name:<11}{words}" for name, words in KINDS.items()))
    parser.add_argument("patch", type=given, metavar="PATCH", help="a .patch.safetensors that fit or edit has written")
    parser.add_argument("--to", required=True, choices=tuple(KINDS), metavar="KIND", help=" | ".join(KINDS))
    add_writing(parser, "OUT", "file, or folder for sfz (default: by name)")
    unset: dict[str, Any] = {"default": argparse.SUPPRESS}
    sfz = parser.add_argument_group("sfz")
    sfz.add_argument(
        "--keys", type=keys, metavar="KEYS", **unset,
        help="which keys get a sample: 48-72, C3-C5/4, C2,C3,60; or 4: every fourth (3, two octaves either way)",
    )  # fmt: skip
    sfz.add_argument(
        "--velocities", type=_whole(1, 8, "a number of layers"), metavar="N", **unset,
        help="strengths of each key, softer ones darker (2)",
    )  # fmt: skip
    sfz.add_argument(
        "--seconds", type=seconds, metavar="TIME", **unset, help="length of the samples: 3s, 800ms (the sound's)"
    )
    sfz.add_argument("--no-loop", dest="loop", action="store_false", **unset, help="let held notes end by themselves")
    sfz.add_argument(
        "--release",
        dest="release_s",
        type=seconds,
        metavar="TIME",
        **unset,
        help="how long a note sounds on: 0.3s, 300ms",
    )
    sfz.add_argument(
        "--rate", dest="sample_rate", type=rate, metavar="HZ", **unset,
        help="sample rate of the WAVs: 44100, 48k (the patch's)",
    )  # fmt: skip
    sfz.add_argument(
        "--bits", type=int, choices=(16, 24, 32), **unset,
        help="16, 24 (default) or 32 (float); of wavetable and wt 16 or 32 (default)",
    )  # fmt: skip
    sfz.add_argument("--dry", action="store_true", **unset, help="without the patch's effects")
    table = parser.add_argument_group("wavetable and wt")
    table.add_argument(
        "--frames", type=_whole(1, 256, "a number of frames"), metavar="N", **unset,
        help="periods to take at most, those between which the spectrum changes most (256)",
    )  # fmt: skip
    table.add_argument(
        "--frame-size", type=int, choices=(256, 512, 1024, 2048), **unset,
        help="samples a period (2048, which all of them read)",
    )  # fmt: skip
    table.add_argument(
        "--keep-levels", action="store_true", **unset, help="let each period be as loud as it is in the sound"
    )
    midi = parser.add_argument_group("midi")
    midi.add_argument(
        "--tempo", type=_tempo, metavar="BPM", **unset,
        help="quarter notes a minute: where the bars lie; the notes stay where they are in time (120)",
    )  # fmt: skip
    midi.add_argument(
        "--bend-range", type=_whole(1, 24, "semitones"), metavar="N", **unset, help="of pitch bends, in semitones (2)"
    )
    csv = parser.add_argument_group("csv")
    csv.add_argument("--every", type=_whole(1, 1000, "frames"), metavar="N", **unset, help="only each N-th frame (1)")
