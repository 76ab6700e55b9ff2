"""Where notes begin, and when their attack is over."""

from __future__ import annotations

import torch
from jaxtyping import Float

from ddsp_match.controls import Controls
from ddsp_match.timebase import Timebase

RISE_DB = 9.0  # within two frames: nothing but a new note rises that fast
HEARD_DB = 50.0  # an onset farther below the loudest frame is not one
ATTACK_DB = 1.0  # that little below the loudest frame the attack is as good as over
PEAK_S = 0.15  # a loudest frame so soon after belongs to it, too


def level_db(controls: Controls) -> Float[torch.Tensor, " frames"]:
    """The power of the whole sound at each frame, in dB."""
    partials = controls.partial_amplitudes.square().sum((0, 1)) / 2
    noise = controls.noise.square().mean(1).sum(0) if controls.n_bands else torch.zeros(controls.n_frames)
    return 10 * torch.log10((partials + noise).clamp(min=1e-14))


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
    start = int((level >= level.max() - HEARD_DB).nonzero()[0])
    later = [frame for frame in onsets(controls, timebase) if frame > start + timebase.frame_at(0.1)]
    level = level[: later[0] if later else None]
    first = int((level >= level.max() - ATTACK_DB).nonzero()[0])
    return first + int(level[first : first + timebase.frame_at(PEAK_S)].argmax())
