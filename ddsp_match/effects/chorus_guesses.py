"""How the lag between two sounds swings: starting points for modulated delays."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float

from ddsp_match.dsp.levels import levelled
from ddsp_match.effects.processor import Processor, Value

FRAME_MS, HOP_MS = 20.0, 10.0
LONGEST_S = 10.0
RATES = 240
FEEDBACKS = (0.0, 0.6, -0.6)
KEPT = 4


def guess_swing(
    part: Processor, dry: Float[np.ndarray, "channels samples"], wet: np.ndarray, sample_rate: int
) -> list[dict[str, Value]]:
    """Settings of a modulated delay that may make `wet` from `dry`, the best first."""
    dry, wet = (sound[:, : int(LONGEST_S * sample_rate)] for sound in (dry, wet))
    ranges = {knob.name: knob for knob in part.knobs}
    longest = int((ranges["delay_ms"].high + ranges["depth_ms"].high) * sample_rate / 1000)
    frame, hop = (int(ms * sample_rate / 1000) for ms in (FRAME_MS, HOP_MS))
    if dry.shape[1] < 4 * (frame + longest):
        return []
    times, lags, weights = _lags(dry.mean(0), (wet - dry).mean(0), longest, frame, hop, sample_rate)
    swings = _swings(times, lags, weights, ranges["rate_hz"].low, ranges["rate_hz"].high)
    settings: list[dict[str, float]] = []
    for rate_hz, centre, radius, phase in swings:
        swing = {
            "rate_hz": rate_hz,
            "delay_ms": (centre - radius) * 1000,
            "depth_ms": 2 * radius * 1000,
            "phase_deg": float(np.rad2deg(phase)),
        }
        for feedback in FEEDBACKS if "feedback" in ranges else (None,):
            whole = swing if feedback is None else {**swing, "feedback": feedback}
            settings.append({k: float(np.clip(v, ranges[k].low, ranges[k].high)) for k, v in whole.items()})
    stacked = {name: torch.tensor([s[name] for s in settings], dtype=torch.float64) for name in settings[0]}
    with torch.inference_mode():
        audio = torch.from_numpy(np.ascontiguousarray(dry))[None]
        late = part(audio, sample_rate, **stacked, wet=1.0).numpy() - dry
    levels, errors = levelled(late, wet - dry)
    return [{**settings[i], "wet": float(np.clip(levels[i], -1, 1))} for i in np.argsort(errors)[:KEPT]]


def _lags(
    dry: np.ndarray, rest: np.ndarray, longest: int, frame: int, hop: int, sample_rate: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The lag at which each frame of the rest resembles the dry sound most; times and lags in seconds, and how much."""
    starts = np.arange(longest, len(dry) - frame, hop)
    size = 1 << int(np.ceil(np.log2(frame + longest)))
    window = np.hanning(frame)
    pieces = np.stack([rest[s : s + frame] * window for s in starts])
    before = np.stack([dry[s - longest : s + frame] for s in starts])
    # Lag l pairs the piece with what began `longest - l` samples into the stretch before it.
    cross = np.fft.irfft(np.fft.rfft(before, size) * np.fft.rfft(pieces, size).conj(), size)[:, : longest + 1]
    total = np.pad(np.cumsum(before**2, axis=1), ((0, 0), (1, 0)))
    energy = total[:, frame:] - total[:, :-frame]
    likeness = cross**2 / (energy + 1e-6 * energy.max() + 1e-300)
    best = likeness.argmax(1)
    rows = np.arange(len(starts))
    weight = likeness[rows, best]
    # Between whole samples by the parabola through the peak.
    inner = best.clip(1, longest - 1)
    low, top, high = (likeness[rows, inner + side] for side in (-1, 0, 1))
    off = np.clip(0.5 * (low - high) / np.minimum(low - 2 * top + high, -1e-300), -0.5, 0.5)
    return (starts + frame / 2) / sample_rate, (longest - best - off) / sample_rate, weight / (weight.max() + 1e-300)


def _swings(
    times: np.ndarray, lags: np.ndarray, weights: np.ndarray, lowest_hz: float, highest_hz: float
) -> list[tuple[float, float, float, float]]:
    """Rate, centre, radius and phase of the sines that most of the lags lie near, the best three rates."""
    span = times[-1] - times[0] + 1e-9
    # Even in steps of an eighth of a turn over the whole sound at fast rates, in ratio at slow ones.
    slow = np.geomspace(lowest_hz, min(highest_hz, 2 / span + lowest_hz), 24)
    fast = np.arange(slow[-1], highest_hz, max(1 / (6 * span), highest_hz / RATES))
    found = []
    for rate in np.unique(np.concatenate([slow, fast])):
        angle = 2 * np.pi * rate * times
        basis = np.stack([np.ones(len(times)), np.sin(angle), np.cos(angle)], axis=1)
        trust, scale, solution = weights.copy(), 4e-3, np.zeros(3)
        for _ in range(8):
            root = np.sqrt(trust)
            solution = np.linalg.lstsq(basis * root[:, None], lags * root, rcond=1e-6)[0]
            off = lags - basis @ solution
            trust = weights / (1 + (off / scale) ** 2)
            scale = max(scale / 2, 3e-4)
        score = float((weights / (1 + (off / 3e-4) ** 2)).sum())
        radius = float(np.hypot(solution[1], solution[2]))
        # A swing of hours through a few seconds explains anything: of no use.
        if radius < 0.02:
            phase = float(np.arctan2(solution[2], solution[1]))
            found.append((score, (float(rate), float(solution[0]), radius, phase)))
    found.sort(key=lambda entry: -entry[0])
    if not found:
        return [(lowest_hz, float(np.median(lags)), 0.0, 0.0)]
    return [_sharpened(swing, times, lags, weights) for _, swing in found[:3]]


def _sharpened(
    swing: tuple[float, float, float, float], times: np.ndarray, lags: np.ndarray, weights: np.ndarray
) -> tuple[float, float, float, float]:
    """The rate between those that were tried: Gauss-Newton, with less and less trust in lags that lie apart."""
    rate, centre, radius, phase = swing
    for scale in (3e-4, 2e-4, 1e-4, 1e-4, 5e-5, 5e-5, 3e-5, 3e-5):
        angle = 2 * np.pi * rate * times + phase
        off = lags - centre - radius * np.sin(angle)
        turn = radius * np.cos(angle)
        slopes = np.stack([2 * np.pi * times * turn, np.ones(len(times)), np.sin(angle), turn], axis=1)
        root = np.sqrt(weights / (1 + (off / scale) ** 2))
        step = np.linalg.lstsq(slopes * root[:, None], off * root, rcond=1e-9)[0]
        rate, centre, radius, phase = (float(a + b) for a, b in zip((rate, centre, radius, phase), step, strict=True))
    phase = float((phase + np.pi) % (2 * np.pi) - np.pi)
    return rate, centre, radius, phase
