"""Recursive filters with constant coefficients, in the time domain: exact, differentiable, a fraction of a millisecond.

`lfilter` is ``scipy.signal.lfilter`` on batches with gradients into the sound and both rows of coefficients. The
gradient of a recursive filter is the same filter run backwards in time (Forgione and Piga, *dynoNet*, 2021, section
3.2; Yu and Fazekas, *Differentiable Time-Varying Linear Prediction*, 2024, eq. 7), so that forward and backward are
one compiled pass each. Inside, all is float64: float32 coefficients of a low cutoff would move the poles.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch.autograd.function import once_differentiable

from ddsp_match.dsp.frequency_sampling import circle_filter


def lfilter(
    audio: Float[torch.Tensor, "b1 channels samples"],
    b: Float[torch.Tensor, "b2 taps"],
    a: Float[torch.Tensor, "b3 poles"],
) -> Float[torch.Tensor, "batch channels samples"]:
    """Filters sounds by ``sum_k a_k y[n-k] = sum_k b_k x[n-k]``, from rest.

    Args:
        audio: The sounds; every batch may be 1.
        b: Feed-forward coefficients.
        a: Feedback coefficients, `a_0` first, which need not be 1.
    """
    batch = max(len(audio), len(b), len(a))
    for name, tensor in (("audio", audio), ("b", b), ("a", a)):
        if len(tensor) not in (1, batch):
            raise ValueError(f"{name} has a batch of {len(tensor)} beside one of {batch}")
    feed, back = _alike(b.double(), a.double())
    if audio.device.type != "cpu":
        # The loop runs on the CPU; elsewhere the same filter is sampled along a circle in the z-plane.
        return circle_filter(audio, lambda z: polynomial(feed, z) / polynomial(back, z))
    filtered = _Lfilter.apply(audio.double(), feed / back[:, :1], back / back[:, :1])
    assert isinstance(filtered, torch.Tensor)
    return filtered.to(audio.dtype)


def sosfilt(
    audio: Float[torch.Tensor, "b1 channels samples"],
    b: Float[torch.Tensor, "b2 sections taps"],
    a: Float[torch.Tensor, "b3 sections poles"],
) -> Float[torch.Tensor, "batch channels samples"]:
    """Filters sounds by sections one after the other, each as in `lfilter`."""
    dtype = audio.dtype
    audio = audio.double()
    for section in range(b.shape[1]):
        audio = lfilter(audio, b[:, section], a[:, section])
    return audio.to(dtype)


def polynomial(
    coefficients: Float[torch.Tensor, "*batch taps"], z: Complex[torch.Tensor, " points"]
) -> Complex[torch.Tensor, "*batch points"]:
    """``sum_k c_k z^-k`` at points of the z-plane."""
    # By products, for complex powers take thirty times as long.
    powers = torch.cat([torch.ones_like(z)[None], z.reciprocal().expand(coefficients.shape[-1] - 1, -1)]).cumprod(0)
    return coefficients.to(z.dtype) @ powers


def response(
    b: Float[torch.Tensor, "*batch taps"],
    a: Float[torch.Tensor, "*batch poles"],
    sample_rate: int,
    hz: Float[torch.Tensor, " points"],
) -> Complex[torch.Tensor, "*batch points"]:
    """Frequency response of `lfilter`."""
    z = torch.polar(torch.ones_like(hz), 2 * torch.pi / sample_rate * hz)
    return polynomial(b, z) / polynomial(a, z)


def reflections_to_poles(reflections: Float[torch.Tensor, "batch order"]) -> Float[torch.Tensor, "batch order_plus_1"]:
    """Reflection coefficients to feedback coefficients by the step-up recursion; stable if all lie within ±1.

    Source: Markel and Gray, *Linear Prediction of Speech*, 1976, section 5.1.
    """
    a = torch.ones_like(reflections[:, :1])
    nothing = torch.zeros_like(a)
    for index in range(reflections.shape[1]):
        longer = torch.cat([a, nothing], dim=1)
        a = longer + reflections[:, index, None] * longer.flip(1)
    return a


def poles_to_reflections(a: Float[np.ndarray, " order_plus_1"]) -> Float[np.ndarray, " order"]:
    """The inverse of `reflections_to_poles`, for one filter (`a_0` = 1); some lie outside ±1 if it is not stable."""
    reflections = []
    while len(a) > 1:
        k = float(a[-1])
        reflections.append(k)
        rest = max(1 - k * k, 1e-12) if abs(k) < 1 else min(1 - k * k, -1e-12)
        a = ((a - k * a[::-1]) / rest)[:-1]
    return np.array(reflections[::-1])


def rows_of(batch: int, channels: int, inputs: int) -> np.ndarray:
    """Return for each of `batch` × `channels` rows its row among `inputs` × `channels`."""
    sounds = np.arange(batch) if inputs > 1 else np.zeros(batch, dtype=np.int64)
    return (sounds[:, None] * channels + np.arange(channels)).ravel()


def _alike(b: torch.Tensor, a: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Both rows with as many coefficients, at least three: first-order filters share the quickest loop."""
    taps = max(b.shape[1], a.shape[1], 3)
    pad = torch.nn.functional.pad
    return pad(b, (0, taps - b.shape[1])), pad(a, (0, taps - a.shape[1]))


def _kernels() -> ModuleType:
    from ddsp_match.dsp import recursive_kernels

    return recursive_kernels


class _Lfilter(torch.autograd.Function):
    @staticmethod
    def forward(audio: torch.Tensor, b: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
        _, channels, n = audio.shape
        batch = max(len(audio), len(b), len(a))
        coefficients = max(len(b), len(a))
        of_x = rows_of(batch, channels, len(audio))
        of_c = np.repeat(rows_of(batch, 1, coefficients), channels)
        filtered = np.empty((batch * channels, n))
        _kernels().forward(
            audio.detach().contiguous().view(-1, n).numpy(), *_coefficients(b, a, coefficients), of_x, of_c, filtered
        )
        return torch.from_numpy(filtered).view(batch, channels, n)

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        ctx.save_for_backward(*inputs, output)

    @staticmethod
    @once_differentiable
    def backward(ctx, slope: torch.Tensor):
        audio, b, a, filtered = ctx.saved_tensors
        batch, channels, n = filtered.shape
        coefficients = max(len(b), len(a))
        feed, back = _coefficients(b, a, coefficients)
        into_x, into_b, into_a = np.zeros((len(audio) * channels, n)), np.zeros_like(feed), np.zeros_like(back)
        _kernels().backward(
            slope.contiguous().view(-1, n).numpy(),
            audio.contiguous().view(-1, n).numpy(),
            filtered.view(-1, n).numpy(),
            feed,
            back,
            rows_of(batch, channels, len(audio)),
            np.repeat(rows_of(batch, 1, coefficients), channels),
            ctx.needs_input_grad[0],
            into_x,
            into_b,
            into_a,
        )
        slopes = (torch.from_numpy(into_b), torch.from_numpy(into_a))
        summed = [g.sum(0, keepdim=True) if len(g) > len(c) else g for g, c in zip(slopes, (b, a), strict=True)]
        return torch.from_numpy(into_x).view(audio.shape), *summed


def _coefficients(b: torch.Tensor, a: torch.Tensor, rows: int) -> tuple[np.ndarray, np.ndarray]:
    return tuple(c.detach().expand(rows, -1).contiguous().numpy() for c in (b, a))  # pyright: ignore
