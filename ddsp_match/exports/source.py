"""What an instrument is made from: one note of a sound, its pitch, and whether it may be held."""

from __future__ import annotations

import math

import torch

from ddsp_match.core.callbacks import OnNote
from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.edits.hold import fade, hold, trim
from ddsp_match.edits.loops import has_sustain
from ddsp_match.edits.notes import notes
from ddsp_match.edits.onsets import level_db

SHORTEST_RELEASE_S, LONGEST_RELEASE_S = 0.06, 2.0
TUNED_BY = 10  # harmonics that tell how sharp a sound is
PLUCK_RELEASE_S = 0.3  # of sounds that die away by themselves: what a damper takes


def pitch_of(controls: Controls, timebase: Timebase, loop: tuple[int, int] | None = None) -> float:
    """The MIDI note a sound is heard at, fractions included: in its loop, or over all that sounds.

    Args:
        controls: Separated controls.
        timebase: Frame grid.
        loop: First and last frame to listen to.
    """
    first, last = loop or (0, controls.n_frames - 1)
    heard = slice(first, last + 1)
    count = max(1, min(controls.n_partials // controls.divisions, TUNED_BY))
    harmonics = torch.arange(1, count + 1) * controls.divisions - 1
    amplitudes = controls.partial_amplitudes[0, harmonics, heard].double()
    loudness = amplitudes.square().sum(0)
    sounding = (loudness > 1e-3 * loudness.max()).double()
    f0_hz = float((controls.f0_hz[0, heard].double() * sounding).sum() / sounding.sum().clamp(min=1))
    hz = f0_hz * torch.arange(1, count + 1).double()
    if controls.phases is not None and last > first:
        # A partial whose phase turns is sharp or flat of its place. What counts is how far it turns in all: where two
        # partials beat, it runs ahead for a moment whenever they cancel.
        step = controls.phases[0, harmonics, heard].double().diff(dim=1)
        turned = (torch.atan2(step.sin(), step.cos()) * sounding[1:]).sum(1) / sounding[1:].sum().clamp(min=1)
        hz = hz + turned * timebase.frame_rate / (2 * math.pi)
    cents = 1200 * torch.log2((hz / torch.arange(1, count + 1)).clamp(min=1e-3) / 440)
    power = amplitudes.square().sum(1) + 1e-30
    return 69 + float((power * cents).sum() / power.sum()) / 100


def one_note(
    controls: Controls, timebase: Timebase, loop: tuple[int, int], say: OnNote
) -> tuple[Controls, tuple[int, int]]:
    """Of a phrase the note that has the loop: a key is to play one note."""
    first, last = 0, controls.n_frames - 1
    for note in notes(controls, timebase):
        if note.last <= loop[0]:
            first = note.last
        elif note.first > loop[1]:
            last = min(last, note.first - 1)
        elif first:
            first = max(first, note.first - 1)  # without the rest before it
    if (first, last) == (0, controls.n_frames - 1):
        return controls, loop
    seconds = timebase.times(last + 1)
    say(f"of several notes the one from {seconds[first]:.2f} to {seconds[last]:.2f} s is taken")
    cut = trim(controls, timebase, seconds[first], seconds[last])
    return fade(cut, timebase, in_s=0.02 if first else 0.0), (loop[0] - first, loop[1] - first)


def as_long(controls: Controls, timebase: Timebase, seconds: float) -> Controls:
    """A sound of that length: held, where it can be held, or cut."""
    if has_sustain(controls, timebase):
        return hold(controls, timebase, seconds)
    if seconds >= timebase.samples(controls.n_frames) / timebase.sample_rate:
        return controls
    return fade(trim(controls, timebase, 0.0, seconds), timebase, out_s=min(0.1, seconds / 2))


def release_s_of(controls: Controls, timebase: Timebase, loop: tuple[int, int] | None) -> float:
    """How long the sound takes to die away once it is no longer held: to 20 dB below its loop."""
    level = level_db(controls)
    if loop is None:
        return PLUCK_RELEASE_S
    held_db = float(level[loop[0] : loop[1] + 1].median())
    loud = torch.nonzero(level > held_db - 6).flatten()
    quiet = torch.nonzero(level > held_db - 20).flatten()
    seconds = 3 * float(quiet[-1] - loud[-1]) / timebase.frame_rate  # from 14 dB to about 42
    return min(max(seconds, SHORTEST_RELEASE_S), LONGEST_RELEASE_S)
