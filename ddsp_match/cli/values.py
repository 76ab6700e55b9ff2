"""Values of the command line's own flags. Imports nothing heavy."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from ddsp_match.core.errors import EFFECTS, F0_CSV, F0_HZ, FORCE, MANY, OUT, PROCESS, ROOM
from ddsp_match.dsp.notes import hz_of, midi_number

PROGRAM = "ddsp-match"
# How errors name what would cure them.
FLAGS = {
    OUT: "another -o",
    FORCE: "--force to replace it",
    F0_CSV: "f0=csv f0.path=f0.csv, or --f0-csv f0.csv",
    F0_HZ: "f0=constant f0.hz=220, or --f0 220, or --midi 57",
    EFFECTS: "ddsp-match effects, which explains them",
    ROOM: "ddsp-match fit sound.wav effects=[reverb]",
    PROCESS: "ddsp-match process in.wav PATCH -o out.wav, which runs any sound through them",
    MANY: "ddsp-match fit SOUNDS/ -o FOLDER, which makes one",
}
SUBTYPES = {"float": "FLOAT", "24": "PCM_24", "16": "PCM_16"}
BITS = {"16": "PCM_16", "24": "PCM_24", "32": "FLOAT"}
_TIMES = {"": 1.0, "s": 1.0, "sec": 1.0, "ms": 0.001, "m": 60.0, "min": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """Read a time above 0: ``20s``, ``2m``, ``1.5h``, ``80ms``, ``90``."""
    value = _with_unit(text, _TIMES)
    if value is None or value <= 0:
        raise argparse.ArgumentTypeError(f"found {text!r}; needed: a time above 0 such as 20s, 2m, 80ms or 90")
    return value


def midi_note(text: str) -> float:
    """Read a MIDI note: its number, fractions allowed, or its name, ``A4``, ``C#3``, ``Db5``."""
    value = midi_number(text)
    if not 0 <= value <= 127:
        raise argparse.ArgumentTypeError(f"found {text!r}; needed: a MIDI note, 0 to 127 or a name such as A4 or C#3")
    return value


def velocity(text: str) -> int:
    """Read how strong a key is struck: ``90``."""
    if not re.fullmatch(r"\d+", text.strip()) or not 1 <= int(text) <= 127:
        raise argparse.ArgumentTypeError(f"found {text!r}; needed: a velocity, 1 to 127")
    return int(text)


def numbers(text: str) -> list[int]:
    """Read numbers of notes: ``3`` or ``1,4``."""
    if not re.fullmatch(r"\s*\d+(\s*,\s*\d+)*\s*", text):
        raise argparse.ArgumentTypeError(f"found {text!r}; needed: numbers of notes such as 3 or 1,4")
    return [int(number) for number in text.split(",")]


def frequency(text: str) -> float:
    """Read a frequency, ``220``, ``220Hz`` or ``1.2kHz``, or the note of that frequency, ``A3``."""
    value = _with_unit(text, {"": 1.0, "hz": 1.0, "khz": 1000.0})
    if value is None:
        value = hz_of(midi_number(text))
    if not 0 < value <= 20_000:
        raise argparse.ArgumentTypeError(
            f"found {text!r}; needed: a frequency in Hz, above 0, at most 20000, or a note such as A4 or C#3"
        )
    return value


def block_length(text: str) -> int:
    """Read a number of samples, 1 or more."""
    if not re.fullmatch(r"\d+", text.strip()) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text!r}; needed: a whole number of samples, 1 or more")
    return int(text)


def noise_seed(text: str) -> int:
    """Read a seed of noise, a whole number of 0 or above."""
    if not re.fullmatch(r"[0-9]+", text.strip()):
        raise argparse.ArgumentTypeError(f"found {text!r}; needed: a whole number, 0 or above")
    return int(text)


def rate(text: str) -> int:
    """Read a sample rate: ``48000``, ``44.1k``, ``48kHz``."""
    value = _with_unit(text, {"": 1.0, "hz": 1.0, "k": 1000.0, "khz": 1000.0})
    if value is None or not 8000 <= value <= 192_000:
        raise argparse.ArgumentTypeError(f"found {text!r}; needed: a sample rate, 8000 to 192000 Hz")
    return round(value)


