"""The spectral envelope: how loud a harmonic would be at any frequency."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.edits.separate import smooth

WIDE_HZ = 180.0  # on a grid that no f0 gives, so much is taken for one harmonic
FLOOR = 1e-7
# dB an octave, so that the space between sparse harmonics is no hole: on a grid that no f0 gives, any space may be one.
STEEPEST_DB, STEEPEST_STEADY_DB = 60.0, 24.0


@dataclass(frozen=True)
class Envelope:
    """The level of the harmonics of each frame along frequency, and their upper envelope.

    Attributes:
        level: Natural logarithm of the amplitude at each harmonic.
        upper: The same, without the holes: a harmonic below both of its neighbours counts as the weaker of them (the
            even ones of a clarinet are no formant), and slopes are limited. What it is good for is its difference
            between two frequencies, which a harmonic takes along on top of its own level.
        step_hz: Distance of the harmonics at each frame.
    """

    level: Float[torch.Tensor, "harmonics frames"]
    upper: Float[torch.Tensor, "harmonics frames"]
    step_hz: Float[torch.Tensor, " frames"]

    @classmethod
    def of(cls, controls: Controls, timebase: Timebase) -> Envelope:
        """The envelope of separated controls, all channels together."""
        group = controls.divisions
        f0_hz, highest = controls.f0_hz[0], float(controls.f0_hz[0].max())
        still = highest <= timebase.steady_hz and bool((f0_hz == f0_hz[0]).all())
        steady = group == 1 and (still or highest <= timebase.frame_rate / 2)
        if steady:
            group = max(1, round(WIDE_HZ / float(controls.f0_hz[0].mean())))
        power = controls.partial_amplitudes.square().sum(0)
        # A harmonic with what lies around it: stretched partials are off their place.
        count = max(1, -(-controls.n_partials // group))
        padded = torch.nn.functional.pad(power, (0, 0, 1, (count + 1) * group))
        grouped = torch.stack([padded[n * group - group // 2 :][:group].sum(0) for n in range(1, count + 1)])
        level = smooth(grouped, torch.tensor([0.25, 0.5, 0.25])).clamp(min=FLOOR**2).log() / 2
        strong = level if steady else torch.maximum(level, torch.minimum(_next(level), _previous(level)))
        steepest = (STEEPEST_STEADY_DB if steady else STEEPEST_DB) / 20 * math.log(10)
        octaves = torch.arange(1, count + 1).log2() * steepest
        upper = strong.clone()
        for k in range(count):  # what one harmonic says of all frequencies
            upper = torch.maximum(upper, strong[k] - (octaves - octaves[k]).abs().unsqueeze(1))
        upper = (_next(upper) + 2 * upper + _previous(upper)) / 4
        return cls(level, upper, controls.base_hz[0] * group)

    def along(self, reader: Callable[[torch.Tensor], torch.Tensor]) -> Envelope:
        """The envelope at other frames; `reader` takes a tensor's last axis there."""
        return Envelope(*(reader(x.double()) for x in (self.level, self.upper, self.step_hz)))

    def log_at(self, hz: Float[torch.Tensor, "partials frames"]) -> Float[torch.Tensor, "partials frames"]:
        """Natural logarithm of the upper envelope at frequencies of each frame; level beyond both ends."""
        return self._read(self.upper, hz)

    def level_at(self, hz: Float[torch.Tensor, "partials frames"]) -> Float[torch.Tensor, "partials frames"]:
        """The amplitude of a harmonic that would lie there, from those on either side."""
        return self._read(self.level, hz).exp()

    def _read(self, log: torch.Tensor, hz: torch.Tensor) -> torch.Tensor:
        place = (hz / self.step_hz - 1).clamp(0, len(log) - 1)
        low = place.floor().long()
        high = (low + 1).clamp(max=len(log) - 1)
        below, above = log.gather(0, low), log.gather(0, high)
        return below + (above - below) * (place - low)


def _next(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([x[1:], x[-1:]])


def _previous(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([x[:1], x[:-1]])
