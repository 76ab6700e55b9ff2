"""An instrument: notes at several pitches and strengths, and what a key plays that lies between them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ddsp_match.core.controls import Controls
from ddsp_match.core.errors import ConfigError, PatchError, PitchError
from ddsp_match.core.timebase import Timebase
from ddsp_match.edits.morph import at_timebase, morph
from ddsp_match.edits.patches import phase_of
from ddsp_match.edits.pitch import transpose
from ddsp_match.edits.separate import SEPARATE
from ddsp_match.edits.time import fade, jumping, trim
from ddsp_match.edits.tone import brightness
from ddsp_match.edits.tones import EDGE_S, Tone, tone_of, tones
from ddsp_match.edits.warp import warp
from ddsp_match.patch import Patch, load_patches, save_patches
from ddsp_match.patch.several import Chosen

USUAL_VELOCITY = 102  # plays as loud as the loudest note of the instrument
USUAL_S = 2.0  # that a key is held
DB_PER_DECADE = 40.0  # of velocity, as General MIDI recommends it
SAME = 0.5  # semitones: nearer notes are at one pitch
APART_DB = 3.0  # of two notes at one pitch that are two strengths
DB_A_SEMITONE = 3.0  # a note that is so much too soft or too loud is as good as one that lies a semitone farther
LONG_S, SEMITONES_A_SECOND = 0.5, 12.0  # a shorter loop is as bad as so many semitones for every second that is missing
# Louder is brighter: where no note is as soft or as loud as it should be, for each dB so many dB an octave.
TILT, MOST_TILT = 0.125, 3.0


@dataclass(frozen=True)
class Instrument:
    """Notes that keys are played from.

    Attributes:
        patches: Where they come from; the effects and the noise seed are those of the first.
        chosen: Of each patch the numbers of its notes that are played, counted from 1.
        tones: These notes, on one frame grid, with as many noise bands and channels each.
    """

    patches: tuple[Patch, ...]
    chosen: tuple[tuple[int, ...], ...]
    tones: tuple[Tone, ...]

    @classmethod
    def of(cls, patches: Sequence[Patch], chosen: Chosen | None = None) -> Instrument:
        """The instrument whose notes are those of some patches.

        Args:
            patches: Of one sample rate, frame rate and number of channels; of several each has a pitch.
            chosen: The notes to take of each, or None for all of it; by default all of all.

        Raises:
            ConfigError: The patches do not fit together, or there is no note of that number.
            PitchError: One of several patches has no pitch.
        """
        first = patches[0]
        for patch in patches[1:]:
            if patch.timebase != first.timebase or patch.channels != first.channels:
                raise ConfigError(
                    f"{_form(patch)} beside {_form(first)}", where=_name(patch),
                    needed="patches of one sample rate and as many channels",
                    hint="fits of recordings that were brought to one form before",
                )  # fmt: skip
        for patch in patches if len(patches) > 1 else ():
            if not patch.follows_pitch:
                raise PitchError(
                    "a sound without a pitch that its partials follow", where=_name(patch), needed="a note for each",
                    hint="a fit with its note (f0=constant f0.hz=220), if you hear one",
                )  # fmt: skip
        bands = max(patch.controls.n_bands for patch in patches)
        numbers, taken = [], []
        for patch, wanted in zip(patches, chosen or [None] * len(patches), strict=True):
            every = tones(patch)
            numbers.append(tuple(range(1, len(every) + 1) if wanted is None else wanted))
            taken += [_with_bands(every[place], bands) for place in _places(numbers[-1], len(every))]
        return cls(tuple(patches), tuple(numbers), tuple(taken))

    def choosing(self, numbers: Sequence[int]) -> Instrument:
        """The same with some of its notes.

        Args:
            numbers: Of the notes to keep, counted from 1 as they stand in `tones`.

        Raises:
            ConfigError: There is no note of that number.
        """
        places = sorted(set(_places(numbers, len(self.tones))))
        owners = [(owner, number) for owner, notes in enumerate(self.chosen) for number in notes]
        kept = sorted({owners[place][0] for place in places})
        return Instrument(
            tuple(self.patches[owner] for owner in kept),
            tuple(tuple(number for place in places for o, number in [owners[place]] if o == owner) for owner in kept),
            tuple(self.tones[place] for place in places),
        )

    @classmethod
    def load(cls, path: str | Path) -> Instrument:
        """Reads an instrument, or a patch, whose notes become one.

        Raises:
            PatchError: The file is no patch that can be read, or holds effects alone.
        """
        patches, chosen = load_patches(path)
        try:
            return cls.of(patches, chosen)
        except ConfigError as error:
            found = f"a damaged instrument ({error})"
            raise PatchError(found, where=path, needed="one that ddsp-match wrote") from error

    def save(self, path: str | Path) -> int:
        """Writes the instrument whole or not at all, and returns the size of the file in bytes.

        Raises:
            OutputError: The place cannot be written to.
        """
        return save_patches(path, self.patches, self.chosen)

    @property
    def timebase(self) -> Timebase:
        """The frame grid of all notes."""
        return self.tones[0].timebase

    @property
    def loudest_db(self) -> float:
        """The level of the loudest note."""
        return max(tone.level_db for tone in self.tones)

    @property
    def has_strengths(self) -> bool:
        """Return whether some pitch was played both softer and louder."""
        return any(
            abs(one.pitch - two.pitch) <= SAME and abs(one.level_db - two.level_db) > APART_DB
            for one, two in itertools.combinations(self.tones, 2)
        )

    def tone_at(self, midi: float, velocity: float = USUAL_VELOCITY) -> Tone:
        """The note of a key: that of the instrument where it has one, otherwise what lies between its neighbours.

        Transposed notes keep the spectral envelope; between two pitches, and between two strengths, the levels of
        partials and noise go along a straight line in dB.

        Args:
            midi: The MIDI note, fractions allowed.
            velocity: 1 to 127: how strong it is played.
        """
        wanted_db = self.loudest_db + DB_PER_DECADE * math.log10(max(velocity, 1.0) / USUAL_VELOCITY)
        below = [tone for tone in self.tones if tone.pitch <= midi + SAME]
        above = [tone for tone in self.tones if tone.pitch > midi + SAME]
        nearest = [self._at(side, midi, wanted_db) for side in (below, above) if side]
        (one, pitch), *others = nearest
        if others and midi - pitch > SAME:
            two, higher = others[0]
            one = _between(one, two, (midi - pitch) / (higher - pitch))
        gain_db = wanted_db - one.level_db
        tilted = brightness(one.controls, min(max(TILT * gain_db, -MOST_TILT), MOST_TILT), self.timebase)
        gain = 10 ** (gain_db / 20)
        played = replace(tilted, amplitude=tilted.amplitude * gain, noise=tilted.noise * gain)
        return replace(one, controls=played, pitch=midi, level_db=wanted_db)

    def note(self, midi: float, velocity: float = USUAL_VELOCITY, seconds: float = USUAL_S) -> Patch:
        """What a key plays: at its pitch, as strong as it is struck, held for so long and then let go.

        Args:
            midi: The MIDI note, fractions allowed.
            velocity: 1 to 127; at `USUAL_VELOCITY` it is as loud as the loudest note of the instrument.
            seconds: How long the key is down.

        Returns:
            A patch that ends when the note has died away, in the room of the instrument's first one.
        """
        first = self.patches[0]
        controls = held(self.tone_at(midi, velocity), seconds)
        note = {"edit": "note", "midi": midi, "velocity": velocity, "seconds": seconds}
        return Patch.of(
            controls,
            self.timebase,
            self.timebase.samples(controls.n_frames) + 1,
            noise_seed=first.noise_seed,
            phase=phase_of(controls),
            provenance={**first.provenance, "edits": [{"edit": SEPARATE}, note]},
            effects=first.effects,
            pitched=first.pitch_hz is not None,
            grid=first.grid,
        )

    def _at(self, tones: Sequence[Tone], midi: float, wanted_db: float) -> tuple[Tone, float]:
        """The best of some notes, moved to another pitch, in between two strengths; and the pitch it was found at."""

        def cost(tone: Tone) -> float:
            short = 0.0 if tone.loop is None else SEMITONES_A_SECOND * max(0.0, LONG_S - tone.sustain_s)
            return abs(tone.pitch - midi) + abs(tone.level_db - wanted_db) / DB_A_SEMITONE + short

        best = min(tones, key=cost)
        moved = _moved(best, midi)
        partners = [
            tone
            for tone in tones
            if abs(tone.pitch - best.pitch) <= SAME
            and abs(tone.level_db - best.level_db) > APART_DB
            and (tone.level_db - wanted_db) * (best.level_db - wanted_db) < 0
        ]
        if partners:
            other = min(partners, key=lambda tone: abs(tone.level_db - wanted_db))
            share = (wanted_db - best.level_db) / (other.level_db - best.level_db)
            moved = _between(moved, _moved(other, midi), share)
        return moved, best.pitch


def _name(patch: Patch) -> str:
    return str(patch.provenance.get("sound") or "a patch")


def _form(patch: Patch) -> str:
    rate, channels = patch.timebase.sample_rate, patch.channels
    return f"{rate} Hz at {patch.timebase.frame_rate:.4g} frames a second, {channels} channel{'s' * (channels > 1)}"


def _places(numbers: Sequence[int], count: int) -> list[int]:
    """Places in a list of so many notes.

    Raises:
        ConfigError: There is no note of that number.
    """
    for number in numbers:
        if not 1 <= number <= count:
            needed = "1, the only one" if count == 1 else f"1 to {count}"
            raise ConfigError(f"note {number}", where="notes", needed=needed, hint="render PATCH --list-notes")
    return [number - 1 for number in numbers]


def _with_bands(tone: Tone, bands: int) -> Tone:
    n_samples = tone.timebase.samples(tone.controls.n_frames) + 1
    return replace(tone, controls=at_timebase(tone.controls, tone.timebase, tone.timebase, n_samples, bands))


def _moved(tone: Tone, midi: float) -> Tone:
    return replace(tone, controls=transpose(tone.controls, tone.timebase, midi - tone.pitch), pitch=midi)


def _between(one: Tone, two: Tone, share: float) -> Tone:
    """What lies between two notes at one pitch."""
    mixed = morph(one.controls, two.controls, one.timebase, share)
    held = one.loop is not None and two.loop is not None
    made = tone_of(mixed, one.timebase, held=held, pitch=one.pitch)
    return replace(made, level_db=(1 - share) * one.level_db + share * two.level_db)


def held(tone: Tone, seconds: float) -> Controls:
    """A note that is held for so many seconds, and then let go.

    It goes back from the end of its loop to the beginning as often as needed; spectra and levels are crossfaded there,
    phases run on. A note without a loop dies away as it did.
    """
    timebase, last = tone.timebase, tone.controls.n_frames - 1
    release_s = tone.release_s
    out = max(1, timebase.frame_at(seconds + release_s))
    if tone.loop is None:
        stop_s = seconds + release_s
        if out >= last:
            return tone.controls
        return fade(trim(tone.controls, timebase, 0.0, stop_s), timebase, out_s=release_s, curve="exponential")
    first, end = tone.loop
    rounds = max(0, math.ceil((out - end) / (end - first)))
    positions, other, weight = jumping(end, [end - first] * rounds, out, last, timebase, EDGE_S)
    played = warp(tone.controls, timebase, positions, other=other, weight=weight)
    return fade(played, timebase, out_s=release_s, curve="exponential")
