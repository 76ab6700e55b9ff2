"""A patch as voices: what a browser's synthesizer is given to play it as it is, and from a keyboard."""

from __future__ import annotations

from typing import Any

from ddsp_match.core.callbacks import OnNote
from ddsp_match.core.errors import ConfigError
from ddsp_match.dsp.notes import midi_of
from ddsp_match.edits.hold import find_loop, has_sustain
from ddsp_match.edits.onsets import attack_frames
from ddsp_match.edits.separate import separate
from ddsp_match.exports.ir import impulse_response
from ddsp_match.exports.web.voice import voice
from ddsp_match.patch import Patch

MIDDLE_C = 60.0  # the key that plays a sound without a pitch as it is


def voices(patch: Patch, name: str, *, on_note: OnNote | None = None) -> dict[str, dict[str, Any]]:
    """The two voices of a patch.

    Args:
        patch: Mono or stereo.
        name: What it is called.
        on_note: Told of effects that a page cannot play.

    Returns:
        ``sound``, which plays every frame as it is, and ``keys``, separated, with a loop where it has a sustain.

    Raises:
        ConfigError: More than two channels.
    """
    if patch.channels > 2:
        raise ConfigError(f"{patch.channels} channels", where=name, needed="one or two, for a page to play")
    root_midi = MIDDLE_C if patch.pitch_hz is None else midi_of(patch.pitch_hz)
    common: dict[str, Any] = {"name": name, "root_midi": root_midi, "offset": patch.offset, **_room(patch, on_note)}
    given = (patch.timebase, patch.n_samples, patch.noise_seed)
    apart = separate(patch.controls, patch.timebase)
    loop = find_loop(apart, patch.timebase) if has_sustain(apart, patch.timebase) else None
    attack = attack_frames(apart, patch.timebase)
    return {
        "sound": voice(patch.controls, *given, **common),
        "keys": voice(apart, *given, loop=loop, attack=attack, **common),
    }


def _room(patch: Patch, on_note: OnNote | None) -> dict[str, Any]:
    """The impulse response of the effects, as far as they have one."""
    if patch.effects is None:
        return {}
    parts = getattr(patch.effects.chain, "parts", (patch.effects.chain,))
    left_out = [part.name or "chain" for part in parts if not part.linear]
    if left_out and on_note is not None:
        on_note(f"left out, as a page plays only what an impulse response tells: {', '.join(left_out)}")
    if len(left_out) == len(parts):
        return {}
    response, _ = impulse_response(patch.effects, patch.channels, patch.timebase.sample_rate)
    return {"response": response.samples, "response_rate": response.sample_rate}
