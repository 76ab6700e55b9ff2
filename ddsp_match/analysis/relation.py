"""Test if one sound was made from another, by any effect: four kinds of evidence, each sufficient.

A filter or a compressor leaves the waveform, distortion leaves its shape, ring modulation leaves the fine envelope, and
a chorus leaves the envelopes of bands. Two unrelated sounds share none of these. Two instruments that play the same
notes together may: where their partials are locked to one another nothing separates them from an effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float
from scipy import signal

from ddsp_match.analysis.alignment import Alignment, align, cut, paired, shaped_share
from ddsp_match.analysis.correlation import correlations, envelope_correlations, sharpest
from ddsp_match.dsp.cross_spectra import segment_size

# What a pair must reach: set between real and made pairs of many effects, and pairs of other sounds.
WAVE, WAVE_SHARPNESS = 25.0, 0.33  # deviations times sharpness of the best correlation, and its sharpness
SHAPE = 0.7  # share of energy that filters of waveshaped copies explain
ENVELOPE, ENVELOPE_BAND = 9.0, 0.6  # deviations times sharpness of the fine envelopes' correlation, and that of bands
BAND, BAND_STEPS = 0.8, 0.7  # correlation of the bands' envelopes, and of their changes
BANDS_HZ = (100.0, 300.0, 800.0, 2000.0, 5000.0)
FRAME_S = 0.02


@dataclass(frozen=True)
class Relation:
    """Evidence that one sound was made from another: 1 and above is enough.

    Attributes:
        wave: The waveforms correlate at one lag alone.
        shape: Filters of waveshaped copies explain the energy.
        envelope: The fine envelopes correlate at one lag alone.
        bands: The envelopes of bands go together.
    """

    wave: float
    shape: float
    envelope: float
    bands: float

    @property
    def score(self) -> float:
        """The strongest evidence."""
        return max(self.wave, self.shape, self.envelope, self.bands)

    @property
    def related(self) -> bool:
        """True where any is sufficient."""
        return self.score >= 1


def explains(
    dry: Float[np.ndarray, "channels n"],
    wet: Float[np.ndarray, "channels2 m"],
    sample_rate: int,
    alignment: Alignment | None = None,
) -> Relation:
    """Measure the evidence that wet was made from dry, by any effect.

    Args:
        dry: Mono or stereo.
        wet: Any length.
        sample_rate: In Hz.
        alignment: Where it is known.
    """
    x, y = paired(dry, wet)
    if min(x.shape[1], y.shape[1]) < 64 or not x.any() or not y.any():
        return Relation(0.0, 0.0, 0.0, 0.0)
    aligned = alignment or align(dry, wet, sample_rate)
    lag = aligned.whole_samples
    limit = min(sample_rate, min(x.shape[1], y.shape[1]) // 2)
    waves = correlations(x, y, limit, sample_rate)
    best, fine = sharpest(waves), sharpest(envelope_correlations(x, y, limit, sample_rate))
    strongest = max(one.deviations * one.sharpness for one in waves)
    together, stepping = _band_likeness(*cut(x, y, lag), sample_rate)
    return Relation(
        wave=min(strongest / WAVE, best.sharpness / WAVE_SHARPNESS),
        shape=shaped_share(x, y, lag, segment_size(min(x.shape[1], y.shape[1]), sample_rate)) / SHAPE,
        envelope=max(0.0, min(fine.deviations * fine.sharpness / ENVELOPE, together / ENVELOPE_BAND)),
        bands=max(0.0, min(together / BAND, stepping / BAND_STEPS)),
    )


def _band_likeness(x: np.ndarray, y: np.ndarray, sample_rate: int) -> tuple[float, float]:
    """Correlation of the levels in bands, and of their steps, weighted by wet's energy."""
    step = max(1, round(FRAME_S * sample_rate))
    frames = x.shape[1] // step
    if frames < 8:
        return 0.0, 0.0
    totals, weight = np.zeros(2), 0.0
    for low, high in pairwise(BANDS_HZ):
        high = min(high, 0.45 * sample_rate)
        if low >= high:
            continue
        band = signal.butter(2, [low, high], "band", fs=sample_rate, output="sos")
        power = (np.square(np.asarray(signal.sosfilt(band, one))[:, : frames * step]) for one in (x, y))
        a, b = (np.sqrt(one.reshape(-1, frames, step).mean((0, 2))) for one in power)
        energy = float(np.square(b).sum())
        totals += energy * np.array([_correlation(a, b), _correlation(np.diff(a), np.diff(b))])
        weight += energy
    return (float(totals[0] / weight), float(totals[1] / weight)) if weight > 0 else (0.0, 0.0)


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / max(np.sqrt(np.square(a).sum() * np.square(b).sum()), 1e-300))
