"""The analysis of a sound: f0, periodicity and loudness, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float

from ddsp_match.dsp.weighted_median import weighted_median


@dataclass(frozen=True)
class Features:
    """Analysis of a sound at the frame rate. Nothing in it is NaN.

    Attributes:
        f0_hz: Fundamental frequency in Hz, positive everywhere: where the sound is silent or unvoiced it
            is interpolated from the voiced frames around.
        periodicity: How sure the tracker is that the frame has a pitch, 0 to 1.
        loudness_db: A-weighted loudness in dB relative to full scale.
        voiced: Frames whose f0 was measured rather than interpolated.
        doubt: Frames whose f0 may be wrong although the sound is periodic.
    """

    f0_hz: Float[torch.Tensor, "batch frames"]
    periodicity: Float[torch.Tensor, "batch frames"]
    loudness_db: Float[torch.Tensor, "batch frames"]
    voiced: Bool[torch.Tensor, "batch frames"]
    doubt: Bool[torch.Tensor, "batch frames"]

    def __post_init__(self) -> None:
        shapes = {name: tuple(value.shape) for name, value in vars(self).items()}
        if len(set(shapes.values())) != 1 or self.f0_hz.ndim != 2:
            raise ValueError(f"features must share one (batch, frames) shape, got {shapes}")
        for name in ("f0_hz", "periodicity", "loudness_db"):
            if not torch.isfinite(getattr(self, name)).all():
                raise ValueError(f"{name} is not finite everywhere")
        if not (self.f0_hz > 0).all():
            raise ValueError("f0_hz must be positive")

    @property
    def energy(self) -> Float[torch.Tensor, " frames"]:
        """A-weighted energy of each frame, the mean of all channels."""
        return (10 ** (self.loudness_db.double() / 10)).mean(0)

    @property
    def pitch_hz(self) -> float | None:
        """The note of the sound, in Hz: the median f0 of its voiced frames, each weighed by its energy.

        So neither rests nor a release that sags count. None where nothing is voiced: the sound has no pitch.
        """
        voiced = self.voiced[0]
        return weighted_median(self.f0_hz[0][voiced], self.energy[voiced]) if bool(voiced.any()) else None
