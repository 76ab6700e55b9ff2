"""The command line's options and their help. Imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, cast

from ddsp_match import __version__, config
from ddsp_match.cli import parser_app, parser_data, parser_edit, parser_effects, parser_export, parser_score
from ddsp_match.cli.streams import given
from ddsp_match.cli.values import (
    BITS,
    PROGRAM,
    SUBTYPES,
    add_writing,
    frequency,
    midi_note,
    noise_seed,
    numbers,
    rate,
    seconds,
    velocity,
)
from ddsp_match.core.settings import EffectSettings, FitSettings, Settings

TAKES_SETTINGS: dict[str, type[Settings]] = {"fit": FitSettings, "analyze": FitSettings, "effect": EffectSettings}

_TOP_EXAMPLES = """\
examples:
  ddsp-match fit sound.wav                 fit a sound, write the match and a report to outputs/sound/
  ddsp-match fit samples/                  every sound below a folder; the same command again goes on
  ddsp-match render outputs/sound/sound.patch.safetensors -o again.wav
                                           play the patch again: the same samples as match.wav
  ddsp-match analyze sound.wav             f0, periodicity and loudness as CSV and a picture
  ddsp-match effect dry.wav wet.wav effects=[iir,clip]
                                           estimate the knobs that turn dry into wet
  ddsp-match process in.wav room.patch.safetensors -o out.wav
                                           run any sound through the effects of a patch
  ddsp-match effects                       every effect with its knobs
  ddsp-match score outputs/samples         how close every match is; the worst first
  ddsp-match compare outputs/a outputs/b   two runs on the same sounds: better, worse, or chance
  ddsp-match data nsynth-test              download, check and unpack NSynth's test set to data/
  ddsp-match edit sound.patch.safetensors --transpose 7 --stretch 1.5 -o higher.patch.safetensors
  ddsp-match morph a.patch.safetensors b.patch.safetensors --steps 5 -o morphs/
  ddsp-match instrument a.patch.safetensors b.patch.safetensors -o sax.patch.safetensors
                                           several notes as one instrument: pitches and strengths
  ddsp-match export sound.patch.safetensors --to sfz
                                           an instrument: sfz, wavetable, midi, csv, json, ir, html
  ddsp-match app                           all of it in the browser

`ddsp-match VERB --help` says more. Bad input ends with exit code 2 and a line that says what to try;
`effect` ends with 3 where nothing explains wet from dry.
"""

_FIT_EXAMPLES = """\
examples:
  ddsp-match fit sound.wav                                  all defaults
  ddsp-match fit sound.wav quality=draft                    a first impression; quality=best takes its time
  ddsp-match fit sound.wav --budget 20s                     the best that 20 s of optimisation give
  ddsp-match fit sound.wav optimizer.target_loss=0.8        stop when good enough
  ddsp-match fit sound.wav --midi 60                        the pitch is known: middle C throughout
  ddsp-match fit sound.wav model.numbers=500                as close as 500 numbers a second buy
  ddsp-match fit sound.wav effects=[reverb]                 the source and its room, found together
  ddsp-match fit sound.wav -o take2 --force                 write to take2/, over what is there
  ddsp-match fit sound.wav --multirun model.numbers=500,1000,2000 loss=mrstft,mel
                                                            a sweep: six fits and a table of them
  ddsp-match fit samples/ --multirun loss=mrstft,mel        every sound with every setting; again: skips what is done
  ddsp-match fit samples/ -o outputs/my-kit                 every sound below a folder; again: skips what is done
  ddsp-match fit *.wav files=report                         several sounds, each with sounds, stems and report
  ddsp-match fit list.csv dataset.column=file               the sounds that a table names (columns name, family, pitch)
  ddsp-match fit nsynth-test/audio dataset=nsynth limit=500 batch_size=32 device=cuda
  ddsp-match fit samples/ engine=ray                        a local Ray, or engine.address=HOST:PORT for a cluster
  ddsp-match fit --cfg job loss=mel                         print the settings instead of fitting
  eval "$(ddsp-match -sc install=bash)"                     complete settings with the tab key

Ctrl-C ends the fit with the best so far written out (exit code 0, the reason said); a second Ctrl-C quits.

