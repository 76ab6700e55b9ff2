"""A patch's notes as a MIDI file."""

from __future__ import annotations

from pathlib import Path

from ddsp_match.analysis.contour import NO_PITCH_HZ
from ddsp_match.edits.notes import notes
from ddsp_match.errors import ConfigError, PitchError
from ddsp_match.formats import midi
from ddsp_match.patch import Patch
from ddsp_match.tasks.process import OnNote


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
    if on_steady_grid(patch):
        raise PitchError(
            "a sound in which no pitch was found when it was fitted",
            where="export to midi",
            needed="a patch that follows an f0",
            hint="a fit with --midi or --f0, or with synth.grid=f0, if you hear a pitch",
        )
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


def on_steady_grid(patch: Patch) -> bool:
    """Whether no pitch was found when a patch was fitted: f0 stands still where a fit then puts it.

    That is half the frame rate where steady partials play the sound, and `NO_PITCH_HZ` where noise does.
    """
    f0_hz = patch.controls.f0_hz
    if patch.controls.divisions != 1 or bool((f0_hz != f0_hz[:, :1]).any()):
        return False
    moved = sum(float(edit.get("semitones", 0)) for edit in patch.provenance.get("edits", []))
    fitted_hz = float(f0_hz[0, 0]) / 2 ** (moved / 12)
    return any(abs(fitted_hz / hz - 1) < 1e-4 for hz in (patch.timebase.frame_rate / 2, NO_PITCH_HZ))
