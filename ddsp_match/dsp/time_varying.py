"""Filters whose cutoff moves from sample to sample: the state-variable filter and a chain of allpasses.

A direct form whose coefficients move clicks and can ring up, for its memory holds old outputs under new coefficients.
Both structures here hold what an analogue circuit holds. The state-variable filter is integrated by the trapezoidal
rule (V. Zavalishin, *The Art of VA Filter Design*, 2018, sections 3.10 and 4.3; A. Simper, *Solving the Continuous SVF
Equations*, 2013) and stays stable under any motion of its cutoff. The allpasses are normalised lattice sections (Gray
and Markel, 1975): each turns its memory and its input as a reflection does, and keeps their energy, moving or not.

Forward and backward are one compiled loop each; the backward loop takes states back from the outputs.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np
import torch
from jaxtyping import Float
from torch.autograd.function import once_differentiable

from ddsp_match.dsp.biquads import angle
from ddsp_match.dsp.recursive import rows_of


def state_variable_filter(
    audio: Float[torch.Tensor, "b1 channels samples"],
    cutoff_hz: Float[torch.Tensor, "b2 samples"],
    q: Float[torch.Tensor, " b3"],
    sample_rate: int,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Low, band and high output of a state-variable filter with a moving cutoff, each shaped as the sound.

    The band output is scaled to pass its cutoff at 1, so that the three add up to the sound: ``x = low + band + high``.

    Args:
        audio: The sounds; every batch may be 1.
        cutoff_hz: At every sample; held below 0.49 of the sample rate.
        q: Resonance of each sound, above 0.
        sample_rate: In Hz.
    """
    sound, damping = audio.double(), 1 / q.double()
    warped = torch.tan(angle(cutoff_hz, sample_rate) / 2)
    outputs = _StateVariable.apply(sound.cpu(), warped.cpu(), damping.cpu())
    assert isinstance(outputs, tuple)
    band, low = (part.to(audio.device) for part in outputs)
    band = damping[:, None, None] * band
    return low.to(audio.dtype), band.to(audio.dtype), (sound - band - low).to(audio.dtype)


def allpass_chain(
    audio: Float[torch.Tensor, "b1 channels samples"],
    break_hz: Float[torch.Tensor, "b2 samples"],
    feedback: Float[torch.Tensor, " b3"],
    stages: int,
    sample_rate: int,
) -> Float[torch.Tensor, "batch channels samples"]:
    """First-order allpasses in a row, their break frequency moving, with their output fed back to their input.

    The loop has no delay of its own and is solved at every sample; feedback inside ±1 cannot grow, because the
    allpasses keep energy (small-gain theorem).

    Args:
        audio: The sounds; every batch may be 1.
        break_hz: Where each allpass turns the phase by a quarter, at every sample; held below 0.49 of the sample rate.
        feedback: Inside ±1.
        stages: How many allpasses.
        sample_rate: In Hz.
    """
    a = lattice(break_hz, sample_rate)
    wet = _Allpasses.apply(audio.double().cpu(), a.cpu(), feedback.double().cpu(), stages)
    assert isinstance(wet, torch.Tensor)
    return wet.to(audio.device, audio.dtype)


def lattice(break_hz: torch.Tensor, sample_rate: int) -> torch.Tensor:
    """Reflection coefficient of an allpass ``(a + z^-1) / (1 + a z^-1)`` with that break frequency, in float64."""
    warped = torch.tan(angle(break_hz, sample_rate) / 2)
    return (warped - 1) / (warped + 1)


def kernels() -> ModuleType:
    """The compiled loops."""
    from ddsp_match.dsp import time_varying_kernels

    return time_varying_kernels


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().contiguous().numpy()


def _flat(tensor: torch.Tensor) -> np.ndarray:
    return _array(tensor).reshape(-1, tensor.shape[-1])


class _Rows:
    """Map each filtered row to its row of sound and of coefficients."""

    def __init__(self, audio: torch.Tensor, moving: torch.Tensor, still: torch.Tensor) -> None:
        batches = (len(audio), len(moving), len(still))
        self.batch, self.channels, self.n = max(batches), audio.shape[1], audio.shape[2]
        if any(size not in (1, self.batch) for size in batches) or moving.shape[1] != self.n:
            raise ValueError(f"batches of {batches}, and {moving.shape[1]} cutoffs for {self.n} samples, do not fit")
        self.coefficients = max(batches[1:])
        self.of_x = rows_of(self.batch, self.channels, len(audio))
        self.of_c = np.repeat(rows_of(self.batch, 1, self.coefficients), self.channels)
        self.moving = _array(moving.expand(self.coefficients, -1))
        self.still = _array(still.expand(self.coefficients))
        self.sound = _flat(audio)

    def empty(self) -> np.ndarray:
        return np.empty((self.batch * self.channels, self.n))

    def whole(self, outputs: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(outputs).view(self.batch, self.channels, self.n)

    def slopes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return np.zeros_like(self.sound), np.zeros_like(self.moving), np.zeros_like(self.still)


def _back(slopes: tuple[np.ndarray, ...], inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """Slopes in the shapes of what they belong to, summed where that was spread over a batch."""
    into_x, *rest = (torch.from_numpy(slope) for slope in slopes)
    summed = [s.sum(0, keepdim=True) if len(s) > len(g) else s for s, g in zip(rest, inputs[1:], strict=True)]
    return into_x.view(inputs[0].shape), *summed


class _StateVariable(torch.autograd.Function):
    @staticmethod
    def forward(audio: torch.Tensor, g: torch.Tensor, k: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        rows = _Rows(audio, g, k)
        band, low = rows.empty(), rows.empty()
        state = np.zeros((len(band), 2))
        kernels().state_variable(rows.sound, rows.moving, rows.still, rows.of_x, rows.of_c, state, band, low)
        return rows.whole(band), rows.whole(low)

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        ctx.save_for_backward(*inputs, *output)

    @staticmethod
    @once_differentiable
    def backward(ctx, d_band: torch.Tensor, d_low: torch.Tensor):
        *inputs, band, low = ctx.saved_tensors
        rows = _Rows(*inputs)
        slopes = rows.slopes()
        outputs = (_flat(t) for t in (band, low, d_band, d_low))
        kernels().state_variable_backward(
            rows.sound, rows.moving, rows.still, rows.of_x, rows.of_c, *outputs, *slopes
        )
        return _back(slopes, tuple(inputs))


class _Allpasses(torch.autograd.Function):
    @staticmethod
    def forward(ctx, audio: torch.Tensor, a: torch.Tensor, feedback: torch.Tensor, stages: int) -> torch.Tensor:
        rows = _Rows(audio, a, feedback)
        outputs = rows.empty()
        state = np.zeros((len(outputs), stages))
        kernels().allpasses(rows.sound, rows.moving, rows.still, rows.of_x, rows.of_c, state, outputs)
        wet = rows.whole(outputs)
        ctx.save_for_backward(audio, a, feedback, wet)
        ctx.state = state
        return wet

    @staticmethod
    @once_differentiable
    def backward(ctx, d_wet: torch.Tensor):
        *inputs, wet = ctx.saved_tensors
        rows = _Rows(*inputs)
        slopes = rows.slopes()
        kernels().allpasses_backward(
            rows.sound, rows.moving, rows.still, rows.of_x, rows.of_c, ctx.state, _flat(wet), _flat(d_wet), *slopes
        )
        return *_back(slopes, tuple(inputs)), None
