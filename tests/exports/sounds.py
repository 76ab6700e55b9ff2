"""Small controls and patches made by hand."""

from __future__ import annotations

import numpy as np
import torch

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.effects.rack import Rack
from ddsp_match.patch import Patch

TIMEBASE = Timebase.at(16_000)


def sung(
    midi: np.ndarray, level_db: np.ndarray, n_partials: int = 8, divisions: int = 1, noise_db: float = -200.0
) -> Controls:
    """Harmonics that fall by 6 dB an octave along a melody of fractional MIDI keys, at a level in dB (rms)."""
    frames = len(midi)
    f0 = torch.tensor(440 * 2 ** ((np.asarray(midi) - 69) / 12), dtype=torch.float32).unsqueeze(0)
    share = torch.zeros(n_partials * divisions)
    share[divisions - 1 :: divisions] = 1 / torch.arange(1, n_partials + 1)
    share = share / share.sum()
    rms = torch.tensor(10 ** (np.asarray(level_db) / 20), dtype=torch.float32)
    amplitude = rms * 2**0.5 / share.square().sum().sqrt()
    distribution = share.view(1, -1, 1).expand(1, -1, frames).contiguous()
    noise = torch.full((1, 129, frames), 10 ** (noise_db / 20))
    return Controls(f0, amplitude.unsqueeze(0), distribution, noise, divisions=divisions)


def patch_of(midi: np.ndarray | None = None, effects: Rack | None = None, **provenance: object) -> Patch:
    keys = np.full(101, 69.2) if midi is None else midi
    return Patch.of(
        sung(keys, np.full(len(keys), -20.0)),
        TIMEBASE,
        TIMEBASE.samples(len(keys)),
        noise_seed=4,
        phase="static",
        offset=[0.01],
        provenance={"sound": "a.wav", **provenance},
        effects=effects,
    )
