"""Estimate the filtered noise from the residual of the harmonics and from the valleys between them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Complex, Float

from ddsp_match.analysis.harmonic_fit import NOISE_WIDTH, analysis_width, edge_gain
from ddsp_match.core.timebase import Timebase

MAGNITUDE_FLOOR = 1e-7
# A quiet bin among those around a band is a valley bin. The lobes of a window of 8 to 16 periods cover a good third of
# the bins, so the lowest fifth of all of them is the lowest third of the clean ones.
VALLEY_QUANTILE, CLEAN_SHARE = 0.2, 0.6
VALLEY_PERIODS = 8
# Half the level: what is missing the fit adds, what is too much it does not get rid of (measured on six clips: every
# distance lower than from the full level, with another noise seed too).
VALLEY_SHARE = 0.5
SHORTEST, LONGEST = 512, 8192
SMOOTH_FRAMES, SMOOTH_RANGE_DB = 7, 70.0
DOUBT = 4.0  # times the noise that lies there must be exceeded by what is no harmonic


def noise_magnitudes(
    residual: Float[torch.Tensor, "batch samples"], timebase: Timebase, n_frames: int, n_bands: int
) -> Float[torch.Tensor, "batch bands frames"]:
    """The gain white noise needs in each band to have the residual's power there.

    Args:
        residual: The sound without its harmonics.
        timebase: Frame grid.
        n_frames: Frames wanted.
        n_bands: Bands, evenly spaced from 0 Hz to Nyquist inclusive.
    """
    power = _power(residual, timebase, n_frames, 4 * (n_bands - 1))
    bins = torch.arange(power.shape[-1], device=residual.device) / 2
    bands = torch.arange(n_bands, device=residual.device)
    triangles = (1 - (bins.unsqueeze(1) - bands).abs()).clamp(min=0)
    mean = power @ (triangles / triangles.sum(0, keepdim=True))
    return mean.mT.sqrt().clamp(min=MAGNITUDE_FLOOR)


def valley_magnitudes(
    target: Float[torch.Tensor, "batch samples"],
    f0_hz: Float[torch.Tensor, "batch frames"],
    timebase: Timebase,
    n_bands: int,
    n_frames: Sequence[int] | None = None,
) -> Float[torch.Tensor, "batch bands frames"]:
    """Half the gain white noise needs to fill the valleys between the harmonics as the sound itself does.

    What a harmonic fit leaves over lies mostly beside the harmonics and is no noise; between them there is little
    else. A low quantile of the power of the bins around each band stands for the mean of an exponential distribution
    (the power of a noise bin has that), whatever the harmonics add to some of the bins. How long the spectra are and
    how far around is looked follows from each signal's own median f0, so that a batch changes nothing.

    Args:
        target: The sound, harmonics and all.
        f0_hz: Fundamental in Hz.
        timebase: Frame grid.
        n_bands: Bands, evenly spaced from 0 Hz to Nyquist inclusive.
        n_frames: Frames of each signal that count for its median; by default all.
    """
    batch, frames = f0_hz.shape
    counted = [frames] * batch if n_frames is None else n_frames
    alike: dict[tuple[int, int], list[int]] = {}
    for row, (f0, count) in enumerate(zip(f0_hz.cpu(), counted, strict=True)):
        typical_hz = float(f0[:count].median())
        size = 2 ** math.ceil(math.log2(VALLEY_PERIODS * timebase.sample_rate / typical_hz))
        size = min(max(size, SHORTEST), LONGEST)
        around = max(2, round(0.5 * typical_hz * size / timebase.sample_rate))
        alike.setdefault((size, around), []).append(row)
    mean = target.new_empty(batch, frames, n_bands)
    for (size, around), rows in alike.items():
        power = _power(target[rows], timebase, frames, size)
        centres = torch.linspace(0, size // 2, n_bands, dtype=torch.float64).round().long()
        index = (centres.unsqueeze(1) + torch.arange(-around, around + 1)).abs()
        index = torch.where(index > size // 2, size - index, index).to(target.device)
        rank = 1 + int(VALLEY_QUANTILE * 2 * around)
        for row, of_row in zip(rows, power, strict=True):
            mean[row] = _smallest(of_row[:, index], rank)
    mean /= -math.log(1 - VALLEY_QUANTILE / CLEAN_SHARE)
    return (VALLEY_SHARE * mean.mT.sqrt()).clamp(min=MAGNITUDE_FLOOR)


def noise_between(
    partials: Complex[torch.Tensor, "batch partials frames"],
    counted: Bool[torch.Tensor, "1 partials 1"],
    base_hz: Float[torch.Tensor, "batch frames"],
    bandwidth_hz: float,
    timebase: Timebase,
    n_bands: int,
) -> Float[torch.Tensor, "batch bands frames"]:
    """The gain white noise needs to be what lies between the harmonics.

    Partials there follow f0 as the harmonics do, and what they hold is noise alone, however wide a vibrato is.

    Args:
        partials: Complex amplitudes, analysed in bands of `bandwidth_hz` on either side.
        counted: The partials that hold noise alone.
        base_hz: Distance of the partials.
        bandwidth_hz: As of `smoothness`.
        timebase: Frame grid.
        n_bands: Bands, evenly spaced from 0 Hz to Nyquist inclusive.
    """
    k = torch.arange(1, partials.shape[1] + 1, device=partials.device).view(1, -1, 1)
    place = base_hz.unsqueeze(1) * k / timebase.nyquist_hz * (n_bands - 1)
    audible = (counted & (place < n_bands - 1)).float()
    index = place.round().long().clamp(max=n_bands - 1)
    width_hz = NOISE_WIDTH * analysis_width(base_hz, bandwidth_hz).unsqueeze(1)
    power = audible * partials.abs().square() * timebase.sample_rate / (4 * width_hz)
    power = power / edge_gain(base_hz, timebase, bandwidth_hz)
    empty = power.new_zeros(len(power), n_bands, power.shape[2])
    sums = torch.stack([empty.scatter_add(1, index, value) for value in (power, audible.expand_as(power))])
    # A band without such a partial has its neighbours': as far away as the widest gap between two.
    gaps = torch.nonzero(counted.flatten())[:, 0].diff()
    widest = float(gaps.max()) if len(gaps) else len(k)
    reach = max(2, math.ceil(widest * float(base_hz.max()) / timebase.nyquist_hz * (n_bands - 1)))
    kernel = (1 - torch.arange(-reach, reach + 1, device=power.device).abs() / (reach + 1)).view(1, 1, -1)
    smooth = torch.nn.functional.conv1d(sums.movedim(2, 3).reshape(-1, 1, n_bands), kernel, padding=reach)
    total, count = smooth.view(2, len(power), -1, n_bands).movedim(3, 2)
    return (total / count.clamp(min=1e-6)).sqrt().clamp(min=MAGNITUDE_FLOOR)


def steadied(noise: Float[torch.Tensor, "batch bands frames"]) -> Float[torch.Tensor, "batch bands frames"]:
    """Noise whose spectrum is averaged over some frames and keeps its level in each.

    One frame says little of a band, but enough of all of them together: a knock stays as short as it is.
    """
    power = noise.square()
    mean = torch.nn.functional.avg_pool1d(power, SMOOTH_FRAMES, 1, SMOOTH_FRAMES // 2, count_include_pad=False)
    mean = mean.clamp(min=MAGNITUDE_FLOOR**2)
    counts = (10 * (mean / mean.amax((1, 2), keepdim=True)).log10() + SMOOTH_RANGE_DB).clamp(min=1e-3)
    level = (power / mean * counts).sum(1, keepdim=True) / counts.sum(1, keepdim=True)
    return (mean * level).sqrt()


def without_noise(
    partials: Complex[torch.Tensor, "batch partials frames"],
    noise: Float[torch.Tensor, "batch bands frames"],
    base_hz: Float[torch.Tensor, "batch frames"],
    divisions: int,
    bandwidth_hz: float,
    timebase: Timebase,
) -> Complex[torch.Tensor, "batch partials frames"]:
    """Partials less what the noise around them adds to their power in the mean.

    Args:
        partials: Complex amplitudes, analysed in bands of `bandwidth_hz` on either side.
        noise: Gain of white noise in each band.
        base_hz: Distance of the partials.
        divisions: Partials a harmonic; those between harmonics must exceed the noise several times.
        bandwidth_hz: As of `smoothness`.
        timebase: Frame grid.
    """
    n_bands = noise.shape[1]
    k = torch.arange(1, partials.shape[1] + 1, device=noise.device).view(1, -1, 1)
    place = (base_hz.unsqueeze(1) * k / timebase.nyquist_hz * (n_bands - 1)).round().long().clamp(max=n_bands - 1)
    width_hz = NOISE_WIDTH * analysis_width(base_hz, bandwidth_hz).unsqueeze(1)
    # A partial's power is half its squared amplitude, and the noise has twice its variance over the rate in each Hz.
    added = 4 * width_hz * noise.gather(1, place).square() / timebase.sample_rate
    added = torch.where(k % divisions == 0, added, DOUBT * added)
    power = partials.abs().square()
    return partials * ((power - added).clamp(min=0) / power.clamp(min=1e-20)).sqrt()


def _smallest(values: torch.Tensor, rank: int) -> torch.Tensor:
    """The `rank`-th smallest along the last axis."""
    if values.device.type == "mps":  # has no kthvalue
        return values.sort(dim=-1).values[..., rank - 1]
    return values.kthvalue(rank, dim=-1).values


def _power(
    x: Float[torch.Tensor, "batch samples"], timebase: Timebase, n_frames: int, size: int
) -> Float[torch.Tensor, "batch frames bins"]:
    """Power spectra around each frame's centre, 1 for white noise of unit variance."""
    window = torch.hann_window(size, device=x.device)
    long = torch.nn.functional.pad(x, (size // 2, size // 2 + timebase.hop))
    blocks = long.unfold(1, size, timebase.hop)[:, :n_frames]
    return torch.view_as_real(torch.fft.rfft(blocks * window)).square().sum(-1) / window.square().sum()
