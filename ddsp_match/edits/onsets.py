"""Find where notes begin, and where their attack ends."""

from __future__ import annotations

import torch
from jaxtyping import Float

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase

RISE_DB = 9.0  # within two frames: nothing but a new note rises that fast
HEARD_DB = 50.0  # what lies farther below the loudest frame is silence
ATTACK_DB, PEAK_S = 1.0, 0.15  # an attack is over when the level rises by no more than that in the time that follows
STRONG_DB = 12.0  # but not before the sound is nearly as strong as it mostly is: a breath before a note is no attack


def level_db(controls: Controls) -> Float[torch.Tensor, " frames"]:
    """The power of the whole sound at each frame, in dB."""
    partials = controls.partial_amplitudes.square().sum((0, 1)) / 2
    noise = controls.noise.square().mean(1).sum(0) if controls.n_bands else torch.zeros(controls.n_frames)
    return 10 * torch.log10((partials + noise).clamp(min=1e-14))


def sounding(level: Float[torch.Tensor, " frames"]) -> tuple[int, int]:
    """The first and the last frame at which a level in dB is not silence."""
    heard = torch.nonzero(level >= level.max() - HEARD_DB).flatten()
    return int(heard[0]), int(heard[-1])


def onsets(controls: Controls, timebase: Timebase) -> list[int]:
    """The first frames of notes that begin suddenly; the first frame of all is not among them."""
    level = level_db(controls)
    if len(level) < 4:
        return []
    rise = torch.zeros_like(level)
    rise[1:-1] = level[2:] - level[:-2]
    heard = torch.zeros_like(level, dtype=torch.bool)
    heard[:-1] = level[1:] > level.max() - HEARD_DB
    found: list[int] = []
    apart = timebase.frame_at(0.05)
    for frame in torch.nonzero((rise > RISE_DB) & heard).flatten().tolist():
        if found and frame - found[-1] < apart:
            if rise[frame] > rise[found[-1]]:
                found[-1] = frame
        else:
            found.append(frame)
    # Of the two or three frames of a rise, the one that jumps: what comes before it is still the note before.
    jump = torch.nn.functional.pad(level.diff(), (1, 0))
    return [first + int(jump[first : first + 3].argmax()) for first in (max(1, frame - 1) for frame in found)]


def same_note(controls: Controls, timebase: Timebase, seconds: float) -> Float[torch.Tensor, "taps frames"]:
    """1 where the neighbour that many frames away belongs to the same note, 0 where an onset or the end lies between.

    Args:
        controls: The sound.
        timebase: Its frame grid.
        seconds: Length of the window that the neighbours lie in, its zeros at both ends left out.
    """
    n = controls.n_frames
    note = torch.zeros(n)
    for frame in onsets(controls, timebase):
        note[frame:] += 1
    half = max(1, round(seconds * timebase.frame_rate / 2)) - 1
    rows = []
    for shift in range(-half, half + 1):
        there = torch.arange(n) + shift
        inside = (there >= 0) & (there < n)
        rows.append((inside & (note[there.clamp(0, n - 1)] == note)).float())
    return torch.stack(rows)


def attack_frames(controls: Controls, timebase: Timebase) -> int:
    """The frame at which the attack of the first note is over.

    Args:
        controls: The sound.
        timebase: Its frame grid.
    """
    level = level_db(controls)
    start, _ = sounding(level)
    later = [frame for frame in onsets(controls, timebase) if frame > start + timebase.frame_at(0.1)]
    level = level[start : later[0] if later else None]
    soon = timebase.frame_at(PEAK_S)
    ahead = torch.nn.functional.pad(level, (0, soon - 1), value=-torch.inf).unfold(0, soon, 1).amax(1)
    # By most of the sound: what is louder for a moment, and later, is an accent.
    strong = level >= level[level > level.max() - HEARD_DB].quantile(0.9) - STRONG_DB
    first = int(((level >= ahead - ATTACK_DB) & strong).nonzero()[0])
    return start + first + int(level[first : first + soon].argmax())