def moment(text: str) -> float:
    """Read a time within a sound: ``1.2s``, ``80ms``, ``0.5``; 0 is one."""
    value = _with_unit(text, _TIMES)
    if value is None or value < 0:
        raise argparse.ArgumentTypeError(f"found {text!r}; needed: a time such as 1.2s, 80ms or 0.5")
    return value


def decibels(text: str) -> float:
    """Read a change of level: ``+3dB``, ``-6``, ``3dB/oct``."""
    value = _with_unit(text, dict.fromkeys(("", "db", "db/oct", "db/octave"), 1.0))
    if value is None:
        raise argparse.ArgumentTypeError(f"found {text!r}; needed: decibels such as +3dB or -6")
    return value


def semitones(text: str) -> float:
    """Read an interval: ``7``, ``-12st``, ``50c`` (cents), ``+1oct``."""
    units = {
        **dict.fromkeys(("", "st", "semitones"), 1.0),
        "c": 0.01,
        "ct": 0.01,
        "cents": 0.01,
        "oct": 12.0,
        "octaves": 12.0,
    }
    value = _with_unit(text, units)
    if value is None:
        raise argparse.ArgumentTypeError(f"found {text!r}; needed: semitones such as 7 or -12, or cents such as 50c")
    return value


def factor(text: str) -> float:
    """Read how many times: ``1.5``, ``2x``, ``150%``."""
    value = _with_unit(text, {"": 1.0, "x": 1.0, "\u00d7": 1.0, "%": 0.01})
    if value is None or value < 0:
        raise argparse.ArgumentTypeError(f"found {text!r}; needed: a number such as 1.5 or 150%")
    return value


def swing(text: str) -> tuple[float, float]:
    """Read a vibrato: ``5.5Hz:30c``, its rate in Hz and its depth in cents."""
    first, colon, second = text.partition(":")
    rate_hz, depth = (
        _with_unit(first, {"": 1.0, "hz": 1.0}),
        _with_unit(second, {"": 1.0, "c": 1.0, "ct": 1.0, "cents": 1.0}),
    )
    if not colon or rate_hz is None or depth is None or rate_hz <= 0 or depth < 0:
        raise argparse.ArgumentTypeError(f"found {text!r}; needed: rate and depth such as 5.5Hz:30c")
    return rate_hz, depth


def stretch_of_time(text: str) -> tuple[float, float | None]:
    """Read from when to when: ``0.1:2.0``, ``:2``, ``500ms:``; None is the end."""
    first, colon, second = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"found {text!r}; needed: from when to when such as 0.1:2.0, :2 or 0.5:")
    return (moment(first) if first.strip() else 0.0), (moment(second) if second.strip() else None)


def moment_and_length(text: str) -> tuple[float, float | None]:
    """Read a moment and how long: ``1.2s:4s`` or ``1.2s``."""
    first, _, second = text.partition(":")
    return moment(first), (seconds(second) if second.strip() else None)


def _with_unit(text: str, units: dict[str, float]) -> float | None:
    """A finite number with one of the units behind it, or None."""
    match = re.fullmatch(r"\s*([+\-\u2212]?(?:\d+\.?\d*|\.\d+))\s*([^\s\d.]*)\s*", text.lower())
    if match is None or match[2] not in units:
        return None
    return float(match[1].replace("\u2212", "-")) * units[match[2]]


def add_writing(
    parser: argparse.ArgumentParser,
    metavar: str,
    output: str,
    force: str | None = "write over what exists",
    default: Path | None = None,
) -> None:
    """Declare ``-o``, ``--force`` and ``-q``, which every verb that writes has.

    Args:
        parser: Of the verb.
        metavar: What ``-o`` names: a folder or a file.
        output: Help of ``-o``, with its default.
        force: Help of ``--force``; None leaves it out.
        default: Of ``-o``.
    """
    parser.add_argument("-o", "--output", type=Path, default=default, metavar=metavar, help=output)
    if force is not None:
        parser.add_argument("--force", action="store_true", help=force)
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress and no hints, only the outcome")
