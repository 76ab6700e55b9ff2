"""Longer or shorter, with attacks at the speed they had."""

from __future__ import annotations

import torch
from jaxtyping import Float

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.edits.onsets import attack_frames, onsets
from ddsp_match.edits.separate import complex_partials, from_partials, separate
from ddsp_match.edits.warp import warp

# From the attack as it was to the sound that is played at another speed. The frames after the loudest one are the
# attack's, too: its partials beat, and the waveform may peak a little later than they do.
AFTER_FRAMES, FADE_FRAMES = 5, 4
LATER_ATTACK_S = 0.08  # of notes after the first, together with the moment before them
MOST = 0.6  # of the outcome may be attack


def stretch(controls: Controls, timebase: Timebase, factor: float) -> Controls:
    """The same sound, `factor` times as long, at the same pitch.

    The attack is played as it was, waveform and all, and further onsets at the speed they had; what lies between takes
    up the change.

    Args:
        controls: Any controls: they are separated here, but for the first attack.
        timebase: Their frame grid.
        factor: Length of the outcome over that of the sound, > 0.

    Returns:
        Controls of ``round((frames - 1) * factor) + 1`` frames.
    """
    last = controls.n_frames - 1
    out = max(1, round(last * factor))
    positions, attack = time_map(controls, timebase, out)
    played = warp(separate(controls, timebase), timebase, positions)
    whole = attack + FADE_FRAMES
    if attack == 0 or whole > out or controls.phases is None:
        return played
    fade = torch.ones(whole + 1)
    fade[attack:] = torch.linspace(1, 0, FADE_FRAMES + 1)
    ours, theirs = complex_partials(controls)[..., : whole + 1], complex_partials(played)
    mixed = theirs.new_zeros(len(theirs), max(ours.shape[1], theirs.shape[1]), theirs.shape[2])
    mixed[:, : theirs.shape[1]] = theirs
    mixed[..., : whole + 1] *= 1 - fade
    mixed[:, : ours.shape[1], : whole + 1] += ours * fade
    noise = played.noise.clone()
    early = controls.noise[..., : whole + 1].square() * fade + noise[..., : whole + 1].square() * (1 - fade)
    noise[..., : whole + 1] = early.sqrt()
    return from_partials(played, mixed, noise=noise)


def time_map(controls: Controls, timebase: Timebase, out: int) -> tuple[Float[torch.Tensor, " out"], int]:
    """Where to read at each frame of a sound of ``out + 1`` frames, and the frames of the first attack.

    Args:
        controls: The sound.
        timebase: Its frame grid.
        out: Frames of the outcome, less one.
    """
    last = controls.n_frames - 1
    attack = attack_frames(controls, timebase)
    attack = attack + AFTER_FRAMES if attack else 0
    if attack + FADE_FRAMES > MOST * min(out, last):
        attack = 0
    held = torch.zeros(last, dtype=torch.bool)  # the intervals that keep their length
    later = timebase.frame_at(LATER_ATTACK_S)
    for onset in onsets(controls, timebase):
        held[max(0, onset - 2) : onset + later] = True
    if int(held.sum()) + attack + FADE_FRAMES > MOST * min(out, last):
        held[:] = False
    if attack:
        held[: attack + FADE_FRAMES] = True
    kept = int(held.sum())
    lengths = torch.where(held, 1.0, (out - kept) / max(1, last - kept)).double()
    times = torch.nn.functional.pad(lengths.cumsum(0), (1, 0))
    times = times * (out / times[-1])
    j = torch.arange(out + 1, dtype=torch.float64)
    i = torch.searchsorted(times, j, right=True).clamp(1, last) - 1
    return (i + (j - times[i]) / (times[i + 1] - times[i]).clamp(min=1e-12)).clamp(0, last), attack
