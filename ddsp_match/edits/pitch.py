"""Edits of pitch: transposition, the contour of f0, vibrato. All take separated controls."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.edits.warp import Formant, warp


def transpose(controls: Controls, timebase: Timebase, semitones: float, formant: Formant = "keep") -> Controls:
    """The same sound higher or lower, as long as it was.

    Args:
        controls: Separated controls.
        timebase: Their frame grid.
        semitones: How far up, fractions allowed; negative is down.
        formant: ``keep`` leaves the spectral envelope and the noise where they are, as one instrument playing another
            note; ``move`` takes them along, as a tape at another speed.

    Returns:
        Controls without partials at or above Nyquist; what a lower pitch has room for there comes from the envelope.
    """
    return warp(controls, timebase, _all_frames(controls), 2 ** (semitones / 12), formant=formant)


def contour(controls: Controls, timebase: Timebase, depth: float) -> Controls:
    """f0 drawn towards its median or away from it, in cents.

    Args:
        controls: Separated controls.
        timebase: Their frame grid.
        depth: 0 is flat, 1 as it was, 2 twice as far away.
    """
    f0_hz = controls.f0_hz[0].double()
    level = controls.amplitude.sum(0)
    sounding = f0_hz[level > 0.01 * level.max()]
    median_hz = (sounding if len(sounding) else f0_hz).median()
    return warp(controls, timebase, _all_frames(controls), (f0_hz / median_hz) ** (depth - 1), formant="keep")


def vibrato(
    controls: Controls, timebase: Timebase, rate_hz: float, depth_cents: float, delay_s: float = 0.3
) -> Controls:
    """A vibrato on top of the f0 that is there. The envelope stays, so that harmonics swell as they pass a formant.

    Args:
        controls: Separated controls.
        timebase: Their frame grid.
        rate_hz: Swings a second, below half the frame rate.
        depth_cents: How far either way.
        delay_s: Seconds before it begins; it then swells over as long again.
    """
    time_s = _all_frames(controls) / timebase.frame_rate
    swell = ((time_s - delay_s) / max(delay_s, 1e-3)).clamp(0, 1)
    cents = depth_cents * swell * torch.sin(2 * math.pi * rate_hz * (time_s - delay_s))
    return warp(controls, timebase, _all_frames(controls), 2 ** (cents / 1200), formant="keep")


def replace_f0(controls: Controls, timebase: Timebase, f0_hz: Float[torch.Tensor, " frames"]) -> Controls:
    """Another f0 under the same sound, its envelope kept.

    Args:
        controls: Separated controls.
        timebase: Their frame grid.
        f0_hz: The new f0 in Hz at each frame, > 0.
    """
    return warp(controls, timebase, _all_frames(controls), f0_hz / controls.f0_hz[0], formant="keep")


def _all_frames(controls: Controls) -> Float[torch.Tensor, " frames"]:
    return torch.arange(controls.n_frames, dtype=torch.float64)
