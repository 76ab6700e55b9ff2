"""First guesses for linear filters: the response from dry to wet, measured in bands, and the settings nearest to it.

The wet side may hold more than the filter that is fitted: a clipper after it scales the linear path (Bussgang, 1952), a
delay turns its phase. So the nearest settings are searched three times: as measured, up to a
gain, and by magnitude alone up to a gain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Complex, Float

from ddsp_match.effects.processor import Processor, Value

SEGMENT_S = 0.34  # of the measurement: 3 Hz a bin
BANDS_PER_OCTAVE = 12
LOWEST_HZ = 20.0
QUIETEST = 1e-10  # of the loudest band's power: below, the dry sound cannot tell
FLOOR = 0.01  # of the highest response: deeper valleys are not traced
TRIED, KEPT, ROUNDS = 512, 8, 30  # settings looked at, refined, and steps of each refinement
NEAR = 0.02  # of a range: two guesses that are nearer than that count as one


@dataclass(frozen=True)
class Measured:
    """A response in bands.

    Attributes:
        hz: Centre of each band.
        response: From dry to wet.
        weight: Coherence, 0 to 1: how much of the wet sound the dry one explains there.
    """

    hz: Float[np.ndarray, " bands"]
    response: Complex[np.ndarray, " bands"]
    weight: Float[np.ndarray, " bands"]


def measure(dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> Measured | None:
    """The least-squares response from dry to wet, over segments, channels and the bins of each band (Welch's method).

    None where there is nothing to measure.
    """
    n = dry.shape[1]
    size = 1 << int(np.clip(np.log2(SEGMENT_S * sample_rate), 6, max(np.log2(max(n, 1)), 6)))
    if n < size:
        dry, wet, n = (*(np.pad(sound, ((0, 0), (0, size - n))) for sound in (dry, wet)), size)
    starts = np.arange(0, n - size + 1, size // 2)
    picked = starts[:: max(1, len(starts) // 128)]
    window = np.hanning(size + 1)[:-1]

    def spectra(sound: np.ndarray) -> np.ndarray:
        return np.stack([np.fft.rfft(sound[:, first : first + size] * window) for first in picked], axis=1)

    before, after = spectra(dry), spectra(wet)
    bin_hz = np.fft.rfftfreq(size, 1 / sample_rate)
    band = np.floor(BANDS_PER_OCTAVE * np.log2(np.maximum(bin_hz, 1e-9) / LOWEST_HZ)).astype(int)
    inside = (band >= 0) & (bin_hz < 0.49 * sample_rate)
    _, of_bin = np.unique(band[inside], return_inverse=True)

    def total(power: np.ndarray) -> np.ndarray:
        summed = power.sum(axis=(0, 1))[inside]
        return np.bincount(of_bin, np.real(summed)) + 1j * np.bincount(of_bin, np.imag(summed))

    dry_power, wet_power = (np.real(total(np.abs(s) ** 2)) for s in (before, after))
    cross = total(np.conj(before) * after)
    reliable = dry_power > QUIETEST * dry_power.max(initial=0.0)
    if reliable.sum() < 8 or wet_power.max() <= 0:
        return None
    centre = np.bincount(of_bin, bin_hz[inside]) / np.bincount(of_bin)
    coherence = np.abs(cross) ** 2 / np.maximum(dry_power * wet_power, 1e-300)
    response = cross / np.where(reliable, dry_power, 1.0)
    return Measured(centre[reliable], response[reliable], np.clip(coherence[reliable], 0.0, 1.0))


def guesses(part: Processor, dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> list[dict[str, Value]]:
    """Settings of a linear processor near the measured response, the likeliest first."""
    measured = measure(dry, wet, sample_rate)
    if measured is None:
        return []
    # Magnitudes alone have the fewest valleys, so their best settings start the other two as well.
    loose = _nearest(part, measured, sample_rate, [], free_gain=True, phase=False)
    exact = _nearest(part, measured, sample_rate, loose, free_gain=False, phase=True)
    scaled = _nearest(part, measured, sample_rate, loose, free_gain=True, phase=True)
    candidates: list[np.ndarray] = []
    for place in (*exact[:2], *scaled[:2], loose[0]):
        if all(np.abs(place - other).max() > NEAR for other in candidates):
            candidates.append(place)
    return [one_setting(part, place) for place in candidates]


def one_setting(part: Processor, place: Float[np.ndarray, " free"]) -> dict[str, Value]:
    """Positions to one setting: numbers, and rows also where they hold one number."""
    knobs = knobs_at(part, place[None])
    return {name: value[0].numpy() if value.ndim == 2 else float(value) for name, value in knobs.items()}


def knobs_at(part: Processor, places: Float[np.ndarray, "batch free"]) -> dict[str, torch.Tensor]:
    """Positions along the ranges to knobs, as `process` takes them."""
    knobs, first = {}, 0
    for knob in part.knobs:
        value = knob.at(torch.from_numpy(places[:, first : first + knob.count]))
        value = value.clamp(knob.low, knob.high)
        knobs[knob.name] = value if knob.size else value.reshape(-1, 1, 1)
        first += knob.count
    return knobs


def neutral_places(part: Processor) -> np.ndarray:
    """Positions along the ranges of the neutral knobs."""
    places = [knob.position(torch.tensor(knob.default).double()).reshape(-1) for knob in part.knobs]
    return torch.cat(places).numpy()


def _nearest(
    part: Processor,
    measured: Measured,
    sample_rate: int,
    starts: list[np.ndarray],
    *,
    free_gain: bool,
    phase: bool,
) -> list[np.ndarray]:
    """Levenberg-Marquardt from the best of many random settings, all at once; the nearest first."""
    hz = torch.from_numpy(measured.hz)
    top = np.abs(measured.response).max()
    scale = np.sqrt(measured.weight) / (np.abs(measured.response) + FLOOR * top)
    goal = np.log(np.abs(measured.response) + FLOOR * top)

    def misses(places: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            response = part.response(knobs_at(part, places), sample_rate, hz).expand(len(places), -1).numpy()
        if not phase:
            magnitude = np.abs(response)
            level = np.log(magnitude + FLOOR * magnitude.max(axis=1, keepdims=True) + 1e-12) - goal
            level -= np.average(level, axis=1, weights=measured.weight + 1e-12)[:, None]
            return np.sqrt(measured.weight) * level
        if free_gain:
            fit = (np.real(response.conj() * measured.response) * scale**2).sum(1)
            response = response * np.abs(fit / np.maximum((np.abs(response) ** 2 * scale**2).sum(1), 1e-30))[:, None]
        miss = scale * (response - measured.response)
        return np.concatenate([miss.real, miss.imag], axis=1)

    free = len(neutral_places(part))
    tried = np.vstack([neutral_places(part), np.random.default_rng(0).random((TRIED, free))])
    costs = np.square(misses(tried)).sum(1)
    places = tried[np.argsort(costs)[:KEPT]]
    places, costs = refined(misses, np.vstack([*starts[: KEPT // 2], places]))
    return [places[row] for row in np.argsort(costs)]


def refined(misses, places: np.ndarray, rounds: int = ROUNDS, slopes_at=None) -> tuple[np.ndarray, np.ndarray]:
    """Steps of Levenberg-Marquardt inside the unit cube, for every row by itself.

    Args:
        misses: Weighted errors of settings, a row each.
        places: Where to start.
        rounds: Steps.
        slopes_at: Slopes of the misses, ``(rows, numbers, misses)``; differences in every number when left out.
    """
    # Every row has its own damping: one that fails shortens its step while the others go on.
    count, free = places.shape
    damping = np.full(count, 1e-2)
    miss = misses(places)
    costs = np.square(miss).sum(1)
    for _ in range(rounds):
        if slopes_at is not None:
            slopes = slopes_at(places)
        else:
            step = inward(places)
            shifted = places[:, None] + step[:, :, None] * np.eye(free)
            slopes = (misses(shifted.reshape(-1, free)).reshape(count, free, -1) - miss[:, None]) / step[..., None]
        gradient = np.einsum("cfm,cm->cf", slopes, miss)
        stuck = ((places <= 0) & (gradient > 0)) | ((places >= 1) & (gradient < 0))
        places, miss, costs, damping = _step(misses, places, miss, costs, damping, slopes, gradient, stuck)
        if (damping > 1e6).all():
            break
    return places, costs


def inward(places: np.ndarray) -> np.ndarray:
    """Steps of a difference, away from the nearer end: they never leave the range."""
    return np.where(places < 0.5, 1e-6, -1e-6)


def _step(
    misses,
    places: np.ndarray,
    miss: np.ndarray,
    costs: np.ndarray,
    damping: np.ndarray,
    slopes: np.ndarray,
    gradient: np.ndarray,
    stuck: Bool[np.ndarray, "batch free"],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """One step of every row, kept where it helps; knobs that push against an end stay there."""
    slopes = np.where(stuck[..., None], 0.0, slopes)
    square = slopes @ slopes.transpose(0, 2, 1)
    diagonal = np.einsum("cff->cf", square)
    ridge = damping[:, None] * (diagonal + 1e-9 * diagonal.max(1, keepdims=True) + 1e-12)
    downhill = np.where(stuck, 0.0, -gradient)
    step = np.linalg.solve(square + ridge[..., None] * np.eye(places.shape[1]), downhill[..., None])
    new = np.clip(places + step[..., 0], 0.0, 1.0)
    new_miss = misses(new)
    new_costs = np.square(new_miss).sum(1)
    better = new_costs < costs
    return (
        np.where(better[:, None], new, places),
        np.where(better[:, None], new_miss, miss),
        np.where(better, new_costs, costs),
        np.where(better, damping / 5, damping * 4),
    )
