"""Edits of time: trim, fade, hold, freeze, stretch."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import torch
from jaxtyping import Float

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.edits.loops import Loop, best_jump, find_loop
from ddsp_match.edits.onsets import attack_frames, onsets
from ddsp_match.edits.separate import from_partials, separate
from ddsp_match.edits.warp import warp
from ddsp_match.synth.harmonic_noise import complex_amplitudes

Curve = Literal["linear", "cosine", "exponential"]
CROSSFADE_S = 0.1  # of spectra and levels where a loop jumps; phases run on by themselves
EDGE_S = 0.02  # fades where a sound is cut
QUIET_DB = 60.0  # how far down an exponential fade starts and ends
# From the attack as it was to the sound that is played at another speed. The frames after the loudest one are the
# attack's, too: its partials beat, and the waveform may peak a little later than they do.
AFTER_FRAMES, FADE_FRAMES = 5, 4
LATER_ATTACK_S = 0.08  # of notes after the first, together with the moment before them
MOST = 0.6  # of the outcome may be attack


def trim(controls: Controls, timebase: Timebase, start_s: float = 0.0, stop_s: float = math.inf) -> Controls:
    """Cut a sound from one time to another; both are moved to the nearest frame. Needs no separation.

    Phases are relative to the running phase of f0, which starts anew at the cut: they are turned by what it has run.
    """
    last = controls.n_frames - 1
    first = min(max(timebase.frame_at(start_s), 0), last - 1)
    stop = last if stop_s == math.inf else min(max(timebase.frame_at(stop_s), first + 1), last)
    if (first, stop) == (0, last):
        return controls
    cut = slice(first, stop + 1)
    phases = controls.phases
    if first > 0:
        base_hz = controls.base_hz[:, : first + 1].double()
        cycles = ((base_hz[:, :-1] + base_hz[:, 1:]) / 2 * timebase.hop / timebase.sample_rate).sum(1)
        # The running phase sums f0 at the samples from the left, half a step short of the trapezoid.
        cycles = cycles + (base_hz[:, 0] - base_hz[:, -1]) / 2 / timebase.sample_rate
        numbers = torch.arange(1, controls.n_partials + 1, dtype=torch.float64)
        turned = (2 * math.pi * (cycles.unsqueeze(1) * numbers).remainder(1.0)).unsqueeze(2)
        phases = turned if phases is None else turned + phases
        phases = torch.atan2(phases.sin(), phases.cos()).float()
        phases = phases.expand(-1, -1, controls.n_frames)
    return replace(
        controls,
        f0_hz=controls.f0_hz[:, cut],
        amplitude=controls.amplitude[:, cut],
        distribution=controls.distribution[..., cut],
        noise=controls.noise[..., cut],
        phases=None if phases is None else phases[..., cut].contiguous(),
    )


def fade(
    controls: Controls, timebase: Timebase, in_s: float = 0.0, out_s: float = 0.0, curve: Curve = "cosine"
) -> Controls:
    """Fades in from silence and out to it, in `in_s` and `out_s` seconds. Needs no separation.

    Args:
        controls: Any.
        timebase: Frame grid.
        in_s: Length of the fade at the beginning; 0 for none.
        out_s: Length of the fade at the end; 0 for none.
        curve: Of the amplitude: a straight line, half a cosine, or a straight line in dB over 60 dB.
    """
    if in_s <= 0 and out_s <= 0:
        return controls
    seconds = torch.arange(controls.n_frames, dtype=torch.float64) / timebase.frame_rate
    gain = torch.ones_like(seconds)
    for length, ahead in ((in_s, seconds), (out_s, seconds[-1] - seconds)):
        if length > 0:
            gain = gain * shape((ahead / length).clamp(0, 1), curve)
    gain = gain.float()
    return replace(controls, amplitude=controls.amplitude * gain, noise=controls.noise * gain)


def shape(share: torch.Tensor, curve: Curve) -> torch.Tensor:
    """The gain of a fade, 0 to 1, at a share of its way."""
    if curve == "linear":
        return share
    if curve == "cosine":
        return 0.5 - 0.5 * torch.cos(math.pi * share)
    if curve == "exponential":
        return torch.where(share > 0, 10 ** (QUIET_DB / 20 * (share - 1)), 0.0)
    raise ValueError(f"no fade curve {curve!r}")


def hold(controls: Controls, timebase: Timebase, seconds: float, loop: Loop | None = None) -> Controls:
    """Holds the sustain so that the whole is `seconds` long; attack and release sound as they were.

    A longer sound goes back in its sustain, as often as needed and always by the same way; a shorter one leaves a
    piece out. Spectra and levels are crossfaded there; phases run on by themselves, so nothing clicks.

    Args:
        controls: Separated controls.
        timebase: Frame grid.
        seconds: Of the whole.
        loop: First and last frame of what may be repeated; by default the best is looked for.
    """
    last = controls.n_frames - 1
    out = max(1, timebase.frame_at(seconds))
    missing = out - last
    if missing == 0:
        return controls
    if missing < 0 and -missing > last - 1 - attack_frames(controls, timebase):
        return fade(trim(controls, timebase, 0.0, seconds), timebase, out_s=min(EDGE_S, seconds / 2))
    if missing < 0:
        jumps, lag = 1, missing
        at = best_jump(controls, timebase, -missing)[0]
    elif loop is not None:
        jumps = math.ceil(missing / (loop[1] - loop[0]))
        lag, at = missing / jumps, loop[1]
    else:
        first, end = find_loop(controls, timebase, missing)
        jumps = math.ceil(missing / (end - first))
        lag, at = missing / jumps, end
    lags = [round((jump + 1) * lag) - round(jump * lag) for jump in range(jumps)]
    positions, other, weight = jumping(at, lags, out, last, timebase)
    return warp(controls, timebase, positions, other=other, weight=weight)


def freeze(controls: Controls, timebase: Timebase, at_s: float, seconds: float | None = None) -> Controls:
    """One moment of a sound, standing still: the spectrum, noise and f0 of `at_s` for `seconds`.

    Args:
        controls: Separated controls.
        timebase: Frame grid.
        at_s: The moment.
        seconds: How long; by default as long as the sound was.
    """
    moment = min(max(at_s * timebase.frame_rate, 0.0), controls.n_frames - 1.0)
    out = controls.n_frames - 1 if seconds is None else max(1, timebase.frame_at(seconds))
    still = warp(controls, timebase, torch.full((out + 1,), moment, dtype=torch.float64))
    edge = min(EDGE_S, out / timebase.frame_rate / 2)
    return fade(still, timebase, edge, edge)


def jumping(
    at: int, lags: list[int], out: int, last: int, timebase: Timebase, crossfade_s: float = CROSSFADE_S
) -> tuple[torch.Tensor, ...]:
    """Positions that run on but for jumps by `lags` (back; ahead where below 0) from the frame `at`.

    Args:
        at: The frame of the sound from which all jumps go.
        lags: How far each of them goes, in frames.
        out: Frames of the outcome, less one.
        last: The last frame of the sound.
        timebase: Frame grid.
        crossfade_s: Length of a blend before each jump, where the sound has room for it.

    Returns:
        Positions in frames, those that are blended in, and how much of them.
    """
    frames = torch.arange(out + 1, dtype=torch.float64)
    positions, other, weight = frames.clone(), frames.clone(), torch.zeros_like(frames)
    went = 0
    for lag in lags:
        jump = at + went  # the frame of the output at which the source is at `at`
        positions[jump:] = frames[jump:] - went - lag
        room = min(lag, at - lag) if lag > 0 else min(at, last - at + lag)
        length = max(1, min(timebase.frame_at(crossfade_s), room, jump))
        fading = slice(jump - length, jump)
        other[jump:] = positions[jump:]
        other[fading] = positions[fading] - lag
        weight[fading] = shape(torch.arange(length, dtype=torch.float64) / length, "cosine")
        went += lag
    return positions.clamp(0, last), other.clamp(0, last), weight


def stretch(controls: Controls, timebase: Timebase, factor: float, separated: Controls | None = None) -> Controls:
    """The same sound, `factor` times as long, at the same pitch.

    The attack is played as it was, waveform and all, and further onsets at the speed they had; what lies between takes
    up the change.

    Args:
        controls: Any controls, of which the first attack is kept.
        timebase: Their frame grid.
        factor: Length of the outcome over that of the sound, > 0.
        separated: The same with tone and noise separated, of which the rest is made; None separates them.

    Returns:
        Controls of ``round((frames - 1) * factor) + 1`` frames.
    """
    last = controls.n_frames - 1
    out = max(1, round(last * factor))
    positions, attack = time_map(controls, timebase, out)
    played = warp(separated or separate(controls, timebase), timebase, positions)
    whole = attack + FADE_FRAMES
    if attack == 0 or whole > out or controls.phases is None:
        return played
    fade = torch.ones(whole + 1)
    fade[attack:] = torch.linspace(1, 0, FADE_FRAMES + 1)
    ours, theirs = complex_amplitudes(controls)[..., : whole + 1], complex_amplitudes(played)
    mixed = theirs.new_zeros(len(theirs), max(ours.shape[1], theirs.shape[1]), theirs.shape[2])
    mixed[:, : theirs.shape[1]] = theirs
    mixed[..., : whole + 1] *= 1 - fade
    mixed[:, : ours.shape[1], : whole + 1] += ours * fade
    noise = played.noise.clone()
    early = controls.noise[..., : whole + 1].square() * fade + noise[..., : whole + 1].square() * (1 - fade)
    noise[..., : whole + 1] = early.sqrt()
    return from_partials(played, mixed, noise=noise)


def time_map(controls: Controls, timebase: Timebase, out: int) -> tuple[Float[torch.Tensor, " out"], int]:
    """Return where to read at each frame of a sound of ``out + 1`` frames, and the frames of the first attack.

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
    rigid = torch.zeros(last, dtype=torch.bool)  # the intervals that keep their length
    later = timebase.frame_at(LATER_ATTACK_S)
    for onset in onsets(controls, timebase):
        rigid[max(0, onset - 2) : onset + later] = True
    if int(rigid.sum()) + attack + FADE_FRAMES > MOST * min(out, last):
        rigid[:] = False
    if attack:
        rigid[: attack + FADE_FRAMES] = True
    n_rigid = int(rigid.sum())
    lengths = torch.where(rigid, 1.0, (out - n_rigid) / max(1, last - n_rigid)).double()
    times = torch.nn.functional.pad(lengths.cumsum(0), (1, 0))
    times = times * (out / times[-1])
    j = torch.arange(out + 1, dtype=torch.float64)
    i = torch.searchsorted(times, j, right=True).clamp(1, last) - 1
    return (i + (j - times[i]) / (times[i + 1] - times[i]).clamp(min=1e-12)).clamp(0, last), attack
