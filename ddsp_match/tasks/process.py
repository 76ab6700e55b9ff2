"""Run a sound through effects with the settings that a patch holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ddsp_match.core import audio
from ddsp_match.core.audio import Audio, sound_of
from ddsp_match.core.callbacks import OnNote
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.files import check_files, claimed
from ddsp_match.effects.rack import Rack
from ddsp_match.patch import load_rack
from ddsp_match.patch.playing import through

Effects = Rack | str | Path


def process(
    sound: Audio | str | Path | Any,
    effects: Effects | Sequence[Effects],
    sample_rate: int | None = None,
    *,
    out: str | Path | None = None,
    block: int | None = None,
    subtype: str | None = None,
    force: bool = False,
    on_note: OnNote | None = None,
) -> Audio:
    """Runs a sound through effects, one patch after the other.

    Args:
        sound: `Audio`, the path of a sound file, or an array ``(samples,)`` or ``(channels, samples)``.
        effects: A rack or the path of a patch file, or several of them in a row. Of a fit only the effects are taken.
        sample_rate: Of an array, in Hz.
        out: Sound file to write.
        block: Samples that are played at a time, as in a live setting; None plays the whole at once, or in large
            blocks where it is long. The result is the same to 1e-5.
        subtype: Sample format of the file: ``FLOAT``, ``PCM_24`` or ``PCM_16``; None takes the best that it holds.
        force: Replace a file that exists.
        on_note: Told what a user should know: resampling, clipping.

    Returns:
        The sound that comes out, with the rate, the length and the channels of what went in.

    Raises:
        SoundError: The sound cannot be read.
        PatchError: A file is no patch that can be read, or has no effects.
        ConfigError: `block` is less than one sample.
        OutputError: `out` exists already, or cannot be written.

    Example:
        >>> ddsp_match.process("guitar.wav", "outputs/wet-effect/wet.patch.safetensors", out="processed.wav")
    """
    say = on_note or (lambda _: None)
    if block is not None and block < 1:
        raise ConfigError(f"{block}", where="block", needed="a whole number of samples, 1 or more")
    several = [effects] if isinstance(effects, Rack | str | Path) else list(effects)
    places = [] if out is None else [Path(out)]
    with claimed(*places):
        check_files(*places, force=force)
        racks = [entry if isinstance(entry, Rack) else load_rack(entry) for entry in several]
        audio_out, notes = sound_of(sound, sample_rate)
        for note in notes:
            say(note)
        for rack in racks:
            audio_out = through(rack, audio_out, block=block, on_note=say)
        for place in places:
            for note in audio.write(place, audio_out, subtype):
                say(note)
    return audio_out
