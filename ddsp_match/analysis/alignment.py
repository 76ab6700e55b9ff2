"""Estimate latency and polarity of a wet recording against its dry one.

The sharpest cross-correlation gives the lag of the strongest arrival; an earlier one that no single arrival explains is
the direct sound. The impulse response around it then says when it begins, with the delay taken off that a
minimum-phase filter (a tone control, an amplifier) has by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ddsp_match.analysis.correlation import (
    DRIVES,
    Correlation,
    correlations,
    envelope_correlations,
    shaped,
    sharpest,
    stretch,
)
from ddsp_match.dsp.cross_spectra import (
    explained_share,
    interpolated_peak,
    minimum_phase,
    segment_size,
    segment_spectra,
)

STRONG = 0.35  # an arrival as strong as this share of the strongest is the direct sound
EARLY_DEVIATIONS = 8.0  # and it stands so many deviations above the rest
LOBES = 1.2  # what a single arrival shows beside its peak, with a margin
TONE_SHARPNESS, TONE_TIE = 0.1, 0.98  # below and above which lags count as equal: the shortest wins
TONE_FLOOR, TONE_BINS = 1e-4, 10  # of the highest power; a Hann window's main lobe and its neighbours
CERTAIN_SHARPNESS, CERTAIN_DEVIATIONS = 0.5, 20.0
ATTACK_S, BODY_S = 0.002, 0.008  # of the impulse response around the direct sound
ALIKE = 0.5  # correlation coefficient of tones that match
HARDLY = 0.1  # share of explained energy below which the waveforms say nothing
ALONE = 0.5  # of a direct sound's level: nothing that strong comes before it
AUDIBLE = 0.03  # of the highest level: where a sound begins
SUDDEN, LONGEST_PERIOD_S = 10.0, 0.05  # rise of the power at its beginning; of the lowest note
PRESENT = 0.03  # of the power that the direct sound would have with the level of the whole
SNAP = 0.1  # samples; a latency this close to a whole number is whole


@dataclass(frozen=True)
class Alignment:
    """Result of `align`.

    Attributes:
        latency_samples: By how much wet is late; below 0 where it is early.
        polarity: 1, or -1 where wet is upside down.
        confidence: 0 to 1: how far the peak of the correlation stands above the rest.
        strength: Share of wet's energy that the best short linear filter of dry explains.
        note: What a user should know about it, in words; often empty.
    """

    latency_samples: float = 0.0
    polarity: float = 1.0
    confidence: float = 0.0
    strength: float = 0.0
    note: str = ""

    @property
    def whole_samples(self) -> int:
        """The part of the latency that `shifted` takes off."""
        return round(self.latency_samples)


def align(
    dry: Float[np.ndarray, "channels n"],
    wet: Float[np.ndarray, "channels2 m"],
    sample_rate: int,
    max_latency_s: float = 1.0,
) -> Alignment:
    """Estimate latency and polarity between two recordings.

    Args:
        dry: Input of the effect; mono or stereo.
        wet: Its output; any length and one or two channels.
        sample_rate: Of both, in Hz.
        max_latency_s: The longest latency, either way.
    """
    x, y = paired(dry, wet)
    shortest = min(x.shape[1], y.shape[1])
    if shortest < 64 or not x.any() or not y.any():
        return Alignment(note="silent or too short to be aligned")
    if x.shape == y.shape and np.array_equal(x, y):
        return Alignment(0.0, 1.0, 1.0, 1.0)
    limit = max(1, min(round(max_latency_s * sample_rate), shortest // 2))
    size = segment_size(shortest, sample_rate)
    plain, *others = correlations(x, y, limit, sample_rate)
    best = sharpest([plain, *others])
    if plain.likeness > ALIKE and (best.sharpness < TONE_SHARPNESS or _is_tone(stretch(x, x)[0], size)):
        lag = _shortest(plain)
        polarity = -1.0 if plain.values[lag + limit] < 0 else 1.0
        share, sharpness = linear_share(x, y, lag, size), min(best.sharpness, plain.sharpness)
        return Alignment(float(lag), polarity, sharpness, share, "several lags fit alike: the shortest")
    if linear_share(x, y, best.lag, size) < HARDLY and shaped_share(x, y, best.lag, size) < HARDLY:
        follow = sharpest(envelope_correlations(x, y, limit, sample_rate))
        if _certainty(follow) >= _certainty(best):
            share = linear_share(x, y, follow.lag, size)
            note = "aligned by the envelopes: the waveforms have next to nothing in common"
            return Alignment(float(follow.lag), 1.0, _certainty(follow) / 2, share, note)
    lag = best.lag if best.drive else _first([plain, *others], best)
    if lag < best.lag and not _begins(x, y, lag, best.lag, sample_rate):
        lag = best.lag
    latency, polarity = _arrival(*stretch(*cut(shaped(x, best.drive), y, lag)), size, sample_rate)
    latency += lag
    if abs(latency - round(latency)) <= SNAP:
        latency = float(round(latency))
    latency = float(np.clip(latency, -limit, limit))
    share = linear_share(x, y, round(latency), size)
    return Alignment(latency, polarity, _certainty(best), share)


def paired(
    dry: Float[np.ndarray, "channels n"], wet: Float[np.ndarray, "channels2 m"]
) -> tuple[Float[np.ndarray, "channels3 n"], Float[np.ndarray, "channels3 m"]]:
    """Return both with as many channels and no offset: mono beside stereo meets the stereo's mean."""
    both = [np.atleast_2d(np.asarray(one, dtype=np.float64)) for one in (dry, wet)]
    if len(both[0]) != len(both[1]):
        both = [one.mean(0, keepdims=True) for one in both]
    return both[0] - both[0].mean(1, keepdims=True), both[1] - both[1].mean(1, keepdims=True)


