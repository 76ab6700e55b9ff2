"""A smooth curve through a row of points: any distortion without memory."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float

from ddsp_match.core.params import Parameter
from ddsp_match.effects.processor import Value
from ddsp_match.effects.static_curve import StaticCurve

HIGHEST = 2.0


@functools.cache
def _places(points: int) -> np.ndarray:
    """Input levels of the points, -1 to 1, closer together near 0, where sounds are most of the time."""
    even = np.linspace(-1, 1, points)
    return np.sign(even) * even**2


@functools.cache
def _slopes(points: int) -> np.ndarray:
    """The matrix that makes slopes at the points from their values: that of the parabola through three neighbours."""
    places = _places(points)
    matrix = np.zeros((points, points))
    for k in range(points):
        around = np.arange(3) + np.clip(k - 1, 0, points - 3)
        powers = np.vander(places[around] - places[k], 3, increasing=True)
        matrix[k, around] = np.linalg.inv(powers)[1]
    return matrix


def _basis(levels: np.ndarray, points: int) -> Float[np.ndarray, "levels points"]:
    """Return the weight of each point in the curve at each level."""
    columns = torch.eye(points, dtype=torch.float64)
    return _through(torch.from_numpy(levels).reshape(1, 1, -1), columns)[:, 0].T.numpy()


def _through(audio: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    points = values.shape[1]
    places = torch.from_numpy(_places(points)).to(audio)
    slopes = values @ torch.from_numpy(_slopes(points)).to(audio).T
    inside = audio.clamp(-1, 1)
    piece = (torch.bucketize(inside.detach().contiguous(), places, right=True) - 1).clamp(0, points - 2)
    width = (places[1:] - places[:-1])[piece]
    t = (inside - places[piece]) / width
    batch = max(len(audio), len(values))
    shape = (batch, *audio.shape[1:])

    def pick(row: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        rows = row.expand(batch, -1)
        return rows.gather(1, index.expand(shape).reshape(batch, -1)).reshape(shape)

    hermite = (
        pick(values, piece) * (1 + 2 * t) * (1 - t) ** 2
        + pick(slopes, piece) * width * t * (1 - t) ** 2
        + pick(values, piece + 1) * t**2 * (3 - 2 * t)
        + pick(slopes, piece + 1) * width * t**2 * (t - 1)
    )
    # Straight on beyond the ends.
    end = pick(slopes, torch.where(audio > 0, points - 1, 0))
    return hermite + end * (audio - inside)


@dataclass(frozen=True)
class Waveshaper(StaticCurve):
    """A cubic curve through points: cubic Hermite pieces, the slopes from parabolas through three neighbours.

    Args:
        points: How many points, odd, 5 or more.
    """

    name: ClassVar[str] = "waveshaper"
    title: ClassVar[str] = "any smooth curve from input to output"
    equation: ClassVar[str] = (
        "y[n] = c(x[n]), c cubic between the points (sign(t_k) t_k^2, curve_k), t_k = -1 ... 1 evenly; straight beyond"
    )
    points: int = 9

    def __post_init__(self) -> None:
        if self.points < 5 or self.points % 2 == 0:
            raise ValueError(f"{self.points} points: an odd number from 5 is needed")

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """The output at each point."""
        neutral = tuple(_places(self.points).tolist())
        return (Parameter("curve", "output at each point", neutral, -HIGHEST, HIGHEST, size=self.points),)

    def shape(self, audio: torch.Tensor, knobs: dict[str, torch.Tensor]) -> torch.Tensor:
        """See `StaticCurve.shape`."""
        return _through(audio, knobs["curve"])

    def guesses(self, dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> list[dict[str, Value]]:
        """Least squares: the curve is linear in its points."""
        basis = _basis(dry.reshape(-1)[:400_000].astype(np.float64), self.points)
        goal = wet.reshape(-1)[:400_000]
        # Points that no sample reaches follow the level of the others.
        neutral = _places(self.points)
        level = float(goal @ (basis @ neutral)) / max(float(np.square(basis @ neutral).sum()), 1e-20)
        gram = basis.T @ basis
        weight = 1e-6 * max(float(np.trace(gram)) / self.points, 1e-20)
        solution = np.linalg.solve(gram + weight * np.eye(self.points), basis.T @ goal + weight * level * neutral)
        return [{"curve": np.clip(solution, -HIGHEST, HIGHEST)}]
