"""The part of the command line, and of its help, that is about effects. Imports nothing heavy."""

from __future__ import annotations

import argparse

from ddsp_match.cli.streams import given
from ddsp_match.cli.values import PROGRAM, SUBTYPES, add_writing, block_length, seconds

_EFFECT_EXAMPLES = """\
examples:
  ddsp-match effect dry.wav wet.wav effects=[compressor]            one effect
  ddsp-match effect dry.wav wet.wav effects=[iir,clip]              a chain, from input to output
  ddsp-match effect dry.wav wet.wav effects='[{iir: {order: 4}}, {clip: {high: 0.5}}]'
                                                                    an option set, a knob held at a value
  ddsp-match effect dry.wav wet.wav effects='[{parallel: [delay, [svf, clip]]}]'
                                                                    branches beside the dry sound
  ddsp-match effect dry.wav wet.wav effects=[svf] loss=both         forgive phase; starts=100 looks longer
  ddsp-match effect dry.wav wet.wav --multirun effects='[clip],[svf,clip],[compressor]'
                                                                    which chain explains it best? a table
  ddsp-match process other.wav outputs/wet-effect/wet.patch.safetensors -o out.wav
                                                                    any sound through what was found

`ddsp-match effects` lists the names, `ddsp-match effects NAME` explains one. Exit codes: 0 found, 2 bad input,
3 no match (nothing explains wet from dry; the report is written all the same). Ctrl-C ends with the best so far.
"""

_PROCESS_EXAMPLES = """\
examples:
  ddsp-match process in.wav found.patch.safetensors -o out.wav
  ddsp-match process in.wav amp.patch.safetensors room.patch.safetensors -o out.wav    one after the other
  ddsp-match process in.wav found.patch.safetensors -o out.wav --block 64              as a live effect would

The sound keeps its rate, length and channels. A patch of `fit ... effects=[reverb]` lends its room.
"""

_EFFECTS_EXAMPLES = """\
examples:
  ddsp-match effects                 every effect: knobs, ranges, units, defaults
  ddsp-match effects compressor      one of them: equation, source, options
  ddsp-match effects --json          the same for programs
"""


def add_effect(parser: argparse.ArgumentParser, help_action: type[argparse.Action]) -> None:
    """Declare ``effect``."""
    parser.usage = f"{PROGRAM} effect DRY WET effects=[NAME,...] [KEY=VALUE ...] [options]"
    parser.description = "Find the knob settings of effects that turn DRY into WET; write output, patch and report."
    parser.epilog = _EFFECT_EXAMPLES
    parser.set_defaults(budget_key="budget_s", config_dir=None)
    parser.add_argument("-h", "--help", action=help_action, nargs=0, help="show this and exit")
    parser.add_argument(
        "words", nargs="*", metavar="DRY, WET and settings", help="the sound before and after; settings as KEY=VALUE"
    )
    add_writing(parser, "DIR", "run directory (default: outputs/WET-effect)")
    parser.add_argument("--budget", type=seconds, metavar="TIME", help="end the search after 20s, 2m, 90 (seconds)")
    hydra = parser.add_argument_group("Hydra").add_mutually_exclusive_group()
    hydra.add_argument("-m", "--multirun", action="store_true", help="try every combination of KEY=A,B,C")
    hydra.add_argument("-c", "--cfg", choices=("job", "hydra", "all"), help="print the settings instead of searching")


def add_process(parser: argparse.ArgumentParser) -> None:
    """Declare ``process``."""
    parser.description = "Run a sound through the effects of patches."
    parser.epilog = _PROCESS_EXAMPLES
    parser.add_argument("sound", type=given, metavar="IN", help="a sound file")
    parser.add_argument(
        "patches", type=given, nargs="+", metavar="PATCH", help="patches with effects, played one after the other"
    )
    add_writing(parser, "OUT.wav", "sound file (default: IN-PATCH.wav, in this folder)")
    parser.add_argument(
        "--block", type=block_length, metavar="N", help="play N samples at a time; the same to 1e-5 (default: at once)"
    )
    parser.add_argument(
        "--subtype",
        choices=tuple(SUBTYPES),
        help="samples: 32-bit float, 24 or 16 bit (default: the first of them that the file can hold)",
    )


def add_effects(parser: argparse.ArgumentParser) -> None:
    """Declare ``effects``."""
    parser.description = "List every effect with its knobs: range, unit, default (where it does nothing) and meaning."
    parser.epilog = _EFFECTS_EXAMPLES
    parser.add_argument("name", nargs="?", metavar="NAME", help="one effect, with equation and source")
    parser.add_argument("--json", action="store_true", help="as JSON")
