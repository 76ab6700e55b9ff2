"""Delays of any length, whole or not, by one short kernel that changes smoothly with the length.

The kernel is a sinc under a Kaiser window that moves along with it (Laakso, Välimäki, Karjalainen and Laine 1996,
"Splitting the unit delay", windowed sincs), less the window's value at its ends, so that coefficients enter and leave
at zero: nothing jumps, nor does its slope, as the length crosses a whole number. There, the kernel is one exact
impulse. It is flat to 3e-6 up to 0.8 of the Nyquist frequency, and falls off above 0.9 for lengths in between.

In a feedback loop the kernel must be causal, so it grows narrower for delays shorter than its half width. Its gain
stays below 1.0002 at every length and frequency: a loop with feedback below 0.999 is stable.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int

from ddsp_match.dsp.recursive import polynomial

HALF_WIDTH = 32  # coefficients on either side
KAISER = 10.0  # shape of the window: 100 dB
SHORTEST_LOOP = 2.0  # shortest delay in a feedback loop, in samples: two taps of which neither is at zero


def delay_kernel(
    delay: Float[torch.Tensor, " batch"], half: int = HALF_WIDTH, *, causal: bool = False
) -> tuple[Int[torch.Tensor, " batch"], Float[torch.Tensor, "batch taps"]]:
    """The impulse response of a delay; differentiable in the length.

    Args:
        delay: In samples. Float64, for the length of a long delay to keep its fraction.
        half: Half of the kernel's width.
        causal: Narrow the kernel where it would reach back to the present: for feedback loops, whose delays are at
            least `SHORTEST_LOOP` samples (shorter ones are taken as that).

    Returns:
        The time of the first coefficient, in samples, and ``2 half`` coefficients.
    """
    if causal:
        delay = delay.clamp(min=SHORTEST_LOOP)
    first = torch.floor(delay.detach()).long() - half + 1
    offset = first[:, None] + torch.arange(2 * half, device=delay.device) - delay[:, None]
    width = (delay - 1).clamp(max=half)[:, None] if causal else torch.full_like(delay, half)[:, None]
    return first, torch.sinc(offset) * _window(offset / width)


def _window(place: torch.Tensor) -> torch.Tensor:
    """Kaiser's window between -1 and 1, lowered so as to end at zero."""
    inside = 1 - place.square()
    # The root has no slope at zero: outside, it is taken of something else.
    root = torch.where(inside > 1e-12, inside, 1.0).sqrt()
    raised = (torch.special.i0(KAISER * root) - 1) / (_I0 - 1)
    return torch.where(inside > 1e-12, raised, 0.0)


_I0 = float(torch.special.i0(torch.tensor(KAISER, dtype=torch.float64)))


def fir_response(
    taps: Float[torch.Tensor, "batch taps"], first: Int[torch.Tensor, " batch"], hz: torch.Tensor, sample_rate: int
) -> torch.Tensor:
    """Frequency response of short impulse responses that start late, ``(batch, points)``."""
    whole = polynomial(taps, torch.polar(torch.ones_like(hz), hz * (2 * math.pi / sample_rate)))
    angle = torch.remainder(first[:, None] * (hz / sample_rate).double(), 1.0) * (-2 * math.pi)
    return whole * torch.polar(torch.ones_like(angle), angle).to(whole.dtype)
