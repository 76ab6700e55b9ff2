"""The direct form: one recursion of any order up to eight, in knobs that keep it stable.

Feedback coefficients are no knobs: those of a stable filter fill an oddly shaped body. Their reflection coefficients
fill a box, every point of which is stable (Markel and Gray 1976, section 5.1). High orders with poles crowded near the
circle lose their digits in the direct form, whatever the knobs; so the box is smaller for them, and low cutoffs of
high order belong to ``sos``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from scipy.linalg import lstsq
from scipy.signal import lfilter

from ddsp_match.core.params import Parameter
from ddsp_match.dsp import recursive
from ddsp_match.effects.processor import Processor, Value

LEVEL = 4.0  # highest feed-forward tap, either polarity
CLOSEST = 0.999  # largest reflection: an order of 1 decays by 60 dB within 6900 samples
CONDITION = 1e-12  # least share of its input's power that a predictor of full order may leave
REFINEMENTS = 8  # of the Steiglitz-McBride iteration; it settles in about five
LONGEST = 48_000  # samples that a first guess looks at


@dataclass(frozen=True)
class Iir(Processor):
    """Recursive filter in direct form.

    Args:
        order: Of the recursion, and number of taps less one, 1 to 8.
    """

    name: ClassVar[str] = "iir"
    title: ClassVar[str] = "recursive filter in direct form"
    equation: ClassVar[str] = "y[n] = sum_k b_k x[n-k] - sum_k a_k y[n-k], a by the step-up recursion"
    source: ClassVar[str] = "J. D. Markel and A. H. Gray, Linear Prediction of Speech (1976), section 5.1"
    linear: ClassVar[bool] = True
    rate_bound: ClassVar[bool] = True
    order: int = 2

    def __post_init__(self) -> None:
        if not 1 <= self.order <= 8:
            raise ValueError(f"iir: an order of {self.order}, where 1 to 8 are allowed")

    @property
    def furthest(self) -> float:
        """The largest reflection: full order at all of them still leaves `CONDITION` of the power."""
        return min(CLOSEST, float(np.sqrt(1 - CONDITION ** (1 / self.order))))

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """Taps and reflections."""
        unit = (1.0,) + (0.0,) * self.order
        edge = self.furthest
        return (
            Parameter("taps", "feed-forward coefficients b_0, b_1, ...", unit, -LEVEL, LEVEL, size=self.order + 1),
            Parameter(
                "reflections",
                "feedback as reflection coefficients; a_k by the step-up recursion",
                (0.0,) * self.order,
                -edge,
                edge,
                size=self.order,
            ),
        )

    def coefficients(self, **knobs: Value) -> tuple[np.ndarray, np.ndarray]:
        """The plain ``b`` and ``a`` of one setting, as `scipy.signal.lfilter` takes them."""
        return _plain(self.arrays(knobs))

    def settings(self, b: Float[np.ndarray, " taps"], a: Float[np.ndarray, " poles"]) -> dict[str, Value]:
        """The knobs of a filter that is given by ``b`` and ``a``: inverse of `coefficients`.

        Poles outside the unit circle are mirrored into it, which keeps the magnitude but for a factor; what lies out
        of range then is moved to its end.
        """
        taps = np.zeros(self.order + 1)
        taps[: len(b)] = np.asarray(b)[: self.order + 1] / a[0]
        back = np.zeros(self.order + 1)
        back[: len(a)] = np.asarray(a)[: self.order + 1] / a[0]
        reflections = recursive.poles_to_reflections(back)
        if np.abs(reflections).max() >= 1:
            poles = np.roots(back)
            poles = np.where(np.abs(poles) >= 1, 1 / np.conj(poles), poles)
            mirrored = np.zeros(self.order + 1)
            shortened = np.poly(0.9999 * poles).real
            mirrored[: len(shortened)] = shortened
            reflections = recursive.poles_to_reflections(mirrored)
        edge = self.furthest
        return {"taps": np.clip(taps, -LEVEL, LEVEL), "reflections": np.clip(reflections, -edge, edge)}

    def process(self, audio: torch.Tensor, knobs: dict[str, torch.Tensor], sample_rate: int) -> torch.Tensor:
        """See `Processor.process`."""
        return recursive.lfilter(audio, knobs["taps"], recursive.reflections_to_poles(knobs["reflections"].double()))

    def stream(self, knobs: dict[str, np.ndarray], sample_rate: int, channels: int) -> _Stream:
        """See `Processor.stream`."""
        return _Stream(*_plain(knobs), channels)

    def response(self, knobs: dict[str, torch.Tensor], sample_rate: int, hz: torch.Tensor) -> torch.Tensor:
        """See `Processor.response`."""
        a = recursive.reflections_to_poles(knobs["reflections"].double())
        return recursive.response(knobs["taps"].double(), a, sample_rate, hz)

    def guesses(self, dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> list[dict[str, Value]]:
        """Least squares on the recursion itself, then on its output (Steiglitz and McBride, 1965)."""
        if not dry.any() or not wet.any():
            return []
        dry, wet = dry[:, :LONGEST], wet[:, :LONGEST]
        settings, errors = [], []
        a = np.eye(1, self.order + 1)[0]
        for _ in range(REFINEMENTS):
            # Both sounds through the last 1 / A: the equation error becomes that of the output as A settles.
            b, a = _equation_error(*(np.asarray(lfilter([1.0], a, s)) for s in (dry, wet)), order=self.order)
            setting = self.settings(b, a)
            b, a = self.coefficients(**setting)
            errors.append(float(np.square(lfilter(b, a, dry) - wet).sum()))
            settings.append(setting)
        best = int(np.argmin(errors))
        return [settings[best], *([settings[0]] if best else [])]


def _equation_error(dry: np.ndarray, wet: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray]:
    """``b`` and ``a`` for which ``a * wet - b * dry`` has the least power."""

    def late(sound: np.ndarray, k: int) -> np.ndarray:
        return np.pad(sound, ((0, 0), (k, 0)))[:, : sound.shape[1]].ravel()

    table = [late(dry, k) for k in range(order + 1)] + [-late(wet, k) for k in range(1, order + 1)]
    solved = np.asarray(lstsq(np.stack(table, axis=1), wet.ravel(), lapack_driver="gelsy")[0])  # pyright: ignore
    return solved[: order + 1], np.concatenate([[1.0], solved[order + 1 :]])


def _plain(knobs: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    a = recursive.reflections_to_poles(torch.from_numpy(knobs["reflections"])[None])[0].numpy()
    return knobs["taps"], a


class _Stream:
    latency = 0

    def __init__(self, b: np.ndarray, a: np.ndarray, channels: int) -> None:
        self.b, self.a = b, a
        self.state = np.zeros((channels, len(a) - 1))

    def __call__(self, block: np.ndarray) -> np.ndarray:
        out, self.state = lfilter(self.b, self.a, block, zi=self.state)
        return np.asarray(out)
