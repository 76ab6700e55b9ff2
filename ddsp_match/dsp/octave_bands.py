"""Octave bands whose powers add up to one, and noise in them that is the same at every sample rate."""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
from jaxtyping import Float

LOWEST_HZ = 20.0  # the lowest band reaches down to here, half of it left
SKIRT = 1 / 6  # octaves from an edge between two bands to where the louder of them is alone
GRID_S = 16.0  # the noise's spectrum has a line every 1 / 16 Hz, at every sample rate, and repeats after 16 s


def octave_centres(bands: int, lowest_hz: float = 125.0) -> Float[np.ndarray, " bands"]:
    """Centres an octave apart, from `lowest_hz` up."""
    return lowest_hz * 2.0 ** np.arange(bands)


def octave_weights(
    hz: Float[np.ndarray, " points"], centres_hz: Float[np.ndarray, " bands"], *, closed: bool = False
) -> Float[np.ndarray, "bands points"]:
    """Return the weight of each band at each frequency; the squares add up to one.

    Neighbours cross over between their centres, in a quarter of a sine along the logarithm of the frequency.

    Args:
        hz: Where.
        centres_hz: Ascending, an octave apart.
        closed: Whether the lowest and the highest band end half an octave from their centres, as those of an analyser
            do. Else the highest goes on, and the lowest fades out around 20 Hz.
    """
    with np.errstate(divide="ignore"):
        octaves = np.log2(np.asarray(hz, dtype=np.float64))
    edges = np.log2(centres_hz) - 0.5
    bottom = edges[0] if closed else min(edges[0], math.log2(LOWEST_HZ))
    top = edges[-1] + 1 if closed else math.inf
    rises = [_rise(octaves, edge) for edge in (bottom, *edges[1:])]
    falls = [np.sqrt(np.maximum(1 - np.square(rise), 0)) for rise in rises[1:]]
    falls.append(np.sqrt(np.maximum(1 - np.square(_rise(octaves, top)), 0)))
    return np.stack([rise * fall for rise, fall in zip(rises, falls, strict=True)])


def _rise(octaves: np.ndarray, edge: float) -> np.ndarray:
    share = np.clip((octaves - edge) / (2 * SKIRT) + 0.5, 0.0, 1.0)
    return np.sin(0.5 * np.pi * share)


@functools.lru_cache(maxsize=8)
def band_noise(
    bands: int, lowest_hz: float, n_samples: int, sample_rate: int, seed: int, dtype: torch.dtype
) -> Float[torch.Tensor, "bands samples"]:
    """White Gaussian noise cut into octave bands, independent from band to band.

    The noise is drawn as a spectrum, band by band from the lowest line up (NumPy's PCG64, seeded with `seed` and the
    band), so another sample rate gives samples of the very same noise, as far up as it reaches. Its scale is
    that of an impulse response in continuous time: times an envelope ``e(t)``, its expected power response is
    ``w_b(f)^2`` times the integral of ``e(t)^2``, at every sample rate.

    Args:
        bands: How many; the highest goes up to half the sample rate.
        lowest_hz: Centre of the lowest.
        n_samples: Up to 16 s.
        sample_rate: In Hz.
        seed: Any.
        dtype: Of the result, which is shared: not to be written to.
    """
    grid = round(GRID_S * sample_rate)
    if n_samples > grid:
        raise ValueError(f"{n_samples} samples of noise, where {grid} are all there are")
    centres = octave_centres(bands, lowest_hz)
    lines = (grid - 1) // 2  # without the one at half the sample rate, which has no phase
    hz = np.arange(lines + 1) / GRID_S
    weights = octave_weights(hz, centres)
    noise = torch.empty(bands, n_samples, dtype=dtype)
    for band, weight in enumerate(weights):
        spectrum = np.zeros(grid // 2 + 1, dtype=np.complex128)
        inside = np.flatnonzero(weight)
        if len(inside):
            first, count = inside[0], inside[-1] + 1 - inside[0]
            gaussian = np.random.default_rng([seed, band]).standard_normal(2 * count).reshape(count, 2)
            spectrum[first : first + count] = weight[first : first + count] * (gaussian[:, 0] + 1j * gaussian[:, 1])
        # Lines of variance 2 * GRID_S * rate^2 / 2: see the scale in the docstring.
        level = math.sqrt(GRID_S / 2)
        noise[band] = torch.from_numpy(np.fft.irfft(level * spectrum, grid)[:n_samples])
    return noise
