"""Fit the harmonics of a sound whose f0 is known, in closed form.

With f0 fixed the sound is linear in the complex amplitudes, so the ones that explain it best are the solution of a
linear least-squares problem. What keeps it from explaining noise with wildly modulated harmonics is a penalty on the
second difference of the amplitudes over time: a smoothing spline (Whittaker 1923; Hodrick and Prescott 1997) through
the demodulated harmonics, solved for all of them together by conjugate gradients.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from jaxtyping import Bool, Complex, Float

from ddsp_match.core.timebase import Timebase

# Beyond a third of f0 the sidebands of one harmonic could as well belong to its neighbour.
BANDWIDTH_OVER_F0 = 1 / 3
ITERATIONS = 14  # 10 and 30 gave the same loss to three digits on six sounds from 110 to 520 Hz


# What `smoothness` lets through, 1 / (1 + (f / bandwidth)^4), holds noise as a band of so many bandwidths does.
NOISE_WIDTH = 3 * math.pi / (4 * math.sqrt(2))
EDGE_FRAMES = 64  # beyond half of these the edge of a sound is not felt


class HarmonicOperator(Protocol):
    """A linear map from complex amplitudes to samples, with its adjoint."""

    def harmonics(self, amplitudes: torch.Tensor) -> torch.Tensor:
        """Complex amplitudes ``(batch, harmonics, frames)`` to samples ``(batch, samples)``."""
        ...

    def adjoint(self, samples: torch.Tensor) -> torch.Tensor:
        """Samples to the gradient with respect to the amplitudes."""
        ...


def smoothness(
    f0_hz: Float[torch.Tensor, "batch frames"], timebase: Timebase, bandwidth_hz: float
) -> Float[torch.Tensor, "batch 1 inner"]:
    """Weight of the squared second difference at which modulation of `bandwidth_hz` is halved.

    Args:
        f0_hz: Distance of the partials in Hz; a bandwidth below half the frame rate is at most a third of it.
        timebase: Frame grid.
        bandwidth_hz: Modulation frequency in Hz above which the amplitudes are smoothed away. At half the frame rate
            they are hardly smoothed, however near the partials lie: what two of them could explain, they share.
    """
    bandwidth = torch.full_like(f0_hz[:, 1:-1], bandwidth_hz)
    if bandwidth_hz < timebase.frame_rate / 2:
        bandwidth = torch.minimum(bandwidth, f0_hz[:, 1:-1] * BANDWIDTH_OVER_F0)
    angle = (math.pi * bandwidth / timebase.frame_rate).clamp(max=math.pi / 2)
    return (2 * torch.sin(angle)).pow(-4).unsqueeze(1)


def analysis_width(base_hz: torch.Tensor, bandwidth_hz: float) -> torch.Tensor:
    """The bandwidth in Hz in which partials of this distance are analysed."""
    return torch.minimum(torch.full_like(base_hz, bandwidth_hz), base_hz * BANDWIDTH_OVER_F0)


def edge_gain(
    base_hz: Float[torch.Tensor, "batch frames"], timebase: Timebase, bandwidth_hz: float
) -> Float[torch.Tensor, " frames"]:
    """How much more noise a partial holds at the edges of a sound, where nothing lies on one side to smooth it.

    The variance of the least-squares amplitudes in each frame, over that in the middle: about 4 in the outermost.
    """
    frames = base_hz.shape[1]
    size = min(frames, EDGE_FRAMES)
    weight = float(smoothness(base_hz, timebase, bandwidth_hz).median()) if frames > 2 else 0.0
    mass = (2 / 3) * torch.eye(size, dtype=torch.float64)
    mass += torch.diag(torch.full((size - 1,), 1 / 6, dtype=torch.float64), 1)
    mass += torch.diag(torch.full((size - 1,), 1 / 6, dtype=torch.float64), -1)
    mass[0, 0] = mass[-1, -1] = 1 / 3
    bend = torch.eye(size, dtype=torch.float64).diff(2, 0)
    inverse = torch.linalg.inv(mass + weight * bend.T @ bend)
    variance = (inverse @ mass @ inverse).diagonal()
    gain = (variance / variance[size // 2]).to(base_hz)
    out = torch.ones(frames, device=base_hz.device)
    out[: size // 2] = gain[: size // 2]
    out[frames - size // 2 :] = gain[size - size // 2 :]
    return out


def fit_harmonics(
    target: Float[torch.Tensor, "batch samples"],
    operator: HarmonicOperator,
    weight: Float[torch.Tensor, "batch partials inner"],
    timebase: Timebase,
    iterations: int = ITERATIONS,
    audible: Bool[torch.Tensor, "batch partials frames"] | None = None,
) -> Complex[torch.Tensor, "batch harmonics frames"]:
    """Complex amplitudes that explain the target best among the smooth ones.

    Args:
        target: The sound.
        operator: The synthesis of harmonics along the known f0.
        weight: Smoothness from `smoothness`, for all partials (one row) or each; 0 fits the sound as closely as the
            frame rate allows.
        timebase: Frame grid.
        iterations: Conjugate-gradient steps.
        audible: Which amplitudes may differ from zero: those below Nyquist. Without it all of them.

    Returns:
        ``c`` such that ``sum_k |c_k| sin(k phi + arg c_k)`` is near the target.
    """
    # A sinusoid's mean square is a half, so the normal matrix is about hop / 2 on the diagonal, whatever f0 is.
    scale = timebase.hop / 2
    weight = scale * weight
    ridge = 1e-4 * scale

    # The normal matrix is never built: its product is one synthesis and one adjoint.
    def normal(c: torch.Tensor) -> torch.Tensor:
        bend = weight * (c[..., 2:] - 2 * c[..., 1:-1] + c[..., :-2])
        out = operator.adjoint(operator.harmonics(c)) + ridge * c
        out[..., :-2] += bend
        out[..., 1:-1] -= 2 * bend
        out[..., 2:] += bend
        return kept(out)

    def kept(c: torch.Tensor) -> torch.Tensor:
        return c if audible is None else c * audible

    residual = kept(operator.adjoint(target))
    solution = torch.zeros_like(residual)
    # Jacobi preconditioner: 2/3 is the mean square of linear interpolation, 6 the square of the difference (1, -2, 1).
    diagonal = torch.full_like(residual.real, scale * 2 / 3)
    diagonal[..., 1:-1] += 6 * weight
    direction = preconditioned = residual / diagonal
    energy = _inner(residual, preconditioned)
    for _ in range(iterations):
        if not float(energy.max()) > 0:
            break
        image = normal(direction)
        step = energy / _inner(direction, image).clamp(min=1e-30)
        solution = solution + step * direction
        residual = residual - step * image
        preconditioned = residual / diagonal
        new_energy = _inner(residual, preconditioned)
        direction = preconditioned + new_energy / energy.clamp(min=1e-30) * direction
        energy = new_energy
    return solution


def _inner(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a.real * b.real + a.imag * b.imag).sum((1, 2), keepdim=True)


def refined_f0(
    f0_hz: Float[torch.Tensor, "batch frames"],
    amplitudes: Complex[torch.Tensor, "batch harmonics frames"],
    timebase: Timebase,
    *,
    smooth_frames: int = 5,
    strongest: int = 20,
) -> Float[torch.Tensor, "batch frames"]:
    """Refine f0 by the drift of the harmonics' phases, in closed form.

    A harmonic ``k`` whose phase turns by ``d`` radians a frame says that f0 is off by ``d / (2 pi k)`` times the frame
    rate. The harmonics are averaged, weighted with their energy times ``k ** 2``, which is the least-squares estimate.

    Args:
        f0_hz: The f0 that the amplitudes were found for.
        amplitudes: From `fit_harmonics`.
        timebase: Frame grid.
        smooth_frames: Half-width of the Hann window the votes are smoothed with.
        strongest: Harmonics above this one do not vote: stretched partials would pull f0 up.

    Returns:
        The new f0, the same for all signals of the batch when the old one was.
    """
    c = amplitudes[:, :strongest]
    k = torch.arange(1, c.shape[1] + 1, device=c.device).view(1, -1, 1)
    turn = c[..., 1:] * c[..., :-1].conj()
    votes = turn.abs() * k.square()
    angle = torch.angle(turn) / k
    if bool((f0_hz == f0_hz[:1]).all()):
        angle, votes = (angle * votes).sum(0, keepdim=True), votes.sum(0, keepdim=True)
    else:
        angle = angle * votes
    window = torch.hann_window(2 * smooth_frames + 1, periodic=False, device=c.device).view(1, 1, -1)
    smoothed = [
        torch.nn.functional.conv1d(part.sum(1, keepdim=True), window, padding=smooth_frames).squeeze(1)
        for part in (angle, votes)
    ]
    # Where there is next to no energy nobody votes and f0 stays.
    floor = 1e-6 * smoothed[1].amax(1, keepdim=True) + 1e-30
    between = smoothed[0] / (smoothed[1] + floor) * (timebase.frame_rate / (2 * math.pi))
    padded = torch.nn.functional.pad(between.unsqueeze(1), (1, 1), mode="replicate").squeeze(1)
    return f0_hz + (padded[:, 1:] + padded[:, :-1]) / 2


def bounded_cents(
    f0_hz: Float[torch.Tensor, "batch frames"], around_hz: Float[torch.Tensor, "batch frames"], cents: float
) -> Float[torch.Tensor, "batch frames"]:
    """f0 kept within so many cents of another."""
    factor = 2 ** (cents / 1200)
    return f0_hz.clamp(around_hz / factor, around_hz * factor)
