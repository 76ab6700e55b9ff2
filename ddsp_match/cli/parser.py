"""What the command line accepts, and the help that teaches it. Imports nothing heavy."""

from __future__ import annotations

import argparse
import dataclasses
import math
import re
from pathlib import Path
from typing import Any

from ddsp_match import __version__, config
from ddsp_match.settings import allowed

PROGRAM = "ddsp-match"
SUBTYPES = {"float": "FLOAT", "24": "PCM_24", "16": "PCM_16"}

_TOP_EXAMPLES = """\
examples:
  ddsp-match fit sound.wav                 hear a sound, write the match and a report to outputs/sound/
  ddsp-match render outputs/sound/sound.patch.safetensors -o again.wav
                                           play the patch again: the same samples as match.wav
  ddsp-match analyze sound.wav             f0, periodicity and loudness as CSV and a picture

`ddsp-match VERB --help` says more. Bad input ends with exit code 2 and a line that says what to try.
"""

_FIT_EXAMPLES = """\
examples:
  ddsp-match fit sound.wav                                  all defaults
  ddsp-match fit sound.wav quality=draft                    a first impression; quality=best takes its time
  ddsp-match fit sound.wav --budget 20s                     the best that 20 s of optimisation give
  ddsp-match fit sound.wav optimizer.target_loss=0.3        stop when good enough
  ddsp-match fit sound.wav --midi 60                        the pitch is known: middle C throughout
  ddsp-match fit sound.wav synth.n_harmonics=60 phase=zero  fewer numbers in the patch
  ddsp-match fit sound.wav -o take2 --force                 write to take2/, over what is there
  ddsp-match fit sound.wav --multirun synth.n_harmonics=20,40,80 loss=mrstft,mel
                                                            a sweep: six fits and a table of them
  ddsp-match fit --cfg job loss=mel                         print the settings instead of fitting
  eval "$(ddsp-match -sc install=bash)"                     complete settings with the tab key

Ctrl-C ends the fit with the best so far written out (exit code 0, the reason said); a second Ctrl-C quits.
"""

_RENDER_EXAMPLES = """\
examples:
  ddsp-match render outputs/sound/sound.patch.safetensors -o again.wav
  ddsp-match render outputs/sound/sound.patch.safetensors -o again.wav --stems --subtype 24
"""


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Keeps examples as they are written, with room for the options beside their help."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=110)


