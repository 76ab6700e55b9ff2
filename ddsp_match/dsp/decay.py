"""Measure the decay of an impulse response by backward integration, the energy of the noise floor subtracted.

Schroeder 1965, "New method of measuring reverberation time": the energy still to come at time t decays more smoothly
than the response itself, as the mean of many measurements would. A noise floor spoils it. Lundeby et al. 1995,
"Uncertainties of measurements in room acoustics", find where the decay meets the floor; Chu 1978, "Comparison of
reverberation measurements using Schroeder's impulse method and decay-curve averaging method", subtracts the floor.
ISO 3382-1 reads the decay time off between -5 dB and -35 dB (T30), or -25 dB (T20) where the floor is higher.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.signal
from jaxtyping import Float

FIRST_DB = -5.0
SPANS_DB = (30.0, 20.0, 15.0, 10.0)  # T30, T20, T15, T10: the widest that fits
DEEPEST_DB = 55.0  # the decay is followed to here
ABOVE_FLOOR_DB = 8.0  # the decay is read down to here above the floor
OCTAVE_WIDTH = 2**0.5 - 2**-0.5  # in units of its centre
OPEN = 0.98  # of half the sample rate: a band that reaches it is a highpass


@dataclass(frozen=True)
class BandDecay:
    """The decay of one band.

    Attributes:
        rt60_s: Time in which it would decay by 60 dB; NaN where that cannot be told.
        span_db: Width of the part of the curve that it was read from, 0 where none was.
        energy: Of the whole decay, without the floor.
        edc_db: The energy still to come, 0 dB at the start, down to the floor; one value a sample.
    """

    rt60_s: float
    span_db: float
    energy: float
    edc_db: Float[np.ndarray, " samples"]


def octave_band(ir: Float[np.ndarray, " samples"], centre_hz: float, sample_rate: float) -> np.ndarray | None:
    """An octave of an impulse response; None where the octave lies above half the sample rate.

    A sixth-order Butterworth filter run backwards in time: what it rings on then falls before the sound, where it
    does not lengthen the decay (Jacobsen and Rindel 1987, "Time reversed decay measurements").
    """
    half = sample_rate / 2
    low, high = centre_hz / np.sqrt(2), centre_hz * np.sqrt(2)
    if low >= 0.9 * half:
        return None
    if high >= OPEN * half:
        sections = scipy.signal.butter(6, low / half, "highpass", output="sos")
    else:
        sections = scipy.signal.butter(3, (low / half, high / half), "bandpass", output="sos")
    # A recording that is cut off, and the constant offset of a converter, would sound like a step backwards in time.
    fade = min(round(2 * sample_rate / centre_hz), len(ir) // 10)
    faded = ir.copy()
    faded[len(ir) - fade :] *= np.cos(np.linspace(0, np.pi / 2, fade)) ** 2
    # What the filter rings on before the first sample would be lost with its energy; there is room for it.
    room = round(4 * sample_rate / centre_hz)
    backwards = np.concatenate([faded[::-1], np.zeros(room)])
    return np.asarray(scipy.signal.sosfilt(sections, backwards))[::-1]


def octave_decay(ir: Float[np.ndarray, " samples"], centre_hz: float, sample_rate: float) -> BandDecay | None:
    """The decay of an octave of an impulse response; None where `octave_band` gives none."""
    band = octave_band(ir, centre_hz, sample_rate)
    return None if band is None else decay(band, sample_rate, OCTAVE_WIDTH * centre_hz)


def decay(band: Float[np.ndarray, " samples"], sample_rate: float, slowest_hz: float = 0.0) -> BandDecay:
    """The decay of a response that has been cut to a band.

    Args:
        band: From before the direct sound to well into the floor, or to where it was cut off.
        sample_rate: In Hz.
        slowest_hz: Width of the band; no detail is sought that is shorter than its inverse.
    """
    energy = np.square(band)
    shortest = max(1, round(sample_rate / slowest_hz)) if slowest_hz else 1
    window = max(shortest, round(0.002 * sample_rate))
    smooth = scipy.signal.oaconvolve(energy, np.full(window, 1 / window))[: len(energy)]
    if not smooth.max() > 0:
        return BandDecay(np.nan, 0.0, 0.0, np.zeros(1))
    start = max(0, int(smooth.argmax()) - window + 1)
    energy = energy[start:]
    # Nothing is read further down, where digital silence may have been appended.
    energy = energy[: _end(energy, sample_rate, shortest)]
    cross, floor, speed = _meets_floor(energy, sample_rate, shortest)
    peak = float(smooth.max())
    # Without a floor the decay is known as far as the sound goes.
    lowest = floor if floor > 0 else float(energy[-max(len(energy) // 10, 1) :].mean())
    range_db = 10 * np.log10(peak / max(lowest, 1e-20 * peak))
    above_floor = energy[:cross] - floor
    # Energy of the decay after it meets the floor, extrapolated from its slope before.
    last = max(2 * shortest, cross // 10)
    tail = max(float(above_floor[-last:].sum()), 0.0)
    beyond = tail / max(np.expm1(speed * last / sample_rate), 1e-9) if speed > 0 else 0.0
    to_come = np.cumsum(above_floor[::-1])[::-1] + beyond
    total = float(to_come[0])
    if total <= 0:
        return BandDecay(np.nan, 0.0, 0.0, np.zeros(1))
    curve = 10 * np.log10(np.maximum(to_come / total, 1e-20))
    usable_db = min(range_db - ABOVE_FLOOR_DB if floor > 0 else range_db + 3, -float(curve[-1]))
    for span in SPANS_DB:
        if usable_db < span - FIRST_DB:
            continue
        first, end = int(np.argmax(curve <= FIRST_DB)), int(np.argmax(curve <= FIRST_DB - span))
        if end - first < 8:
            continue
        slope = _slope(curve[first:end], sample_rate)
        if slope < 0:
            return BandDecay(-60 / slope, span, total, curve)
    return BandDecay(np.nan, 0.0, total, curve)


def _end(energy: np.ndarray, sample_rate: float, shortest: int) -> int:
    """Samples until the energy, averaged over at least 30 ms, stays `DEEPEST_DB` below its highest."""
    window = min(max(4 * shortest, round(0.03 * sample_rate)), len(energy))
    smooth = scipy.signal.oaconvolve(energy, np.full(window, 1 / window), mode="full")[: len(energy)]
    loud = np.flatnonzero(smooth >= 10 ** (-DEEPEST_DB / 10) * smooth.max())
    return int(loud[-1]) + 1


def _slope(curve: np.ndarray, sample_rate: float) -> float:
    t = np.arange(len(curve)) / sample_rate
    t -= t.mean()
    return float((t @ curve) / (t @ t))


def _meets_floor(energy: np.ndarray, sample_rate: float, shortest: int) -> tuple[int, float, float]:
    """Sample where the decay meets the floor, energy of the floor, and speed of the energy's decay in 1/s."""
    n = len(energy)
    size = max(shortest, round(0.02 * sample_rate))
    floor = float(energy[-max(n // 10, 1) :].mean())
    cross, speed = n, 0.0
    for _ in range(6):
        count = n // size
        if count < 4:
            break
        means = energy[: count * size].reshape(count, size).mean(1)
        decibels = 10 * np.log10(np.maximum(means, means.max() * 1e-18))
        floor_db = 10 * np.log10(max(floor, means.max() * 1e-18))
        low = np.flatnonzero(decibels < floor_db + ABOVE_FLOOR_DB)
        end = int(low[0]) if len(low) else count
        # The late part: the last 25 dB above the floor, or all of the decay where it is shorter.
        late = np.flatnonzero(decibels[:end] > floor_db + ABOVE_FLOOR_DB + 25)
        first = min(int(late[-1]) + 1 if len(late) else 0, max(end - 3, 0))
        if end - first < 3:
            break
        t = (np.arange(first, end) + 0.5) * size / sample_rate
        slope, level = np.polyfit(t, decibels[first:end], 1)
        if slope >= 0:
            break
        speed = -slope * np.log(10) / 10
        met = int(np.clip((floor_db - level) / slope * sample_rate, size, n))
        # The floor dominates once the decay is 10 dB below it; at least a tenth of the sound is taken.
        quiet = min(met + round(10 / -slope * sample_rate), n - max(n // 10, 1))
        floor = float(energy[quiet:].mean())
        size = max(shortest, round(3 / -slope * sample_rate), 1)
        if abs(met - cross) < 0.01 * met:
            cross = met
            break
        cross = met
    # A sound that goes on decaying to the end has no floor: its last tenth is no noise.
    if cross >= 0.85 * n:
        return n, 0.0, speed
    return cross, floor, speed
