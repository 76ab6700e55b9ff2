"""The impulse response of a patch's room or effects, for any convolver."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float

from ddsp_match.core import audio
from ddsp_match.core.audio import Audio
from ddsp_match.core.callbacks import OnNote
from ddsp_match.core.errors import PROCESS, ROOM, ConfigError
from ddsp_match.effects.chain import Serial, share
from ddsp_match.effects.rack import Rack
from ddsp_match.patch import Patch

SHORTEST_S, LONGEST_S = 0.25, 32.0
END_DB = -120.0  # below the peak, mostly the direct sound's: where it ends


def export_ir(patch: Patch, out: Path, *, on_note: OnNote | None = None) -> list[Path]:
    """Writes what comes out of a patch's effects when a single 1 goes in, as float WAV.

    The direct sound is its first sample, so a convolver plays it all wet. Of a stereo patch both channels are
    struck at once. Effects that have no impulse response (clippers, compressors, modulation) are left out, and said.

    Args:
        patch: One with effects.
        out: The WAV to write.
        on_note: Told what was left out.

    Returns:
        What was written.

    Raises:
        ConfigError: The patch has no effects, or none that an impulse response could tell.
    """
    if patch.effects is None:
        raise ConfigError(
            "a patch without effects",
            where="export to ir",
            needed="a patch with a room",
            cures=[ROOM],
        )
    response, left_out = impulse_response(patch.effects, patch.channels, patch.timebase.sample_rate)
    if on_note is not None and left_out:
        on_note(f"left out, as no impulse response tells what it does: {', '.join(left_out)}")
    notes = audio.write(out, response, "FLOAT")
    for note in notes:
        if on_note is not None:
            on_note(note)
    return [out]


def impulse_response(rack: Rack, channels: int = 1, sample_rate: int | None = None) -> tuple[Audio, list[str]]:
    """The impulse response of those effects of a row that have one, and the names of those that have not.

    Args:
        rack: The effects.
        channels: 1 or 2.
        sample_rate: In Hz, of those whose knobs hold at any; by default the one they were found at.

    Raises:
        ConfigError: None of the effects has one.
    """
    whole = rack.chain if isinstance(rack.chain, Serial) else Serial((rack.chain,))
    prefix = "" if whole is rack.chain else f"{whole.named[0][0]}."
    knobs = {prefix + name: value for name, value in rack.knobs.items()}
    kept = [(name, part) for name, part in whole.named if part.linear]
    left_out = [name for name, part in whole.named if not part.linear]
    if not kept:
        raise ConfigError(
            f"only effects that have no impulse response: {', '.join(left_out) or 'none at all'}",
            where="export to ir",
            needed="a reverb, a delay or a filter",
            cures=[PROCESS],
        )
    row = Serial(tuple(part for _, part in kept))
    values = {
        f"{new}.{name}": value
        for (new, _), (old, _) in zip(row.named, kept, strict=True)
        for name, value in share(knobs, f"{old}.").items()
    }
    rate = rack.sample_rate if row.rate_bound or sample_rate is None else sample_rate
    linear = Rack(row, values, rack.sample_rate, rack.polarity)
    seconds = SHORTEST_S
    while True:
        played = _struck(linear, rate, channels, round(seconds * rate))
        end = _end(played)
        if end < 0.75 * played.shape[1] or seconds >= LONGEST_S:
            return Audio(played[:, :end].astype(np.float32), rate), left_out
        seconds *= 2


def _struck(rack: Rack, rate: int, channels: int, n_samples: int) -> Float[np.ndarray, "channels samples"]:
    impulse = np.zeros((channels, n_samples))
    impulse[:, 0] = 1.0
    return rack.process(impulse, rate)


def _end(response: Float[np.ndarray, "channels samples"]) -> int:
    """Samples up to the last that is not far below the peak; one at least."""
    size = np.abs(response).max(0)
    audible = np.flatnonzero(size > size.max() * 10 ** (END_DB / 20))
    return int(audible[-1]) + 1 if len(audible) else 1