class _HelpWithSettings(argparse.Action):
    """Prints the help with the config groups and settings after it, gathered only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        parser.epilog = f"{settings_help()}\n{parser.epilog or ''}"
        parser.print_help()
        parser.exit()


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


def settings_help() -> str:
    """Say which groups, options and settings there are, with defaults and what is allowed."""
    lines = ["config groups (GROUP=OPTION):"]
    lines += [f"  {name:<12}{' | '.join(options)}" for name, options in config.groups().items()]
    lines += ["", "settings (KEY=VALUE; default, then what is allowed):"]
    for key, field in config.setting_keys().items():
        shown = "null" if field.default in (None, dataclasses.MISSING) else str(field.default)
        shown = shown.lower() if isinstance(field.default, bool) else shown
        lines.append(f"  {key:<27}{shown:<10}{allowed(field)}")
    return "\n".join(lines) + "\n"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Hear a sound, find the synthesizer that plays it, render it again.",
        epilog=_TOP_EXAMPLES,
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs")
    common: dict[str, Any] = {"formatter_class": _Formatter, "allow_abbrev": False}
    _add_fit(verbs.add_parser("fit", help="match a sound", add_help=False, epilog=_FIT_EXAMPLES, **common))
    _add_render(verbs.add_parser("render", help="play a patch to a sound file", **common))
    _add_analyze(verbs.add_parser("analyze", help="f0, periodicity and loudness of a sound", **common))
    return parser


def _add_fit(parser: argparse.ArgumentParser) -> None:
    parser.usage = f"{PROGRAM} fit SOUND [GROUP=OPTION | KEY=VALUE ...] [options]"
    parser.description = "Find the synthesizer settings that play SOUND; write match, patch and report."
    parser.add_argument("-h", "--help", action=_HelpWithSettings, nargs=0, help="show this and exit")
    parser.add_argument(
        "words", nargs="*", metavar="SOUND and settings", help="one sound file; settings as KEY=VALUE"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="run directory (default: outputs/SOUND)"
    )
    parser.add_argument("--force", action="store_true", help="write over a run directory that exists")
    parser.add_argument(
        "--budget", type=seconds, metavar="TIME", help="end the optimisation after 20s, 2m, 90 (seconds)"
    )
    _add_f0(parser)
    parser.add_argument("--quiet", "-q", action="store_true", help="no progress, only the outcome")
    hydra = parser.add_argument_group("Hydra")
    what = hydra.add_mutually_exclusive_group()
    what.add_argument("-m", "--multirun", action="store_true", help="fit every combination of KEY=A,B,C")
    what.add_argument(
        "-c", "--cfg", choices=("job", "hydra", "all"), help="print the settings instead of fitting"
    )
    what.add_argument(
        "-i", "--info", nargs="?", const="all", metavar="WHAT", help="print how Hydra found the settings"
    )
    what.add_argument("--hydra-help", action="store_true", help="Hydra's own help")
    what.add_argument(
        "-sc", "--shell-completion", metavar="install=SHELL", help="or uninstall=SHELL: print a script"
    )
    hydra.add_argument("-p", "--package", help="the section that --cfg prints")
    hydra.add_argument("--resolve", action="store_true", help="resolve interpolations that --cfg prints")
    hydra.add_argument(
        "-cd", "--config-dir", type=Path, metavar="DIR", help="a folder with further group options"
    )


def _add_render(parser: argparse.ArgumentParser) -> None:
    parser.description = "Play a patch: the same samples as the match.wav of its fit."
    parser.epilog = _RENDER_EXAMPLES
    parser.add_argument("patch", type=Path, metavar="PATCH", help="a .patch.safetensors that fit has written")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="OUT.wav", help="sound file (default: named as the patch)"
    )
    parser.add_argument(
        "--stems", action="store_true", help="also write the harmonic and the noise part beside it"
    )
    parser.add_argument("--force", action="store_true", help="write over a file that exists")
    parser.add_argument(
        "--subtype",
        choices=tuple(SUBTYPES),
        default="float",
        help="samples: 32-bit float (default), 24 or 16 bit",
    )


def _add_analyze(parser: argparse.ArgumentParser) -> None:
    parser.usage = f"{PROGRAM} analyze SOUND [f0=OPTION | f0.KEY=VALUE ...] [options]"
    parser.description = "Hear f0, periodicity and loudness, as a CSV and a picture, without fitting."
    parser.epilog = (
        "examples:\n  ddsp-match analyze sound.wav\n  ddsp-match analyze sound.wav f0=pyin -o heard\n"
    )
    parser.add_argument(
        "words", nargs="*", metavar="SOUND and settings", help="one sound file; settings as KEY=VALUE"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="folder (default: outputs/SOUND-analysis)"
    )
    parser.add_argument("--force", action="store_true", help="write over a folder that exists")
    parser.add_argument("--quiet", "-q", action="store_true", help="no progress, only the outcome")
    _add_f0(parser)


def _add_f0(parser: argparse.ArgumentParser) -> None:
    pitch = parser.add_argument_group("where f0 comes from (default: CREPE)").add_mutually_exclusive_group()
    pitch.add_argument("--f0", type=frequency, metavar="HZ", help="a constant frequency")
    pitch.add_argument("--midi", type=midi_note, metavar="NOTE", help="a constant MIDI note (60 is middle C)")
    pitch.add_argument("--f0-csv", metavar="FILE", help="lines of time in s, f0 in Hz")
