"""Distances between a match and its target."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from jaxtyping import Float

from ddsp_match.dsp.loudness_weighting import a_weighting_power
from ddsp_match.dsp.spectra import magnitudes, mel_filters

MEL_RANGE_DB = 60.0  # what lies further below the target's loudest band is not compared
MFCCS, MFCC_BANDS = 13, 40
SILENCE_DB = -120.0
STEADY_S = 0.1  # powers averaged over this long are fair to noise: what it does by chance from frame to frame goes
PIECE_S = 20.0  # longer sounds are measured piece by piece, or their spectra would take gigabytes


def multi_resolution(
    target: Float[torch.Tensor, "batch samples"], match: Float[torch.Tensor, "batch samples"], sizes: list[int]
) -> float:
    """Linear plus log magnitude distance, averaged over FFT sizes: auraloss' loss with the seed recipe's weights."""
    total = 0.0
    for size in sizes:
        window = torch.hann_window(size, device=target.device)
        a, b = magnitudes(target, window), magnitudes(match, window)
        total += float((a - b).abs().mean() + (a.log() - b.log()).abs().mean())
    return total / len(sizes)


def log_spectral_distance(
    target: Float[torch.Tensor, "batch samples"], match: Float[torch.Tensor, "batch samples"], size: int = 1024
) -> float:
    """Root mean square over frequency of the difference in dB, averaged over frames."""
    window = torch.hann_window(size, device=target.device)
    a, b = (20 * torch.log10(magnitudes(x, window)) for x in (target, match))
    return float((a - b).square().mean(-1).sqrt().mean())


def mel_distances_db(
    target: Float[torch.Tensor, "batch samples"], match: Float[torch.Tensor, "batch samples"], sample_rate: int
) -> dict[str, float]:
    """Mean absolute difference in dB over 80 mel bands and frames, where either sound can be heard.

    Heard is what lies within 60 dB of the target's loudest band, as in the project's scorer.

    Returns:
        ``mel_db``; and ``mel_steady_db``, the same of powers averaged over 100 ms: two draws of one white noise are 2.4
        to 3.5 dB apart in the first and 1.1 to 1.4 dB in the second.
    """
    size = 2 ** round(math.log2(0.043 * sample_rate))
    window = torch.hann_window(size, device=target.device)
    filters = mel_filters(80, size, sample_rate, 40.0, min(20_000.0, sample_rate / 2)).to(target)
    a, b = (magnitudes(x, window).square() @ filters.T for x in (target, match))
    span = min(round(STEADY_S * sample_rate / (size // 4)), a.shape[1])
    steady = (torch.nn.functional.avg_pool1d(x.mT, span, stride=1) for x in (a, b))
    return {"mel_db": _level_distance_db(a, b), "mel_steady_db": _level_distance_db(*steady)}


def _level_distance_db(a: Float[torch.Tensor, "*bands"], b: Float[torch.Tensor, "*bands"]) -> float:
    floor = a.max() * 10 ** (-MEL_RANGE_DB / 10)
    audible = torch.maximum(a, b) > floor
    difference = 10 * torch.log10(a.clamp(min=floor) / b.clamp(min=floor))
    return float(difference.abs()[audible].mean())


def mel_net_db(
    mel_db: float,
    match: Float[torch.Tensor, "batch samples"],
    other_draw: Float[torch.Tensor, "batch samples"],
    sample_rate: int,
) -> float:
    """Return the part of a mel distance that chance does not explain: 0 where only the draw of the noise differs.

    Differences that do not depend on one another add by their squares, so the square of what two draws of the match's
    own noise are apart is taken off the square of the distance.

    Args:
        mel_db: Of the match against its target.
        match: The match.
        other_draw: The same with another draw of its noise.
        sample_rate: In Hz.
    """
    pieces = list(_pieces(match, other_draw, sample_rate))
    lengths = [x.shape[1] / match.shape[1] for x, _ in pieces]
    apart = [mel_distances_db(x, y, sample_rate)["mel_db"] for x, y in pieces]
    chance_db = sum(a * length for a, length in zip(apart, lengths, strict=True) if math.isfinite(a))
    return math.sqrt(max(0.0, mel_db**2 - chance_db**2))


def _pieces(
    target: Float[torch.Tensor, "batch samples"], match: Float[torch.Tensor, "batch samples"], sample_rate: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    count = max(1, round(target.shape[1] / (PIECE_S * sample_rate)))
    return zip(target.tensor_split(count, 1), match.tensor_split(count, 1), strict=True)


def mfcc_distance(
    target: Float[torch.Tensor, "batch samples"], match: Float[torch.Tensor, "batch samples"], sample_rate: int
) -> float:
    """Mean Euclidean distance of 13 mel-frequency cepstral coefficients in dB, over frames where either can be heard.

    The coefficients are librosa's (Davis and Mermelstein 1980): 40 bands of unit area on Slaney's mel scale from 0 Hz
    to Nyquist, their power in dB no further than 60 dB below the target's loudest band, and an orthonormal DCT-II over
    the bands. Coefficients 1 to 13 are compared: the shape of the spectrum, the ripple of single harmonics smoothed
    away. Coefficient 0, the level, is left to the loudness. As the transform is orthonormal, the distance is in dB,
    root of the sum of squares over the bands.
    """
    size = 2 ** round(math.log2(0.043 * sample_rate))
    window = torch.hann_window(size, device=target.device)
    filters = mel_filters(MFCC_BANDS, size, sample_rate).to(target)
    a, b = (magnitudes(x, window).square() @ filters.T for x in (target, match))
    floor = a.max() * 10 ** (-MEL_RANGE_DB / 10)
    audible = torch.maximum(a, b).amax(-1) > floor
    difference = 10 * torch.log10(a.clamp(min=floor) / b.clamp(min=floor))
    band, order = torch.arange(MFCC_BANDS) + 0.5, torch.arange(1, MFCCS + 1)
    cosines = torch.cos(math.pi / MFCC_BANDS * order[:, None] * band) * math.sqrt(2 / MFCC_BANDS)
    return float(torch.linalg.vector_norm(difference @ cosines.to(target).T, dim=-1)[audible].mean())


def loudness_db(
    x: Float[torch.Tensor, "batch samples"], sample_rate: int, size: int = 1024
) -> Float[torch.Tensor, "batch frames"]:
    """A-weighted loudness over time in dB below full scale."""
    window = torch.hann_window(size, device=x.device)
    bins = torch.arange(size // 2 + 1, device=x.device) * (sample_rate / size)
    gain = a_weighting_power(bins)
    power = magnitudes(x, window).square() @ gain * (2 / (size * window.square().sum()))
    return (10 * torch.log10(power.clamp(min=1e-12))).clamp(min=SILENCE_DB)


def loudness_error_db(
    target: Float[torch.Tensor, "batch samples"], match: Float[torch.Tensor, "batch samples"], sample_rate: int
) -> float:
    """Mean absolute difference of A-weighted loudness in dB, over frames within 60 dB of the target's loudest."""
    a, b = loudness_db(target, sample_rate), loudness_db(match, sample_rate)
    audible = a > a.max() - MEL_RANGE_DB
    return float((a - b).abs()[audible].mean())


