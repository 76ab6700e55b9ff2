"""Controls: the numbers a synthesizer plays, in physical units, wherever they come from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float

from ddsp_match.dsp.loudness_weighting import a_weighting_power
from ddsp_match.dsp.weighted_median import weighted_median


@dataclass(frozen=True)
class Controls:
    """A harmonic-plus-noise sound at the frame rate, in physical units.

    Partial ``k`` (counted from 1) sounds at ``k / divisions`` times f0. With one division the partials are the
    harmonics; with more, every `divisions`-th one is, and those between carry what a harmonic series has no place for:
    the knock of a body, stretched partials, a second voice.

    The batch axis holds independent signals: sounds, or the channels of one sound.

    Attributes:
        f0_hz: Fundamental frequency in Hz, > 0.
        amplitude: Global amplitude `A` of the harmonic part (linear, 1 is full scale), ≥ 0: the sum of all
            partials' amplitudes.
        distribution: The share of each partial, ≥ 0, summing to one over partials (or to zero where
            every partial lies at or above Nyquist).
        noise: Magnitude of the filtered noise in each band, ≥ 0, the bands spaced evenly from 0 Hz to
            Nyquist inclusive: the gain a unit-variance white noise gets there.
        phases: Phase of each partial in radians relative to ``k / divisions`` times the running phase of f0, or
            None where every partial starts at zero.
        divisions: Partials a harmonic.
    """

    f0_hz: Float[torch.Tensor, "batch frames"]
    amplitude: Float[torch.Tensor, "batch frames"]
    distribution: Float[torch.Tensor, "batch partials frames"]
    noise: Float[torch.Tensor, "batch bands frames"]
    phases: Float[torch.Tensor, "batch partials frames"] | None = None
    divisions: int = 1

    def __post_init__(self) -> None:
        batch, frames = self.f0_hz.shape
        if self.amplitude.shape != (batch, frames):
            raise ValueError(f"amplitude {tuple(self.amplitude.shape)} does not match f0 {(batch, frames)}")
        for name in ("distribution", "noise"):
            value = getattr(self, name)
            if value.ndim != 3 or (value.shape[0], value.shape[2]) != (batch, frames):
                raise ValueError(f"{name} {tuple(value.shape)} does not match f0 {(batch, frames)}")
        if self.divisions < 1:
            raise ValueError(f"divisions must be at least 1, not {self.divisions}")
        if self.phases is not None and self.phases.shape != self.distribution.shape:
            raise ValueError(f"phases {tuple(self.phases.shape)} must match {tuple(self.distribution.shape)}")

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return self.f0_hz.shape[1]

    @property
    def n_partials(self) -> int:
        """Number of partials."""
        return self.distribution.shape[1]

    @property
    def base_hz(self) -> Float[torch.Tensor, "batch frames"]:
        """The frequency that all partials are whole multiples of: f0 over the divisions."""
        return self.f0_hz / self.divisions

    @property
    def n_bands(self) -> int:
        """Number of noise bands."""
        return self.noise.shape[1]

    @property
    def partial_amplitudes(self) -> Float[torch.Tensor, "batch partials frames"]:
        """The linear amplitude of every partial: global amplitude times its share."""
        return self.amplitude.unsqueeze(1) * self.distribution

    def median_f0_hz(self, weights: Controls | None = None) -> float:
        """The median f0 of the first channel, each frame weighed by the A-weighted energy of its harmonics.

        Args:
            weights: Other controls with as many frames, whose harmonics weigh; by default its own.
        """
        return weighted_median(self.f0_hz[0], (weights or self)._harmonic_energy())

    def _harmonic_energy(self) -> Float[torch.Tensor, " frames"]:
        harmonics = self.partial_amplitudes[:, self.divisions - 1 :: self.divisions]
        hz = self.f0_hz.unsqueeze(1) * torch.arange(1, harmonics.shape[1] + 1).view(1, -1, 1).to(self.f0_hz)
        return (harmonics.square() * a_weighting_power(hz)).double().sum(1).mean(0)

    def detached(self) -> Controls:
        """The same controls outside any autograd graph."""
        values = {name: value.detach() for name, value in vars(self).items() if isinstance(value, torch.Tensor)}
        return replace(self, **values)
