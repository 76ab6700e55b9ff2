"""An instrument from several fits, and what its keys play."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ddsp_match.core.audio import Audio
from ddsp_match.core.errors import ConfigError, PitchError
from ddsp_match.core.files import check_files, claimed
from ddsp_match.edits.instrument import USUAL_S, USUAL_VELOCITY, Instrument
from ddsp_match.edits.kinds import LONGEST_S
from ddsp_match.edits.tones import best_of
from ddsp_match.patch import Patch
from ddsp_match.tasks.render import render

Source = Instrument | Patch | str | Path


def instrument(
    *sources: Source, notes: Sequence[int] | None = None, out: str | Path | None = None, force: bool = False
) -> Instrument:
    """Builds an instrument from the notes of one or more fits.

    Each patch brings its notes: one, or those of its phrase. Notes at one pitch and of different levels are what
    velocity goes through; a key between two pitches plays what lies between their notes.

    Args:
        sources: Patches, instruments, or the paths of their files; of one sample rate and as many channels each.
        notes: Numbers of the notes to take, counted from 1 through all sources; by default all of them.
        out: Patch file to write.
        force: Replace a file that exists.

    Returns:
        The instrument.

    Raises:
        PatchError: A file is no patch that can be read.
        PitchError: A patch has no pitch.
        ConfigError: The patches do not fit together, or there is no note of that number.
        OutputError: `out` exists already, or cannot be written.

    Example:
        >>> sax = ddsp_match.instrument("piano.patch.safetensors", "forte.patch.safetensors")
        >>> sax.note(60, velocity=90, seconds=3.0)
    """
    places = [] if out is None else [Path(out)]
    with claimed(*places):
        check_files(*places, force=force)
        whole = _joined([_loaded(source) for source in sources])
        for patch in whole.patches:
            if patch.pitch_hz is None:
                where = str(patch.provenance.get("sound") or "instrument")
                hint = "a fit with its note (f0=constant f0.hz=220), if you hear one"
                raise PitchError("a sound without a pitch", where=where, needed="patches with a note each", hint=hint)
        whole = whole if notes is None else whole.choosing(notes)
        for place in places:
            whole.save(place)
    return whole


def play_note(
    source: Source,
    midi: float | None = None,
    velocity: float = USUAL_VELOCITY,
    seconds: float = USUAL_S,
    *,
    notes: Sequence[int] | None = None,
    **rendering: Any,
) -> Audio:
    """Plays one key of an instrument, or of a patch whose notes are one.

    Args:
        source: An instrument, a patch, or the path of a file of one.
        midi: The MIDI note, fractions allowed; by default that of the note which can be held longest.
        velocity: 1 to 127; 102 is as loud as the loudest note of the instrument.
        seconds: How long the key is down; what dies away by itself may be over before.
        notes: Numbers of the notes to play it from, counted from 1; by default all of them.
        rendering: ``out``, ``stems``, ``subtype``, ``force``, ``dry``, ``effects_from``, ``sample_rate``,
            ``noise_seed`` and ``on_note`` of `render`.

    Returns:
        The sound.

    Raises:
        PatchError: The file is no patch that can be read.
        ConfigError: A value out of range, or there is no note of that number.
        OutputError: The file to write exists already, or cannot be written.
    """
    for name, value, low, high in (
        ("midi", midi, 0, 127), ("velocity", velocity, 1, 127), ("seconds", seconds, 0, LONGEST_S),
    ):  # fmt: skip
        if value is not None and not low <= value <= high:
            raise ConfigError(f"{value:g}", where=name, needed=f"{low:g} to {high:g}")
    played = _loaded(source)
    played = played if notes is None else played.choosing(notes)
    key = best_of(played.tones).pitch if midi is None else midi
    return render(played.note(key, velocity, seconds), **rendering)


def _loaded(source: Source) -> Instrument:
    if isinstance(source, Instrument):
        return source
    return Instrument.of([source]) if isinstance(source, Patch) else Instrument.load(source)


def _joined(parts: Sequence[Instrument]) -> Instrument:
    if len(parts) == 1:
        return parts[0]
    return Instrument.of([p for one in parts for p in one.patches], [n for one in parts for n in one.chosen])