def snr_db(target: Float[torch.Tensor, "batch samples"], match: Float[torch.Tensor, "batch samples"]) -> float:
    """Waveform signal-to-noise ratio in dB; only meaningful where phases are tracked."""
    error = (target - match).square().sum().clamp(min=1e-20)
    return float(10 * torch.log10(target.square().sum().clamp(min=1e-20) / error))


def distances(
    target: Float[torch.Tensor, "batch samples"],
    match: Float[torch.Tensor, "batch samples"],
    sample_rate: int,
    sizes: list[int],
    *,
    mfcc: bool = True,
) -> dict[str, float]:
    """Distances between two sounds, however they were made.

    Args:
        target: The sound that is matched.
        match: What is compared with it, of the same shape.
        sample_rate: In Hz.
        sizes: FFT sizes of the multi-resolution distance.
        mfcc: Whether to measure `mfcc_distance`, too.

    Returns:
        ``mrstft``, ``mel_db``, ``mel_steady_db``, ``lsd_db``, ``loudness_l1_db``, ``snr_db``, ``mfcc_distance``; and
        ``unexplained_share``, the energy of the difference of the magnitude spectra over the target's. Those of a
        sound above 20 s are means over pieces of about that length.
    """
    window = torch.hann_window(1024, device=target.device)
    sums: dict[str, float] = {}
    missing = energy = 0.0
    for x, y in _pieces(target, match, sample_rate):
        a, b = magnitudes(x, window), magnitudes(y, window)
        missing += float((a - b).square().sum())
        energy += float(a.square().sum())
        figures = {
            "mrstft": multi_resolution(x, y, sizes),
            **mel_distances_db(x, y, sample_rate),
            "lsd_db": log_spectral_distance(x, y),
            "loudness_l1_db": loudness_error_db(x, y, sample_rate),
        }
        if mfcc:
            figures["mfcc_distance"] = mfcc_distance(x, y, sample_rate)
        for name, value in figures.items():
            sums[name] = sums.get(name, 0.0) + value * x.shape[1] / target.shape[1]
    return {**sums, "snr_db": snr_db(target, match), "unexplained_share": missing / max(energy, 1e-20)}


def energy_shares(
    harmonic: Float[torch.Tensor, "batch samples"], noise: Float[torch.Tensor, "batch samples"]
) -> dict[str, float]:
    """The shares of the stems' energy that are harmonic and noise, ``harmonic_share`` and ``noise_share``."""
    tonal, hiss = float(harmonic.square().sum()), float(noise.square().sum())
    both = max(tonal + hiss, 1e-20)
    return {"harmonic_share": tonal / both, "noise_share": hiss / both}


def measure(
    target: Float[torch.Tensor, "batch samples"],
    harmonic: Float[torch.Tensor, "batch samples"],
    noise: Float[torch.Tensor, "batch samples"],
    sample_rate: int,
    sizes: list[int],
    *,
    match: Float[torch.Tensor, "batch samples"] | None = None,
) -> dict[str, float]:
    """All figures of one match.

    Args:
        target: The sound.
        harmonic: The harmonic stem.
        noise: The noise stem.
        sample_rate: In Hz.
        sizes: FFT sizes of the multi-resolution distance.
        match: What is compared with the target; by default the stems together, which effects may have changed.

    Returns:
        ``mrstft``, ``mel_db``, ``mel_steady_db``, ``lsd_db``, ``loudness_l1_db``, ``snr_db`` and ``unexplained_share``,
        as `distances` has them, and the `energy_shares`.
    """
    match = harmonic + noise if match is None else match
    figures = distances(target, match, sample_rate, sizes, mfcc=False)
    unexplained = figures.pop("unexplained_share")
    return {**figures, **energy_shares(harmonic, noise), "unexplained_share": unexplained}
