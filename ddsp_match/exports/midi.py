"""A patch's notes as a MIDI file: keys, velocities, pitch bends that follow f0, expression that follows loudness."""

from __future__ import annotations

import math
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from mido import Message, MetaMessage, MidiFile, MidiTrack, bpm2tempo, second2tick

from ddsp_match.core.callbacks import OnNote
from ddsp_match.core.errors import PitchError
from ddsp_match.core.timebase import Timebase
from ddsp_match.dsp.notes import note_words
from ddsp_match.edits.notes import Note, notes
from ddsp_match.patch import Patch

TICKS_PER_BEAT = 960
TEMPO_BPM = 120.0
BEND_RANGE = 2  # semitones: what instruments have unless told otherwise
WIDEST_BEND = 24  # what instruments can be told to have
LOUDEST_DB = -3.0  # A-weighted: velocity 127 is a sine at full scale
# Velocity and expression by the recommendation of General MIDI: a level is 40 log10(value / 127) dB. An SFZ that
# follows velocity wholly, and our keyboard in the browser, play by the same square law.
DB_PER_DECADE = 40.0
EXPRESSION, RPN_LSB, RPN_MSB, DATA_LSB, DATA_MSB = 11, 100, 101, 38, 6


def export_midi(
    patch: Patch,
    out: Path,
    *,
    tempo: float = TEMPO_BPM,
    bend_range: int | None = None,
    on_note: OnNote | None = None,
) -> list[Path]:
    """Writes the notes of a patch, with pitch bends that follow its f0 and expression that follows its loudness.

    Args:
        patch: One with a pitch.
        out: The ``.mid`` to write.
        tempo: Quarter notes a minute, 4 to 1000: where the bars of a sequencer lie. The notes are where they are in
            time at any tempo.
        bend_range: Of the pitch bends, in semitones, 1 to 24; notes that bend farther are split. None: 2, or as far as
            the notes need it, up to 24.
        on_note: Told how many notes there are, and when the range is not the usual one.

    Returns:
        What was written.

    Raises:
        PitchError: The patch has no pitch, or nothing in it can be heard.
    """
    check_follows_pitch(patch, "midi")
    reach = WIDEST_BEND if bend_range is None else bend_range
    found = notes(patch.controls, patch.timebase, reach)
    if not found:
        raise PitchError(
            "nothing with a pitch that can be heard",
            where="export to midi",
            needed="a note of 40 ms or more",
            hint="an export to csv, which has the f0 and the levels of every frame",
        )
    span = bend_range_for(found) if bend_range is None else bend_range
    name = out.stem
    written = midi_bytes(found, patch.timebase, span, name=name, seconds=patch.seconds, tempo_bpm=tempo)
    out.write_bytes(written)
    if on_note is not None:
        count = f"{len(found)} note{'s' if len(found) > 1 else ''}"
        unusual = "" if span == BEND_RANGE else ": set the instrument to it if it ignores RPN 0"
        on_note(f"{count} at {tempo:g} beats a minute, pitch bends of ±{span} semitones{unusual}")
    return [out]


def check_follows_pitch(patch: Patch, kind: str) -> None:
    """Makes sure that f0 is the pitch that is heard: only then are there notes and periods to write.

    Raises:
        PitchError: The sound has no pitch, or its partials do not lie at multiples of it.
    """
    if patch.follows_pitch:
        return
    if patch.pitch_hz is None:
        found, hint = "a sound without a pitch", "a fit with its note (f0=constant f0.hz=220), if you hear one"
    else:
        found = f"a sound at {note_words(patch.pitch_hz)} whose partials lie on a steady grid"
        hint = "a fit with synth.grid=f0"
    needed, hint = "a patch that follows its pitch", f"{hint}; or an export to sfz, which plays any sound"
    raise PitchError(found, where=f"export to {kind}", needed=needed, hint=hint)


def bend_range_for(notes: Sequence[Note]) -> int:
    """The whole number of semitones that all bends fit into: 2, unless one goes farther; at most 24."""
    farthest = max((float(np.abs(note.bend).max()) for note in notes), default=0.0)
    return min(max(BEND_RANGE, math.ceil(farthest)), WIDEST_BEND)


def midi_bytes(
    notes: Sequence[Note],
    timebase: Timebase,
    bend_range: int,
    *,
    name: str = "",
    seconds: float = 0.0,
    tempo_bpm: float = TEMPO_BPM,
    channel: int = 0,
) -> bytes:
    """A MIDI file of one track.

    Args:
        notes: In order, one at a time; with bends of at most `bend_range`.
        timebase: Their frames.
        bend_range: In semitones, 1 to 24; the file tells the instrument (RPN 0).
        name: Of the track.
        seconds: Length of the sound, at which the track ends.
        tempo_bpm: Quarter notes a minute, 4 to 1000: a slower one does not fit into the three bytes of the file.
        channel: 0 to 15.
    """
    events: list[tuple[int, int, Message]] = []  # tick, order within it, message

    tempo = bpm2tempo(tempo_bpm)  # whole microseconds a beat, as the file has it

    def tick(frame: int) -> int:
        return second2tick(timebase.centre(frame) / timebase.sample_rate, TICKS_PER_BEAT, tempo)

    def say(frame: int, order: int, kind: str, **values: Any) -> None:
        events.append((tick(frame), order, Message(kind, channel=channel, **values)))

    ready = [(RPN_MSB, 0), (RPN_LSB, 0), (DATA_MSB, bend_range), (DATA_LSB, 0), (RPN_MSB, 127), (RPN_LSB, 127)]
    for order, (control, value) in enumerate(ready, -len(ready)):
        events.append((0, order, Message("control_change", channel=channel, control=control, value=value)))
    last_bend = last_level = None
    for note in notes:
        peak_db = float(note.loudness_db.max())
        for frame, bend, loudness in zip(range(note.first, note.last), note.bend, note.loudness_db, strict=True):
            code = _bend_code(float(bend), bend_range)
            if code != last_bend:
                say(frame, 1, "pitchwheel", pitch=code)
                last_bend = code
            level = _curve(float(loudness) - peak_db, lowest=0)
            if level != last_level:
                say(frame, 1, "control_change", control=EXPRESSION, value=level)
                last_level = level
        say(note.first, 2, "note_on", note=note.key, velocity=_curve(peak_db - LOUDEST_DB, lowest=1))
        say(note.last, 0, "note_off", note=note.key, velocity=64)
    if last_bend:
        say(notes[-1].last, 3, "pitchwheel", pitch=0)
    track = MidiTrack([MetaMessage("track_name", name=_latin(name)), MetaMessage("set_tempo", tempo=tempo)])
    now = 0
    for at, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=at - now))
        now = at
    end = second2tick(seconds, TICKS_PER_BEAT, tempo)
    track.append(MetaMessage("end_of_track", time=max(0, end - now)))
    file = MidiFile(type=0, ticks_per_beat=TICKS_PER_BEAT)
    file.tracks.append(track)
    written = BytesIO()
    file.save(file=written)
    return written.getvalue()


def _bend_code(semitones: float, bend_range: int) -> int:
    """The 14-bit value, -8192 to 8191, of a bend: 8192 is the whole range."""
    return int(np.clip(round(semitones / bend_range * 8192), -8192, 8191))


def _curve(level_db: float, lowest: int) -> int:
    """A controller's value for a level relative to its 127."""
    return int(np.clip(round(127 * 10 ** (level_db / DB_PER_DECADE)), lowest, 127))


def _latin(name: str) -> str:
    """A name in the letters that MIDI files have."""
    return name.encode("latin-1", "replace").decode("latin-1")
