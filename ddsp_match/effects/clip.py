"""Clipping: hard at two levels, and soft with a bend of any hardness."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch

from ddsp_match.core.params import Parameter
from ddsp_match.dsp.levels import levelled
from ddsp_match.effects.processor import Value
from ddsp_match.effects.static_curve import StaticCurve

HIGHEST = 2.0  # clip level that no sound between -1 and 1 reaches, with room for peaks made earlier in a chain
PICKED = 5000  # about so many samples decide between two clip levels
ANALYSED = 50_000  # samples of a pair that a first guess analyses
# As much as the drive takes away, and some more.
MAKEUP = Parameter("makeup_db", "level at the end", 0.0, -60.0, 60.0, "dB", recent=True)
QUIETEST = 1e-12  # below any sound, so that a logarithm has a value


class Clip(StaticCurve):
    """Cuts off what lies beyond two levels."""

    name: ClassVar[str] = "clip"
    title: ClassVar[str] = "hard clipping at two levels"
    equation: ClassVar[str] = "y[n] = min(max(x[n], low), high)"

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """The two levels; at 2 they do nothing to sounds within -1 to 1."""
        return (
            Parameter("low", "lowest sample that passes", -HIGHEST, -HIGHEST, 0.0),
            Parameter("high", "highest sample that passes", HIGHEST, 0.0, HIGHEST),
        )

    def shape(self, audio: torch.Tensor, knobs: dict[str, torch.Tensor]) -> torch.Tensor:
        """See `StaticCurve.shape`."""
        return torch.clamp(audio, knobs["low"], knobs["high"])

    def guesses(self, dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> list[dict[str, Value]]:
        """The extremes of the wet sound; and the levels at which the dry one, cut, resembles it most."""
        low, high = np.clip(float(wet.min()), -HIGHEST, 0), np.clip(float(wet.max()), 0, HIGHEST)
        extremes: dict[str, Value] = {"low": float(low), "high": float(high)}
        loudest = min(float(np.abs(dry).max()), HIGHEST)
        if loudest < QUIETEST:
            return [extremes]
        # A filter or a level change behind may have moved the extremes, but not the resemblance. Both levels at once,
        # on samples here and there: a curve without memory needs no more.
        tops = loudest * np.geomspace(0.02, 1.0, 24)
        lows, highs = (levels.reshape(-1, 1) for levels in np.meshgrid(-tops, tops))
        some = slice(None, None, max(1, dry.size // PICKED))
        clipped = np.minimum(np.maximum(dry.reshape(1, -1)[:, some], lows), highs)
        best = int(levelled(clipped, wet.reshape(-1)[some])[1].argmin())
        low, high = lows[best, 0], highs[best, 0]
        return [extremes, {"low": float(low), "high": float(high)}]


class SoftClip(StaticCurve):
    """Bends large samples towards a ceiling, gently or hard, and unevenly with a bias."""

    name: ClassVar[str] = "soft_clip"
    title: ClassVar[str] = "soft clipping"
    equation: ClassVar[str] = (
        "y = 10^(makeup_db/20) (f(x + bias) - f(bias)), f(x) = x (1 + |d x|^hardness)^(-1/hardness), "
        "d = 10^(drive_db/20) - 1"
    )

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """Drive, hardness, bias and level. Without drive nothing is bent; before makeup, small samples stay alike."""
        return (
            Parameter("drive_db", "how low the ceiling hangs: at 1 / d", 0.0, 0.0, 50.0, "dB"),
            Parameter("hardness", "2.5 is like tanh, 20 nearly cuts", 2.5, 1.0, 20.0, curve="log"),
            Parameter("bias", "unevenness: even harmonics", 0.0, -0.5, 0.5),
            MAKEUP,
        )

    def shape(self, audio: torch.Tensor, knobs: dict[str, torch.Tensor]) -> torch.Tensor:
        """See `StaticCurve.shape`."""
        depth = torch.expm1(knobs["drive_db"] * (np.log(10) / 20))

        def bend(x: torch.Tensor) -> torch.Tensor:
            # The power through its logarithm: large drives would overflow float32.
            power = knobs["hardness"] * torch.log((depth * x).abs().clamp(min=QUIETEST))
            return x * torch.exp(-torch.nn.functional.softplus(power, threshold=60) / knobs["hardness"])

        level = torch.exp(knobs["makeup_db"] * (np.log(10) / 20))
        return level * (bend(audio + knobs["bias"]) - bend(knobs["bias"]))

    def guesses(self, dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> list[dict[str, Value]]:
        """The three bends that make the dry sound most like the wet one, each at its best level and without makeup."""
        drives, hardnesses = np.meshgrid(np.linspace(1, 45, 23), [1.2, 2.5, 6.0])
        sound = torch.from_numpy(np.ascontiguousarray(dry.reshape(1, 1, -1)[..., :ANALYSED]))
        knobs = {"drive_db": drives.ravel(), "hardness": hardnesses.ravel()}
        shaped = self(sound, sample_rate, **knobs)[:, 0].numpy()
        levels, residual = levelled(shaped, wet.reshape(-1)[:ANALYSED])
        makeup_db = np.clip(20 * np.log10(np.maximum(levels, QUIETEST)), MAKEUP.low, MAKEUP.high)
        bends = [(i, {name: float(values[i]) for name, values in knobs.items()}) for i in residual.argsort()[:3]]
        return [{**bend, **level} for i, bend in bends for level in ({"makeup_db": float(makeup_db[i])}, {})]
