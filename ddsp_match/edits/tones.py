"""One note of a sound by itself, ready for a key: cut out, its pitch calm, its sustain steady, with a loop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.dsp.notes import midi_of
from ddsp_match.edits.loops import Loop, find_loop, has_sustain, slope_db_per_s, sustain
from ddsp_match.edits.notes import notes
from ddsp_match.edits.onsets import level_db
from ddsp_match.edits.separate import hann, smooth
from ddsp_match.edits.stems import separated_controls
from ddsp_match.edits.time import fade, trim
from ddsp_match.edits.tone import with_partials
from ddsp_match.edits.warp import warp
from ddsp_match.patch import Patch

UNPITCHED = 60.0  # the key that plays a sound without a pitch as it is
SHORTEST_S = 0.15  # what is shorter is a grace note or a slip of the pitch, and no key plays it
# A phrase is struck or plucked if each of its notes that is long enough to tell falls faster than that.
TOLD_S, STRUCK_DB_PER_S = 0.25, 8.0
CUT_IN_S, CUT_OUT_S = 0.02, 0.05  # fades where a note is cut from the one before or after it
MARGIN_S = 0.04  # before the next note, where the pitch is already on its way there
JITTER_S = 0.06  # f0 is smoothed over so much: a vibrato of 8 Hz keeps most of its depth
LEVEL_S = 0.05  # over which a level is measured
SWING_DB = 0.7  # how far the level of a held note may swing about its median: a vibrato stays, a swell does not
MOST_DB, MOST_CENTS = 12.0, 100.0  # of change
FAINT = 1e-4  # of the loudest partial or band: what is fainter has no trend
EASE_S = 0.3  # over which a note's own level becomes that of its loop
EDGE_S = 0.2  # before the loop that are levelled with it: what the crossfade at its end reads
TUNED_BY = 10  # harmonics that tell how sharp a sound is
SHORTEST_RELEASE_S, LONGEST_RELEASE_S = 0.06, 2.0
PLUCK_RELEASE_S = 0.3  # of sounds that die away by themselves: what a damper takes


@dataclass(frozen=True, eq=False)
class Tone:
    """One note by itself.

    Attributes:
        controls: Separated controls.
        timebase: Their frame grid.
        pitch: The MIDI note it is heard at, fractions included.
        level_db: Power in dB: in its loop, or at its loudest where it has none.
        loop: First and last frame of what repeats while a key is down; None for a sound that dies away.
        start_s: Where it begins in the sound it is from.
        stop_s: Where it ends there.
    """

    controls: Controls
    timebase: Timebase
    pitch: float
    level_db: float
    loop: Loop | None
    start_s: float = 0.0
    stop_s: float = 0.0

    @property
    def sustain_s(self) -> float:
        """How long the loop is; 0 where there is none."""
        return 0.0 if self.loop is None else (self.loop[1] - self.loop[0]) / self.timebase.frame_rate

    @property
    def release_s(self) -> float:
        """How long it takes to die away once it is no longer held: to 20 dB below its loop."""
        if self.loop is None:
            return PLUCK_RELEASE_S
        level = level_db(self.controls)
        held_db = float(level[self.loop[0] : self.loop[1] + 1].median())
        loud = torch.nonzero(level > held_db - 6).flatten()
        quiet = torch.nonzero(level > held_db - 20).flatten()
        seconds = 3 * float(quiet[-1] - loud[-1]) / self.timebase.frame_rate  # from 14 dB to about 42
        return min(max(seconds, SHORTEST_RELEASE_S), LONGEST_RELEASE_S)

    def key(self) -> int:
        """The MIDI key nearest to its pitch."""
        return min(max(round(self.pitch), 0), 127)


def tones(patch: Patch) -> list[Tone]:
    """The notes of a patch that a key can play, in the order in which they sound; one, of all of it, at the least.

    A sound that is one note keeps all of it, the breath before and what rings on; the notes of a phrase are cut out.
    Those of a phrase that is blown, bowed or sung all have a loop: what is too short for one is left out.
    """
    timebase, last = patch.timebase, patch.controls.n_frames - 1
    apart = separated_controls(patch)
    seen = notes(patch.controls, timebase) if patch.follows_pitch else []
    shortest = timebase.frame_at(SHORTEST_S)
    spans = [(note.first, note.last - 1) for note in seen if note.last - note.first >= shortest]
    if len(spans) < 2:
        pitch = None if patch.follows_pitch else UNPITCHED if patch.pitch_hz is None else midi_of(patch.pitch_hz)
        return [tone_of(apart, timebase, spans[0] if spans else None, pitch=pitch, stop_s=patch.seconds)]
    cut: list[tuple[Controls, Loop]] = []
    for first, end in spans:
        stop = min((note.first - 1 for note in seen if note.first > end), default=last)
        alone = trim(apart, timebase, first / timebase.frame_rate, stop / timebase.frame_rate)
        alone = fade(alone, timebase, CUT_IN_S if first else 0.0, CUT_OUT_S if stop < last else 0.0)
        begin, held = sustain(alone, timebase)
        # Legato, the pitch is on its way to the next note before it is there.
        cut.append((alone, (begin, min(held, end - first - (timebase.frame_at(MARGIN_S) if stop == end else 0)))))
    lasting = [(alone, span) for alone, span in cut if span[1] - span[0] >= shortest]
    long = [one for one in lasting if one[1][1] - one[1][0] >= timebase.frame_at(TOLD_S)]
    driven = any(slope_db_per_s(alone, timebase, span) > -STRUCK_DB_PER_S for alone, span in long)
    made = []
    for (first, end), (alone, span) in zip(spans, cut, strict=True):
        if not driven or span[1] - span[0] >= shortest:
            times = {"start_s": first / timebase.frame_rate, "stop_s": (end + 1) / timebase.frame_rate}
            made.append(tone_of(alone, timebase, span, held=driven, **times))
    return made


def best_of(made: Sequence[Tone]) -> Tone:
    """The tone that represents a sound: the one with the longest loop, or the loudest where none has one."""
    return max(made, key=lambda tone: (tone.sustain_s, tone.level_db))


def tone_of(
    controls: Controls,
    timebase: Timebase,
    within: Loop | None = None,
    *,
    held: bool | None = None,
    pitch: float | None = None,
    start_s: float = 0.0,
    stop_s: float = 0.0,
) -> Tone:
    """Makes one note ready for a key: smooths the jitter of its f0, finds its loop and steadies it.

    Args:
        controls: Separated controls of one note.
        timebase: Frame grid.
        within: First and last frame between which the loop may lie; by default anywhere in the sustain.
        held: Whether it can be held; by default if it keeps its level for a while.
        pitch: The MIDI note it is heard at; by default measured.
        start_s: Where it was cut from.
        stop_s: Where it was cut to.
    """
    calm, loop = _calm(controls, timebase), None
    if has_sustain(calm, timebase) if held is None else held:
        begin, end = within or sustain(calm, timebase)
        # The crossfade at its end reads what lies before its beginning, which should not be the attack.
        begin += min(timebase.frame_at(2 * EDGE_S), (end - begin) // 3)
        # What drifts is steadied anyway, so it keeps no two moments from being alike.
        loop = find_loop(steadied(calm, timebase, (begin, end)), timebase, within=(begin, end))
        calm = steadied(calm, timebase, loop)
    if pitch is None:
        pitch = pitch_of(calm, timebase, loop)
    power_db = smooth(level_db(calm), hann(LEVEL_S, timebase))
    level = float(power_db.max() if loop is None else power_db[loop[0] : loop[1] + 1].median())
    return Tone(calm, timebase, pitch, level, loop, start_s, stop_s)


def _calm(controls: Controls, timebase: Timebase) -> Controls:
    """Without the jitter of f0: partials turn against a smoothed f0, and evenly."""
    f0_hz = torch.exp(smooth(controls.f0_hz.double().log(), hann(JITTER_S, timebase))).float()
    phases = controls.phases
    if phases is not None:
        off_hz = (controls.f0_hz.double() - f0_hz.double()) / controls.divisions
        # As the running phase counts: the frequency goes linearly from frame to frame, summed at the samples.
        share = (timebase.hop - 1) / (2 * timebase.hop)
        cycles = (off_hz[:, :-1] + off_hz.diff(dim=1) * share) / timebase.frame_rate
        cycles = torch.nn.functional.pad(cycles, (1, 0)).cumsum(1).unsqueeze(1)
        numbers = torch.arange(1, controls.n_partials + 1, dtype=torch.float64).view(1, -1, 1)
        phases = (phases + 2 * math.pi * (cycles * numbers).remainder(1.0)).float()
    frames = torch.arange(controls.n_frames, dtype=torch.float64)
    return warp(replace(controls, f0_hz=f0_hz, phases=phases), timebase, frames)


def steadied(controls: Controls, timebase: Timebase, loop: Loop) -> Controls:
    """The same with a loop that does not go anywhere: what drifts within it would jump back at each round.

    Partials and noise bands lose their trend in dB, f0 its trend in cents; then the level of the whole is kept within
    `SWING_DB` of its median. Vibrato and breath stay. Attack and release stay as well; what lies beside the loop is led
    there and back.
    """
    ease = _Ease(controls.n_frames, loop, timebase)
    f0_cents = 1200 * controls.f0_hz[:1].double().log2()
    ratio = 2 ** (ease(-_trend(f0_cents, loop), MOST_CENTS)[0] / 1200)
    frames = torch.arange(controls.n_frames, dtype=torch.float64)
    still = warp(controls, timebase, frames, ratio)
    partials, noise = still.partial_amplitudes, still.noise
    partials, noise = (x * 10 ** (ease(-_trend(_decibels(x), loop)) / 20).float() for x in (partials, noise))
    still = with_partials(replace(still, noise=noise), partials)
    level = smooth(level_db(still), hann(LEVEL_S, timebase))
    off = level - level[loop[0] : loop[1] + 1].median()
    gain = 10 ** (ease(SWING_DB * torch.tanh(off / SWING_DB) - off) / 20)
    return replace(still, amplitude=still.amplitude * gain, noise=still.noise * gain)


def _trend(rows: Float[torch.Tensor, "*rows frames"], loop: Loop) -> Float[torch.Tensor, "*rows frames"]:
    """The straight line through each row within the loop, less its mean there."""
    first, last = loop
    time = torch.arange(rows.shape[-1], dtype=rows.dtype) - (first + last) / 2
    inside = time[first : last + 1]
    return (rows[..., first : last + 1] * inside).sum(-1, keepdim=True) / inside.square().sum().clamp(min=1) * time


def _decibels(x: Float[torch.Tensor, "batch rows frames"]) -> Float[torch.Tensor, "batch rows frames"]:
    loudest = float(x.max()) if x.numel() else 0.0  # a patch may have no noise bands
    return 20 * torch.log10(x.double().clamp(min=loudest * FAINT + 1e-12))


class _Ease:
    """Keeps a curve in the loop, and just before it where its crossfade reads; leads it to 0 on either side."""

    def __init__(self, n_frames: int, loop: Loop, timebase: Timebase) -> None:
        first, self._last = loop
        self._edge = max(0, first - timebase.frame_at(EDGE_S))
        before = max(1, min(self._edge, timebase.frame_at(EASE_S)))
        after = max(1, min(n_frames - 1 - self._last, timebase.frame_at(EASE_S)))
        frames = torch.arange(n_frames)
        early, late = (self._edge - frames) / before, (frames - self._last) / after
        self._weight = (1 - early).clamp(0, 1) * (1 - late).clamp(0, 1)

    def __call__(self, curve: torch.Tensor, most: float = MOST_DB) -> torch.Tensor:
        kept = curve.clamp(-most, most)
        kept[..., : self._edge] = kept[..., self._edge, None]
        kept[..., self._last + 1 :] = kept[..., self._last, None]
        return kept * self._weight


def pitch_of(controls: Controls, timebase: Timebase, loop: Loop | None = None) -> float:
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

