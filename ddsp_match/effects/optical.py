"""An optical levelling amplifier: a light, driven by the sound, shines on a photocell that turns the sound down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from ddsp_match.core.params import Parameter
from ddsp_match.dsp.ballistics import share_at_cutoff, share_per_sample
from ddsp_match.effects.compressor import DECIBEL
from ddsp_match.effects.dynamics import Dynamics, State, linked_level, smoothed

QUIETEST = 1e-24  # power of the faintest light that counts, so that a power of it has a slope
TOP = 100.0  # peak reduction at its end; the light is then 100 times as bright as at 21.5


@dataclass(frozen=True)
class Optical(Dynamics):
    """A grey box of the units with a photocell in a voltage divider, and of the amplifier behind it.

    The gain of the divider is 1 / (1 + c): c is the conductance of the cell, and grows with a power of the level. Part
    of the cell is quick, part of it slow, and each part lights up faster than it forgets. Unlike a threshold with a
    ratio, this curve has one shape for all levels: what soft sound shows of it tells what loud sound will do.

    Args:
        linked: Whether the louder channel turns both down.
    """

    name: ClassVar[str] = "optical"
    title: ClassVar[str] = "optical levelling amplifier"
    equation: ClassVar[str] = (
        "y = 10^(makeup_db/20) a(h(x / (1 + (1 - slow_share) c1 + slow_share c2))), c1 and c2 follow (d |k(x)|)^power, "
        "d = 100 (peak_reduction/100)^3, k highpass at key_lowcut_hz, h bandpass from coupling_hz to rolloff_us, "
        "a(z) = z / sqrt(1 + 2 saturation z^2)"
    )
    source: ClassVar[str] = (
        "photocell in a divider, after the circuit of the Teletronix LA-2A; the follower after Giannoulis et al. 2012"
    )
    linked: bool = False

    @property
    def knobs(self) -> tuple[Parameter, ...]:
        """Light, times of the quick and the slow part, side chain, and amplifier; no peak reduction, no light."""
        return (
            Parameter("peak_reduction", "how bright the light is", 0.0, 0.0, TOP),
            Parameter("power", "how steeply the conductance grows with the level", 1.7, 0.7, 3.0, curve="log"),
            Parameter("attack_ms", "time to 63 % of the quick part, up", 10.0, 0.5, 300.0, "ms", "log"),
            Parameter("release_ms", "the same, down", 30.0, 1.0, 1000.0, "ms", "log"),
            Parameter("slow_share", "how much of the cell is slow", 0.3, 0.0, 0.9),
            Parameter("slow_attack_ms", "time to 63 % of the slow part, up", 80.0, 5.0, 1000.0, "ms", "log"),
            Parameter("slow_release_ms", "the same, down", 300.0, 50.0, 5000.0, "ms", "log"),
            Parameter("held_db", "reduction at the start, from sound before it", 0.0, 0.0, 20.0, "dB"),
            Parameter("key_lowcut_hz", "first-order highpass before the light", 0.0, 0.0, 300.0, "Hz"),
            Parameter("coupling_hz", "first-order highpass of the amplifier", 0.0, 0.0, 40.0, "Hz"),
            Parameter("rolloff_us", "time constant of the amplifier's first-order lowpass", 0.0, 0.0, 60.0, "us"),
            Parameter("saturation", "how much the amplifier bends loud samples", 0.0, 0.0, 20.0),
            Parameter("makeup_db", "level at the end", 0.0, -30.0, 30.0, "dB"),
        )

    def turned(
        self, audio: torch.Tensor, knobs: dict[str, torch.Tensor], sample_rate: int, state: State
    ) -> tuple[torch.Tensor, State]:
        """See `Dynamics.turned`."""
        key_lows = _lowpass(audio, share_at_cutoff(knobs["key_lowcut_hz"], sample_rate), state.get("key_low"))
        drive = TOP * (knobs["peak_reduction"] / TOP) ** 3
        power = knobs["power"]
        level = linked_level(audio - key_lows, self.linked)
        light = drive**power * (level.square() + QUIETEST) ** (power / 2)
        before = torch.expm1(DECIBEL * knobs["held_db"]).expand(len(knobs["held_db"]), light.shape[1], 1)
        cells = []
        for which in ("", "slow_"):
            rise = share_per_sample(knobs[f"{which}attack_ms"], sample_rate)
            fall = share_per_sample(knobs[f"{which}release_ms"], sample_rate)
            cells.append(smoothed(light, rise, fall, state.get(f"{which}cell", before)))
        quick, slow = cells
        turned = audio / (1 + quick + knobs["slow_share"] * (slow - quick))
        lows = _lowpass(turned, share_at_cutoff(knobs["coupling_hz"], sample_rate), state.get("low"))
        # At 0 us it changes nothing. It is also how a part of a sample is late.
        share = share_per_sample((knobs["rolloff_us"] / 1000).clamp(min=1e-6), sample_rate)
        turned = _lowpass(turned - lows, share, state.get("top"))
        bent = turned * torch.rsqrt(1 + 2 * knobs["saturation"] * turned.square())
        now = {"key_low": key_lows, "low": lows, "top": turned, "cell": quick, "slow_cell": slow}
        last = {name: values[..., -1:] for name, values in now.items()}
        return bent * torch.exp(DECIBEL * knobs["makeup_db"]), last

    def tries(self) -> dict[str, np.ndarray]:
        """See `Dynamics.tries`."""
        grid = np.meshgrid([12.0, 22.0, 32.0, 42.0, 52.0, 64.0, 78.0], [1.0, 1.7], [4.0, 20.0], [5.0, 30.0, 120.0])
        names = ("peak_reduction", "power", "attack_ms", "release_ms")
        tries = {name: values.ravel() for name, values in zip(names, grid, strict=True)}
        count = len(tries["power"])
        # Where these start from decides little, but off their ends they have slopes that lead the search.
        usual = {"held_db": 1.0, "key_lowcut_hz": 15.0, "coupling_hz": 3.0, "rolloff_us": 8.0, "saturation": 0.5}
        return {**tries, **{name: np.full(count, value) for name, value in usual.items()}}


def _lowpass(audio: torch.Tensor, share: torch.Tensor, last: torch.Tensor | None) -> torch.Tensor:
    """A one-pole lowpass that goes on from its last value."""
    return smoothed(audio, share, share, torch.zeros_like(audio[..., :1]) if last is None else last)