def cut(dry: np.ndarray, wet: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the common part of both when wet is `lag` samples late."""
    x, y = dry[:, max(0, -lag) :], wet[:, max(0, lag) :]
    n = min(x.shape[1], y.shape[1])
    return x[:, :n], y[:, :n]


def linear_share(dry: np.ndarray, wet: np.ndarray, lag: int, size: int) -> float:
    """Share of wet's energy, 0 to 1, that a short filter of dry explains at that lag."""
    x, y = stretch(*cut(dry, wet, lag))
    return max(0.0, explained_share([x], y, size))


def shaped_share(dry: np.ndarray, wet: np.ndarray, lag: int, size: int) -> float:
    """Return the share that filters of dry and of three waveshaped copies explain: rectified, saturated, and bent."""
    x, y = stretch(*cut(dry, wet, lag))
    copies = [x, np.abs(x), shaped(x, DRIVES[1]), x * np.abs(x)]
    return max(0.0, explained_share([one - one.mean(1, keepdims=True) for one in copies], y, size))


def shifted(
    dry: Float[np.ndarray, "channels n"], wet: Float[np.ndarray, "channels2 m"], alignment: Alignment
) -> tuple[Float[np.ndarray, "channels k"], Float[np.ndarray, "channels2 k"]]:
    """Both sounds from the first sample they share to the last, by whole samples; polarity stays as it is."""
    return cut(dry, wet, alignment.whole_samples)


def _is_tone(x: np.ndarray, size: int) -> bool:
    """Tell if a few neighbouring bins hold all energy: then no whitening separates one period from the next."""
    power = np.square(np.abs(segment_spectra(x, size, size // 2))).sum((0, 1))
    return int((power > TONE_FLOOR * power.max(initial=0)).sum()) <= TONE_BINS


def _shortest(plain: Correlation) -> int:
    """The shortest of the lags at which a tone correlates alike."""
    level, limit = np.abs(plain.values), len(plain.values) // 2
    peaks = 1 + np.flatnonzero((level[1:-1] >= level[:-2]) & (level[1:-1] >= level[2:]) & (level[1:-1] >= TONE_TIE))
    if not len(peaks):
        return plain.lag
    return int(peaks[np.abs(peaks - limit).argmin()]) - limit


def _certainty(peak: Correlation) -> float:
    return min(1.0, peak.sharpness / CERTAIN_SHARPNESS) * min(1.0, peak.deviations / CERTAIN_DEVIATIONS)


def _first(candidates: list[Correlation], best: Correlation) -> int:
    """Lag of the first strong arrival: an echo may be louder than the direct sound."""
    unshaped = sharpest([one for one in candidates if len(one.kernel)])
    level, at, limit = np.abs(unshaped.values), unshaped.lag, len(unshaped.values) // 2
    kernel = np.abs(unshaped.kernel[np.arange(len(level)) - (at + limit) + 2 * limit])
    beyond = (level - LOBES * kernel)[: at + limit]
    strong = np.flatnonzero(beyond >= max(STRONG, EARLY_DEVIATIONS / unshaped.deviations))
    if not len(strong):
        return best.lag
    here = int(strong[0])
    while here + 1 < at + limit and level[here + 1] > level[here]:
        here += 1
    # Peaks on and on before it are the periods of a distorted tone, not a direct sound.
    before = beyond[: max(0, int(strong[0]) - limit // 1000)]
    return best.lag if before.size and before.max() > ALONE * beyond[strong].max() else here - limit


def _begins(x: np.ndarray, y: np.ndarray, early: int, late: int, sample_rate: int) -> bool:
    """Tell if wet has energy from the early lag on, where dry begins: the period of a note has no such effect.

    Where dry begins too softly to tell, only spans longer than any period count.
    """
    level, span = np.abs(x).max(0), late - early
    onset = int(np.argmax(level > AUDIBLE * level.max()))
    power = np.square(x[:, onset : onset + span]).mean()
    before = np.square(x[:, max(0, onset - span) : onset]).sum() / (len(x) * span)
    if onset < span or onset + early < 0 or power < SUDDEN * before:
        return span > LONGEST_PERIOD_S * sample_rate
    expected = power * np.square(y).mean() / np.square(x).mean()
    return bool(np.square(y[:, onset + early : onset + late]).mean() >= PRESENT * expected)


def _impulse_response(x: np.ndarray, y: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Taps from x to y, no delay in the middle, and how far each bin is to be trusted."""
    hop = size // 4
    fx, fy = segment_spectra(x, size, hop), segment_spectra(y, size, hop)
    sxx, syy = np.square(np.abs(fx)).sum((0, 1)), np.square(np.abs(fy)).sum((0, 1))
    sxy = (fx.conj() * fy).sum((0, 1))
    coherence = np.square(np.abs(sxy)) / np.maximum(sxx * syy, 1e-300)
    chance = min(0.9, 2.0 / max(fx.shape[0] * fx.shape[1], 1))
    trust = np.clip((coherence - chance) / (1 - chance), 0, 1)
    trust = np.where(sxx > 1e-9 * sxx.max(), trust, 0.0)
    response = sxy / np.maximum(sxx, 1e-12 * sxx.max())
    taps = np.roll(np.fft.irfft(response * trust), size // 2)
    return taps, trust


def _arrival(x: np.ndarray, y: np.ndarray, size: int, sample_rate: int) -> tuple[float, float]:
    """Delay that is left where x and y are aligned to the nearest sample or so, and the polarity."""
    plain = 1.0 if (x * y).sum() >= 0 else -1.0
    if x.shape[1] < 2 * size:
        return 0.0, plain
    taps, trust = _impulse_response(x, y, size)
    if not trust.any():
        return 0.0, plain
    half = size // 2
    attack, body = min(round(ATTACK_S * sample_rate), size // 8), min(round(BODY_S * sample_rate), size // 4)
    fade = np.zeros(size)
    fade[half - attack : half] = np.sin(0.5 * np.pi * (np.arange(attack) + 0.5) / attack) ** 2
    fade[half : half + body] = np.cos(0.5 * np.pi * (np.arange(body) + 0.5) / body) ** 2
    response = np.fft.rfft(np.roll(taps * fade, -half))
    # Where dry has no energy, the level is interpolated from the bins around.
    bins, sure = np.arange(len(response)), trust > 0.1
    magnitude = np.abs(response) / np.maximum(trust, 1e-3)
    magnitude = np.interp(bins, bins[sure], magnitude[sure]) if sure.any() else magnitude
    least = minimum_phase(np.maximum(magnitude, 1e-3 * magnitude.max()))
    # An effect's own filter delays too; a minimum-phase filter of the same magnitude delays least. What remains of
    # the phase after it is the latency.
    excess = trust * np.exp(1j * (np.angle(response) - np.angle(least)))
    excess[[0, -1]] = 0
    # Zeros beyond the spectrum interpolate the pulse to a sixteenth of a sample.
    fine = 16
    pulse = np.fft.irfft(np.concatenate([excess, np.zeros((fine - 1) * half)]), fine * size)
    reach = attack * fine
    near = np.concatenate([pulse[-reach:], pulse[: reach + 1]])
    at = int(np.abs(near).argmax())
    polarity = 1.0 if near[at] >= 0 else -1.0
    return (interpolated_peak(polarity * near, at) - reach) / fine, polarity
