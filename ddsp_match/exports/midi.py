"""A patch's notes as a MIDI file."""

from __future__ import annotations

from pathlib import Path

from ddsp_match.core.callbacks import OnNote
from ddsp_match.core.errors import ConfigError, PitchError
from ddsp_match.dsp.notes import note_words
from ddsp_match.edits.notes import notes
from ddsp_match.exports.formats import midi
from ddsp_match.patch import Patch


def export_midi(
    patch: Patch,
    out: Path,
    *,
    tempo: float = midi.TEMPO_BPM,
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
        ConfigError: The tempo is out of range.
        PitchError: The patch has no pitch, or nothing in it can be heard.
    """
    slowest, fastest = midi.TEMPOS_BPM
    if not slowest <= tempo <= fastest:
        needed = f"{slowest} to {fastest} quarter notes a minute"
        raise ConfigError(f"a tempo of {tempo:g}", where="export to midi", needed=needed)
    check_follows_pitch(patch, "midi")
    reach = midi.WIDEST_BEND if bend_range is None else bend_range
    found = notes(patch.controls, patch.timebase, reach)
    if not found:
        raise PitchError(
            "nothing with a pitch that can be heard",
            where="export to midi",
            needed="a note of 40 ms or more",
            hint="--to csv, which has the f0 and the levels of every frame",
        )
    span = midi.bend_range_for(found) if bend_range is None else bend_range
    name = out.stem
    written = midi.midi_bytes(found, patch.timebase, span, name=name, seconds=patch.seconds, tempo_bpm=tempo)
    out.write_bytes(written)
    if on_note is not None:
        count = f"{len(found)} note{'s' if len(found) > 1 else ''}"
        unusual = "" if span == midi.BEND_RANGE else ": set the instrument to it if it ignores RPN 0"
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
        found, hint = "a sound without a pitch", "a fit with --midi or --f0, if you hear one"
    else:
        found = f"a sound at {note_words(patch.pitch_hz)} whose partials lie on a steady grid"
        hint = "a fit with synth.grid=f0"
    needed, hint = "a patch that follows its pitch", f"{hint}; or --to sfz, which plays any sound"
    raise PitchError(found, where=f"export to {kind}", needed=needed, hint=hint)
