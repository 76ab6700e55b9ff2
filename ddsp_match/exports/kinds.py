"""The registry of exports: each is one entry here, and one function in a file of its own.

The function is ``export_KIND(patch, out, **options) -> list[Path]``, imported when it is first needed. It writes to
`out`, and beside it under the other suffixes of its entry, and returns the files, the main one first. The verb gives it
a scratch folder, so it need not care for files that exist or a full disk; its options are checked before. Where it
takes ``on_note`` or ``on_progress`` it is given them. Imports no torch, so that ``--help`` stays light.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddsp_match.core.errors import ConfigError
from ddsp_match.core.params import Parameter


@dataclass(frozen=True)
class ExportKind:
    """One kind of export.

    Attributes:
        name: As it is asked for.
        words: What is written, for lists and help.
        home: Module of this room and function that write it.
        suffixes: Of its files: the first is that of the main file; one that ends in a slash is a folder.
        options: Its keyword arguments; the defaults are those of the function (tested).
        use: A hint for the user who has the files.
        marks: Of a folder: patterns of what it holds at its top; one with anything else is not replaced.
        needs_pitch: Whether a patch that does not follow a pitch is refused.
        plays_instruments: Whether an instrument can be written as well as the patch of one sound.
    """

    name: str
    words: str
    home: tuple[str, str]
    suffixes: tuple[str, ...]
    options: tuple[Parameter, ...] = ()
    use: str = ""
    marks: tuple[str, ...] = ()
    needs_pitch: bool = False
    plays_instruments: bool = False

    @property
    def is_folder(self) -> bool:
        """Return whether it is a folder of files."""
        return self.suffixes[0].endswith("/")

    def function(self) -> Callable[..., list[Path]]:
        """Import the function that writes it."""
        return getattr(importlib.import_module(f"ddsp_match.exports.{self.home[0]}"), self.home[1])

    def checked(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return options as the function takes them.

        Raises:
            ConfigError: An option that it does not have, of the wrong type, or out of range.
        """
        known = {option.name: option for option in self.options}
        for name in options:
            if name not in known:
                has = ", ".join(known) or "no options"
                raise ConfigError(f"the option {name}", where=f"export to {self.name}", needed=f"one of: {has}")
        # A list of keys is checked against the patch's own range, by the export itself.
        return {
            name: value
            if name == "keys" and isinstance(value, list | tuple | range)
            else known[name].check(value, f"export to {self.name}: {name}")
            for name, value in options.items()
        }

    def write(self, patch: Any, out: Path, callbacks: Mapping[str, Any], **options: Any) -> list[Path]:
        """Write a patch, and pass on those callbacks that the function takes."""
        function = self.function()
        takes = inspect.signature(function).parameters
        wired = {name: value for name, value in callbacks.items() if name in takes and value is not None}
        return function(patch, out, **wired, **options)

    def files(self, out: Path) -> list[Path]:
        """Return what is written for a main file or folder: itself, and the files beside it."""
        return [out, *(out.with_name(self.bare(out.name) + suffix) for suffix in self.suffixes[1:])]

    def bare(self, name: str) -> str:
        """Return a name without the kind's suffix: its other files are named after it."""
        first = self.suffixes[0].removesuffix("/")
        return name.removesuffix(first) if name.endswith(first) and name != first else Path(name).stem

    def wrote(self, folder: Path) -> bool:
        """Return whether a folder holds such an export, and nothing else."""
        return self.is_folder and all(any(path.match(mark) for mark in self.marks) for path in folder.iterdir())


def _whole(name: str, meaning: str, default: int | None, low: int, high: int, unit: str = "") -> Parameter:
    return Parameter(name, meaning, default, low, high, unit, kind="whole", optional=default is None)


def _seconds(name: str, meaning: str, high: float, step: float) -> Parameter:
    return Parameter(name, meaning, None, 0, high, "s", step=step, above=True, optional=True)


def _switch(name: str, meaning: str, default: bool) -> Parameter:
    return Parameter(name, meaning, default, kind="switch")


