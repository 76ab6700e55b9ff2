"""Timbre frames: few numbers that say what a sound is, as breakpoints of levels in dB over time.

A frame is the level of every partial and of every noise band at one moment; between frames levels go linearly in dB.
Frames lie where the sound changes. That is the breakpoint envelope of additive resynthesis (Fitz and Haken 2002, "On
the use of time-frequency reassignment in additive sound modeling") and the wavetable of synthesizers in one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int

from ddsp_match.dsp.erb import between_bands
from ddsp_match.dsp.knots import curve


@dataclass(frozen=True)
class Track:
    """Curves of straight lines that share their knots.

    Attributes:
        times: Frames of the knots, rising.
        values: Their values.
    """

    times: Int[torch.Tensor, " knots"]
    values: Float[torch.Tensor, "dims knots"]

    def curve(self, frames: int) -> Float[torch.Tensor, "dims frames"]:
        """The curves at every frame."""
        return curve(self.times, self.values, frames)

    @property
    def numbers(self) -> int:
        """Numbers that it takes, a time for each knot included."""
        return self.values.numel() + len(self.times)

    def within(self, first: int, last: int) -> Track:
        """Cut out the knots that reach into some frames, their times counted from the first of these."""
        low = max(0, int((self.times <= first).sum()) - 1)
        high = min(len(self.times), int((self.times < last - 1).sum()) + 1)
        return Track(self.times[low:high] - first, self.values[:, low:high])


@dataclass(frozen=True)
class Voice:
    """One channel of a sound.

    Attributes:
        tone: Timbre: the level of each group of partials in dB, over the level of the tone.
        tone_level: Level that all partials share, in dB.
        offset_db: Distance of each partial from its group, in dB.
        phase: Phase of each partial in radians, on knots of its own; one knot is a phase at the start.
        noise: The level of each noise band in dB, over that of the noise.
        noise_level: Level that all noise bands share, in dB.
    """

    tone: Track
    tone_level: Track
    offset_db: Float[torch.Tensor, " partials"]
    phase: Track
    noise: Track
    noise_level: Track

    TRACKS = ("tone", "tone_level", "phase", "noise", "noise_level")

    @property
    def numbers(self) -> int:
        """Numbers that it takes; a time that is always the first frame is none."""
        return sum(getattr(self, name).numbers for name in self.TRACKS) + self.offset_db.numel()


@dataclass(frozen=True)
class Frames:
    """A sound as the compact model stores it.

    Attributes:
        n_frames: Length in frames.
        nyquist_hz: Half the sample rate.
        n_bands: Noise bands of the controls it stands for, even in Hz; 0 for no noise.
        divisions: Partials a harmonic.
        f0: f0 in cents over 1 Hz, for all channels.
        partials: The partials that sound, counted from 1.
        centres: Those among them that groups are centred on; a partial between two takes a share of each.
        voices: The channels.
        whole: Whether this is a sound rather than a part cut out of one.
    """

    n_frames: int
    nyquist_hz: float
    n_bands: int
    divisions: int
    f0: Track
    partials: Int[torch.Tensor, " partials"]
    centres: Int[torch.Tensor, " groups"]
    voices: tuple[Voice, ...]
    whole: bool = True

    @property
    def numbers(self) -> int:
        """How many numbers it holds."""
        return self.f0.numbers + sum(voice.numbers for voice in self.voices)

    @property
    def f0_hz(self) -> Float[torch.Tensor, "1 frames"]:
        """f0 at every frame."""
        return 2 ** (self.f0.curve(self.n_frames) / 1200)

    @property
    def basis(self) -> Float[torch.Tensor, "partials groups"]:
        """The share of each group in each partial."""
        return between_bands(self.partials.double(), self.centres.double()).float()

    def within(self, first: int, last: int) -> Frames:
        """Cut out some frames, with the knots on either side."""
        voices = tuple(
            replace(voice, **{name: getattr(voice, name).within(first, last) for name in Voice.TRACKS})
            for voice in self.voices
        )
        whole = self.whole and (first, last) == (0, self.n_frames)
        return replace(self, n_frames=last - first, f0=self.f0.within(first, last), voices=voices, whole=whole)

    def updated(self, parts: Sequence[Frames], starts: Sequence[int], kept: Sequence[int]) -> Frames:
        """Take over the numbers of parts that were cut out.

        Args:
            parts: From `within`, in their order, their values changed since.
            starts: First frame of each.
            kept: The frame from which on each is taken, rising.
        """
        if len(parts) == 1:
            return replace(self, voices=parts[0].voices)
        voices = []
        for channel, voice in enumerate(self.voices):
            changed = {}
            for name in Voice.TRACKS:
                track: Track = getattr(voice, name)
                values = track.values.clone()
                for place, time in enumerate(track.times.tolist()):
                    part = max(0, sum(time >= first for first in kept) - 1)
                    own: Track = getattr(parts[part].voices[channel], name)
                    here = torch.nonzero(own.times == time - starts[part])
                    if len(here):
                        values[:, place] = own.values[:, int(here[0])]
                changed[name] = Track(track.times, values)
            voices.append(replace(voice, **changed))
        return replace(self, voices=tuple(voices))
