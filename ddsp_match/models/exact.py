"""The exact model: a free number for every control, frame by frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int

from ddsp_match.core.controls import Controls
from ddsp_match.core.params import Parameter
from ddsp_match.core.settings import FitSettings
from ddsp_match.dsp.scaling import MAX_VALUE, THRESHOLD, exp_sigmoid, inverse_exp_sigmoid, shares
from ddsp_match.models.model import Model

SHARE = Parameter("harmonic share", low=THRESHOLD, high=MAX_VALUE, curve="exp_sigmoid")


def highest(largest: torch.Tensor) -> torch.Tensor:
    """Where DDSP's amplitude range ends for sounds of these largest amplitudes.

    At 2 or, for a sound that needs more, at the next power of two above twice what it needs. Each sound has its own:
    in a batch it is scaled as alone.
    """
    doublings = torch.ceil(torch.log2(largest * (2 / MAX_VALUE))).clamp(min=0)
    return MAX_VALUE * torch.exp2(doublings)


class ExactModel(Model):
    """Free numbers that become `Controls`: scaled, masked at and above Nyquist, normalised.

    Args:
        start: Controls to start from; f0 stays theirs. Phases that are None stay at zero.
        nyquist_hz: Half the sample rate.
        n_partials: Partials that each row plays, where those behind are padding; None: all.
        static_phase: One phase a partial for the whole sound (the first frame's of `start`) instead of one a frame.
    """

    f0_hz: torch.Tensor
    audible: torch.Tensor
    amplitude_top: torch.Tensor
    noise_top: torch.Tensor

    def __init__(
        self,
        start: Controls,
        nyquist_hz: float,
        n_partials: Int[torch.Tensor, " batch"] | None = None,
        *,
        static_phase: bool = False,
    ) -> None:
        super().__init__()
        k = torch.arange(1, start.n_partials + 1, device=start.f0_hz.device)
        self.divisions = start.divisions
        self.register_buffer("f0_hz", start.f0_hz.clone())
        audible = start.base_hz.unsqueeze(1) * k.view(1, -1, 1) < nyquist_hz
        if n_partials is not None:
            audible &= k.view(1, -1, 1) <= n_partials.view(-1, 1, 1)
        self.register_buffer("audible", audible.to(start.f0_hz))
        self.register_buffer("amplitude_top", highest(start.amplitude.amax(1, keepdim=True)))
        peak = start.distribution.amax(1, keepdim=True).clamp(min=1e-9)
        self.raw_amplitude = torch.nn.Parameter(inverse_exp_sigmoid(start.amplitude, self.amplitude_top))
        self.raw_shares = torch.nn.Parameter(SHARE.to_free(start.distribution / peak))
        self.raw_noise = None
        if start.n_bands:
            self.register_buffer("noise_top", highest(start.noise.amax((1, 2), keepdim=True)))
            self.raw_noise = torch.nn.Parameter(inverse_exp_sigmoid(start.noise, self.noise_top))
        self.phases = None
        if start.phases is not None:
            first = start.phases[..., :1] if static_phase else start.phases
            self.phases = torch.nn.Parameter(first.clone())

    @classmethod
    def of(
        cls,
        settings: FitSettings,
        start: Controls,
        nyquist_hz: float,
        n_partials: torch.Tensor,
        stored: Sequence[Any] = (),
    ) -> ExactModel:
        """As of `Model`."""
        return cls(start, nyquist_hz, n_partials, static_phase=settings.synth.phase == "static")

    def forward(self) -> Controls:
        """The controls that the free numbers stand for."""
        distribution = shares(self.raw_shares, self.audible)
        if self.raw_noise is None:
            noise = distribution.new_zeros(len(distribution), 0, distribution.shape[2])
        else:
            noise = exp_sigmoid(self.raw_noise, self.noise_top)
        phases = None if self.phases is None else self.phases.expand_as(distribution)
        amplitude = exp_sigmoid(self.raw_amplitude, self.amplitude_top)
        return Controls(self.f0_hz, amplitude, distribution, noise, phases, self.divisions)

    def groups(self, lr: float, lr_phase: float, *, harmonics: bool = True) -> list[dict]:
        """As of `Model`: a phase rate of 0 leaves the phases out."""
        amplitudes = [self.raw_noise] if self.raw_noise is not None else []
        if harmonics:
            amplitudes += [self.raw_amplitude, self.raw_shares]
        groups: list[dict] = [{"params": amplitudes, "lr": lr}]
        if harmonics and self.phases is not None and lr_phase > 0:
            groups.append({"params": [self.phases], "lr": lr_phase})
        return groups


def random_controls(
    f0_hz: Float[torch.Tensor, "batch frames"],
    n_partials: int,
    n_bands: int,
    *,
    phases: bool,
    seed: int,
    divisions: int = 1,
) -> Controls:
    """Controls by chance, as the seed recipe starts: normal shares, a uniform amplitude, faint noise."""
    batch, frames = f0_hz.shape
    # Drawn on the CPU: no two devices draw the same numbers from one seed.
    generator = torch.Generator().manual_seed(seed)
    drawn = SHARE.to_physical(torch.randn(batch, n_partials, frames, generator=generator))
    amplitude = SHARE.to_physical(torch.rand(batch, frames, generator=generator))
    noise = torch.full((batch, n_bands, frames), 1e-3, device=f0_hz.device)
    angle = (2 * torch.rand(batch, n_partials, frames, generator=generator) - 1) * math.pi if phases else None
    return Controls(
        f0_hz,
        amplitude.to(f0_hz.device),
        (drawn / drawn.sum(1, keepdim=True)).to(f0_hz.device),
        noise,
        None if angle is None else angle.to(f0_hz.device),
        divisions,
    )