def _choice(name: str, meaning: str, default: int, *choices: int) -> Parameter:
    return Parameter(name, meaning, default, choices=choices, kind="whole")


_WAVETABLE = (
    _whole("frames", "periods to take at most: timbre frames, or where the spectrum changes most", 256, 1, 256),
    _choice("frame_size", "samples a period; all of them read 2048", 2048, 256, 512, 1024, 2048),
    _switch("keep_levels", "let each period be as loud as it is in the sound", False),
    _choice("bits", "bits a sample, 32: floating point", 32, 16, 32),
)
KINDS: dict[str, ExportKind] = {
    kind.name: kind
    for kind in (
        ExportKind(
            "sfz",
            "a sampled instrument for samplers (sfizz, Sforzando, LinuxSampler): NAME.sfz and looped WAVs",
            ("sfz", "export_sfz"),
            ("-sfz/",),
            (
                _whole("keys", "a sample for every so many keys, two octaves either way", None, 1, 24, "keys"),
                _whole("velocities", "velocity layers of each key, softer ones darker", 2, 1, 8, "layers"),
                _seconds("seconds", "length of the samples, if not the sound's own", 120, 0.5),
                _switch("loop", "hold notes by loops", True),
                _seconds("release_s", "release, if not the sound's own", 60, 0.01),
                _whole("sample_rate", "sample rate of the WAVs, if not the patch's own", None, 8000, 192_000, "Hz"),
                _choice("bits", "bits a sample, 32: floating point", 24, 16, 24, 32),
                _switch("dry", "without the patch's effects", False),
            ),
            use="open it in sfizz, Sforzando or any sampler that reads SFZ",
            marks=("*.sfz", "samples"),
            plays_instruments=True,
        ),
        ExportKind(
            "wavetable",
            "single periods for wavetable synthesizers (Vital, Serum, Bitwig), one WAV",
            ("wavetable", "export_wavetable"),
            (".wavetable.wav",),
            _WAVETABLE,
            use="drop it on an oscillator of Vital, Serum or Bitwig",
            needs_pitch=True,
        ),
        ExportKind(
            "wt",
            "single periods in the format of Surge XT, one .wt",
            ("wavetable", "export_wavetable"),
            (".wt",),
            _WAVETABLE,
            use="drop it on a wavetable oscillator of Surge XT",
            needs_pitch=True,
        ),
        ExportKind(
            "midi",
            "its notes, pitch bends and expression, a .mid",
            ("midi", "export_midi"),
            (".mid",),
            (
                Parameter(
                    "tempo", "where the bars lie; notes stay where they are in time", 120, 4, 1000, "beats a minute"
                ),
                _whole("bend_range", "of pitch bends, if not as far as the pitch goes", None, 1, 24, "semitones"),
            ),
            use="open it in a sequencer",
            needs_pitch=True,
        ),
        ExportKind(
            "csv",
            "f0, levels and every partial over time, two tables; and the timbre frames, a third",
            ("tables", "export_csv"),
            (".csv", ".partials.csv", ".frames.csv"),
            (_whole("every", "only each N-th frame", 1, 1, 1000, "frames"),),
        ),
        ExportKind("json", "everything in it, as text", ("tables", "export_json"), (".json",)),
        ExportKind(
            "ir",
            "the impulse response of its room or effects, a WAV for any convolver",
            ("ir", "export_ir"),
            (".ir.wav",),
            use="load it in a convolution reverb",
        ),
        ExportKind(
            "html",
            "a page with the instrument in it: open it in a browser and play",
            ("html", "export_html"),
            (".html",),
            use="open it in a browser and play",
            plays_instruments=True,
        ),
    )
}


def kind_of(name: str) -> ExportKind:
    """Return the kind of that name.

    Raises:
        ConfigError: There is none.
    """
    if name not in KINDS:
        raise ConfigError(f"{name!r}", where="export to", needed="one of: " + ", ".join(KINDS))
    return KINDS[name]