Many sounds: each finished sound is kept whatever happens, also at kill -9 or a full disk; the same command goes on
with the others, tries those again that failed, and refits those whose file has changed. One that cannot be fitted
does not end the run. Exit codes: 0 none failed; 101 to 200 so many failed (less 100; 200 for 100 and more);
2 bad input, or the disk is full; 130 after Ctrl-C (no sound is begun any more; the second one quits at once).
"""

_RENDER_EXAMPLES = """\
examples:
  ddsp-match render outputs/sound/sound.patch.safetensors -o again.wav
  ddsp-match render outputs/sound/sound.patch.safetensors -o again.wav --stems --subtype 24
  ddsp-match render outputs/sound/sound.patch.safetensors -o cd.wav --rate 44100 --bits 16
  ddsp-match render outputs/sound/sound.patch.safetensors -o again.wav --noise-seed 77
                                                            the same sound with other noise
  ddsp-match render violin.patch.safetensors --midi D4 --velocity 90 --seconds 3 -o note.wav
                                                            one key, held; the notes of a phrase are its instrument
  ddsp-match render violin.patch.safetensors --list-notes
  ddsp-match render voice.patch.safetensors --dry           without the room that `fit effects=[reverb]` found
  ddsp-match render flute.patch.safetensors --effects-from voice.patch.safetensors
                                                            the flute in the room of the voice
"""


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Keeps examples as they are written, with room for the options beside their help."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=110)


class _HelpWithSettings(argparse.Action):
    """Prints the help with the config groups and settings after it, gathered only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        kind = EffectSettings if parser.prog.endswith(" effect") else FitSettings
        parser.epilog = f"{settings_help(kind)}\n{parser.epilog or ''}"
        parser.print_help()
        parser.exit()


def settings_help(kind: type[Settings] = FitSettings) -> str:
    """Say which groups, options and settings there are, with defaults and what is allowed."""
    groups = config.groups(kind=kind)
    lines = ["config groups (GROUP=OPTION):"] if groups else []
    lines += [f"  {name:<12}{' | '.join(options)}" for name, options in groups.items()]
    lines += [""] if groups else []
    lines += ["settings (KEY=VALUE; default, then what is allowed):"]
    for key, parameter in config.setting_keys(kind).items():
        shown = "null" if parameter.default is None else str(parameter.default)
        shown = shown.lower() if parameter.kind == "switch" else shown
        lines.append(f"  {key:<27}{shown:<10}{parameter.allowed}")
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
    effect = verbs.add_parser("effect", help="the knobs that turn a dry sound into a wet one", add_help=False, **common)
    parser_effects.add_effect(effect, _HelpWithSettings)
    parser_effects.add_process(verbs.add_parser("process", help="run a sound through found effects", **common))
    parser_score.add_score(verbs.add_parser("score", help="how close the matches of a run are", **common))
    parser_score.add_compare(verbs.add_parser("compare", help="two runs on the same sounds, side by side", **common))
    parser_data.add_data(verbs.add_parser("data", help="download a data set", **common))
    parser_effects.add_effects(verbs.add_parser("effects", help="list the effects and their knobs", **common))
    parser_edit.add_edit(verbs.add_parser("edit", help="transpose, stretch, brighten, ... a patch", **common))
    parser_edit.add_morph(verbs.add_parser("morph", help="what lies between two patches", **common))
    parser_edit.add_instrument(verbs.add_parser("instrument", help="several fits as one to play", **common))
    parser_export.add_export(verbs.add_parser("export", help="an instrument for other programs", **common))
    parser_app.add_app(verbs.add_parser("app", help="fit, edit and play in the browser", **common))
    return parser


