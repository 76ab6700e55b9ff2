"""Zimtohrli's opinion score, where Zimtohrli is installed. The only file that imports it."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util

import numpy as np

from ddsp_match.core.audio import Audio, resample

RATE = 48_000
# One score may flip by 0.9 when both sounds are shifted by some milliseconds; the median over these pads does not.
PADS = (0, 997, 2003, 3001, 4001, 5003, 6007)
HOW_TO_GET = "pip install 'ddsp-match[mos]'"


@functools.cache
def version() -> str | None:
    """The installed version of Zimtohrli; None where there is none."""
    if importlib.util.find_spec("zimtohrli") is None:
        return None
    return importlib.metadata.version("zimtohrli")


def signal_of(sound: Audio) -> np.ndarray:
    """Return a sound as Zimtohrli takes it: ``(n,)`` float32 at 48 kHz, the mean of the channels."""
    return np.ascontiguousarray(resample(Audio(sound.mono()[None], sound.sample_rate), RATE).samples[0], np.float32)


def opinion(target: np.ndarray, match: np.ndarray, pads: int = len(PADS)) -> float:
    """The opinion score of a match, 1 to 5: the median over leading pads of silence.

    Args:
        target: The sound, as `signal_of` gives it.
        match: Its match, the same way.
        pads: How many pads to take, 1 to 7: the time it takes grows with them, the chance of a freak value falls.

    Raises:
        ImportError: Zimtohrli is not installed.
    """
    from zimtohrli import mos_from_signals

    n = min(len(target), len(match))
    scores = [mos_from_signals(np.pad(target[:n], (pad, 0)), np.pad(match[:n], (pad, 0))) for pad in PADS[:pads]]
    return float(np.median(scores))
