"""Frames and samples: the only place where one is turned into the other."""

from __future__ import annotations

from dataclasses import dataclass

FRAME_RATE_HZ = 100.0


@dataclass(frozen=True)
class Timebase:
    """A sample rate and a frame grid: frame ``k`` is centred on sample ``k * hop``.

    The hop is a whole number of samples, so where 100 does not divide the sample rate the frame rate is
    the nearest possible one (22 050 Hz: 220 samples, 100.23 Hz).

    Args:
        sample_rate: Samples a second, in Hz.
        hop: Samples between two frames.
    """

    sample_rate: int
    hop: int

    def __post_init__(self) -> None:
        if self.sample_rate < 1 or self.hop < 1:
            raise ValueError(f"sample_rate {self.sample_rate} and hop {self.hop} must be positive")

    @classmethod
    def at(cls, sample_rate: int, frame_rate_hz: float = FRAME_RATE_HZ) -> Timebase:
        """The grid of about `frame_rate_hz` frames a second at this sample rate."""
        return cls(int(sample_rate), max(1, round(sample_rate / frame_rate_hz)))

    @property
    def frame_rate(self) -> float:
        """Frames a second, in Hz."""
        return self.sample_rate / self.hop

    @property
    def steady_hz(self) -> float:
        """Distance of the partials of a steady grid, in Hz: three quarters of the frame rate.

        Numbers at the frame rate follow half of it on either side of a partial. Closer together, partials can explain
        the same sound in too many ways for the least squares to settle (at half the frame rate a snare ended at an
        mrstft of 0.21, here at 0.01); at the whole frame rate gaps open between them.
        """
        return 0.75 * self.frame_rate

    @property
    def nyquist_hz(self) -> float:
        """Half the sample rate, in Hz."""
        return self.sample_rate / 2

    def frames(self, n_samples: int) -> int:
        """Frames that cover `n_samples`: the last one is centred at or after the last sample."""
        return -(-max(n_samples - 1, 0) // self.hop) + 1

    def samples(self, n_frames: int) -> int:
        """Samples from the centre of the first of `n_frames` to the centre of the last, exclusive."""
        return (n_frames - 1) * self.hop

    def frame_at(self, seconds: float) -> int:
        """The frame nearest to a time in seconds."""
        return round(seconds * self.frame_rate)

    def sample_at(self, seconds: float) -> int:
        """The sample nearest to a time in seconds."""
        return round(seconds * self.sample_rate)

    def centre(self, frame: int) -> int:
        """The sample on which a frame is centred."""
        return frame * self.hop

    def times(self, n_frames: int) -> list[float]:
        """The times of the first `n_frames` frames, in seconds."""
        return [k * self.hop / self.sample_rate for k in range(n_frames)]