def verbs_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the parser of each verb by its name."""
    (verbs,) = [action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return cast("dict[str, argparse.ArgumentParser]", verbs)


def _add_fit(parser: argparse.ArgumentParser) -> None:
    parser.usage = f"{PROGRAM} fit SOUND|FOLDER|CSV ... [GROUP=OPTION | KEY=VALUE ...] [options]"
    parser.description = (
        "Find the synthesizer settings that play SOUND; write match, patch and report. Or do that for every sound "
        "below a folder, of a CSV file, or of several files, into one run folder."
    )
    parser.set_defaults(budget_key="optimizer.budget_s")
    parser.add_argument("-h", "--help", action=_HelpWithSettings, nargs=0, help="show this and exit")
    parser.add_argument(
        "words", nargs="*", metavar="SOUNDS and settings", help="sound files, a folder or a CSV; settings as KEY=VALUE"
    )
    add_writing(
        parser, "DIR", "run directory (default: outputs/SOUND or outputs/FOLDER)",
        force="write over a run directory that exists, or start it over",
    )  # fmt: skip
    parser.add_argument(
        "--budget", type=seconds, metavar="TIME", help="end the optimisation after 20s, 2m, 90 (seconds)"
    )
    _add_f0(parser)
    hydra = parser.add_argument_group("Hydra")
    what = hydra.add_mutually_exclusive_group()
    what.add_argument("-m", "--multirun", action="store_true", help="fit every combination of KEY=A,B,C")
    what.add_argument("-c", "--cfg", choices=("job", "hydra", "all"), help="print the settings instead of fitting")
    what.add_argument("-i", "--info", nargs="?", const="all", metavar="WHAT", help="print how Hydra found the settings")
    what.add_argument("--hydra-help", action="store_true", help="Hydra's own help")
    what.add_argument("-sc", "--shell-completion", metavar="install=SHELL", help="or uninstall=SHELL: print a script")
    hydra.add_argument("-p", "--package", help="the section that --cfg prints")
    hydra.add_argument("--resolve", action="store_true", help="resolve interpolations that --cfg prints")
    hydra.add_argument("-cd", "--config-dir", type=Path, metavar="DIR", help="a folder with further group options")


def _add_render(parser: argparse.ArgumentParser) -> None:
    parser.description = "Play a patch: the same samples as the match.wav of its fit."
    parser.epilog = _RENDER_EXAMPLES
    parser.add_argument("patch", type=given, metavar="PATCH", help="a .patch.safetensors that ddsp-match wrote")
    add_writing(parser, "OUT.wav", "sound file (default: named as the patch)")
    parser.add_argument(
        "--stems",
        action="store_true",
        help="also write the harmonic and the noise stem beside it, without effects, and their sum if there are any",
    )
    room = parser.add_mutually_exclusive_group()
    room.add_argument("--dry", action="store_true", help="without the patch's effects: as before the room")
    room.add_argument(
        "--effects-from", type=given, metavar="OTHER", help="a patch whose effects to play in place of its own"
    )
    parser.add_argument(
        "--rate",
        type=rate,
        metavar="HZ",
        help="sample rate of the files: 44100, 48k (default: the patch's, sample for sample)",
    )
    parser.add_argument(
        "--noise-seed",
        type=noise_seed,
        metavar="N",
        help="the same sound with other noise: the seed of its draw (default: the patch's)",
    )
    note = parser.add_argument_group("one key in place of the whole sound (any of these)")
    note.add_argument("--midi", type=midi_note, metavar="NOTE", help="60, C4, F#3 (default: that of its longest note)")
    note.add_argument("--velocity", type=velocity, metavar="N", help="how strong, 1 to 127 (102: as it was played)")
    note.add_argument("--seconds", type=seconds, metavar="TIME", help="how long the key is down: 3s (2s)")
    note.add_argument("--note", type=numbers, metavar="N", help="play it from some of its notes: 3, or 1,4 (all)")
    note.add_argument("--list-notes", action="store_true", help="list the notes of the sound, and write nothing")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--bits", choices=tuple(BITS), help="samples: 32-bit float (default), 24 or 16 bit")
    form.add_argument("--subtype", choices=tuple(SUBTYPES), default="float", help="the same, as libsndfile says it")


def _add_analyze(parser: argparse.ArgumentParser) -> None:
    parser.usage = f"{PROGRAM} analyze SOUND [f0=OPTION | f0.KEY=VALUE ...] [options]"
    parser.description = "Hear f0, periodicity and loudness, as a CSV and a picture, without fitting."
    parser.epilog = "examples:\n  ddsp-match analyze sound.wav\n  ddsp-match analyze sound.wav f0=pyin -o heard\n"
    parser.add_argument("words", nargs="*", metavar="SOUND and settings", help="one sound file; settings as KEY=VALUE")
    add_writing(parser, "DIR", "folder (default: outputs/SOUND-analysis)")
    _add_f0(parser)


def _add_f0(parser: argparse.ArgumentParser) -> None:
    pitch = parser.add_argument_group("where f0 comes from (default: CREPE)").add_mutually_exclusive_group()
    pitch.add_argument("--f0", type=frequency, metavar="HZ", help="a constant frequency or note: 220, 1.2kHz, A3")
    pitch.add_argument("--midi", type=midi_note, metavar="NOTE", help="a constant MIDI note: 60 or C4 (middle C), F#3")
    pitch.add_argument("--f0-csv", type=given, metavar="FILE", help="lines of time in s, f0 in Hz")
